"""Tempo and the collector as the embedded cluster's toolchain builds them, and what lint says of the same file."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import lint

# The built Tempo is a commit between these two: it knows the keys that both know.
TEMPO_RELEASES = ("2.7.2", "2.8.4")


@dataclass(frozen=True)
class Program:
    """A program that checks a configuration and exits; ``image`` tells lint what it is.

    What it only warns of, ``warns`` says: it may exit with an error all the same.
    """

    path: Path
    arguments: tuple[str, ...]
    image: str
    file: str
    warns: str = "nothing"

    def refuses(self, config: Mapping[str, Any], folder: Path) -> str:
        """What the program says against ``config``; nothing if it takes it."""
        written = folder / self.file
        written.write_text(yaml.safe_dump(dict(config)), encoding="utf-8")
        command = [str(self.path), *(argument.format(written) for argument in self.arguments)]
        # What the collector's operator gives to each pod.
        environment = os.environ | {"POD_NAME": "otel-collector-0"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)
        if done.returncode == 0 or self.warns in done.stderr:
            return ""
        return done.stderr.strip() or f"exit code {done.returncode}"

    def lint_refuses(self, config: Mapping[str, Any]) -> list[str]:
        """The errors that lint finds in ``config``, mounted into this program."""
        errors = lint.check(self._objects(config))
        return [str(finding) for finding in errors if finding.severity is lint.Severity.ERROR]

    def _objects(self, config: Mapping[str, Any]) -> list[dict[str, Any]]:
        metadata = {"name": "program", "namespace": "tracing"}
        pod = {
            "containers": [{"name": "program", "image": self.image, "args": [f"-config.file=/etc/{self.file}"]}],
            "volumes": [{"name": "config", "configMap": {"name": "program"}}],
        }
        pod["containers"][0]["volumeMounts"] = [{"name": "config", "mountPath": "/etc"}]  # type: ignore[index]
        labels = {"app": "program"}
        return [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": metadata,
                "data": {self.file: yaml.safe_dump(dict(config))},
            },
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": metadata,
                "spec": {"template": {"metadata": {"labels": labels}, "spec": pod}},
            },
        ]
