"""What the stages of the suite are about: today's program with other settings of the store, and a stack that moves."""

from dataclasses import dataclass, replace
from typing import Any

import yaml
from embedded import CHECKOUT, STACK, Host, Project


@dataclass(frozen=True)
class Variant:
    """Today's program in a copy, whose object store may have other settings; ``host`` runs its commands there."""

    project: Project

    @property
    def host(self) -> Host:
        return replace(self.project.host, folder=self.project.folder)

    def configure(self, **s3: Any) -> None:
        """Write the settings and the keys of the checkout's stack, with these settings of the object store."""
        name = f"Pulumi.{STACK}.yaml"
        content = yaml.safe_load((CHECKOUT / name).read_text())
        # A claim of MinIO, which older stacks have, keeps its size.
        content["config"]["mesh-tracing:tempo"]["storage"]["s3"] |= {"minio": {"size": "1Gi"}, **s3}
        (self.project.folder / name).write_text(yaml.safe_dump(content))

    def password(self, new: str | None = None) -> str:
        """The object store's password, after it has been set to ``new``."""
        if new is not None:
            self.project.pulumi("config", "set", "--secret", "--stack", STACK, "objectStoreSecretKey", new)
        return self.project.pulumi("config", "get", "--stack", STACK, "objectStoreSecretKey").strip()


@dataclass(frozen=True)
class Moved:
    """``trace`` was in MinIO, whose objects were ``minio``."""

    variant: Variant
    trace: str
    minio: dict[str, str]
