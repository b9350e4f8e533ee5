"""``python lint/chart_values/extract_releases.py ADDRESS=CLONE...`` writes which versions of charts were published.

ADDRESS is that of a repository of charts without ``https://``, and CLONE a clone of it with its tags, such as
``tempo-1.24.0``: it publishes by tags, and has no version without one. Of charts that bring a product of which somebody
asks the release, the version of that product is read too (``appVersion`` in Chart.yaml), where it changes; name the
repository that has all of its versions last.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from lint.chart_values import CHARTS

Version = tuple[int, int, int]

_FOLDER = "charts"
_VERSION = r"(\d+)\.(\d+)\.(\d+)"
# What others ask for: the chart's version of anything else is of no use.
_BRINGS = frozenset({"grafana", "prometheus", "tempo", "tempo-distributed"})


def main(arguments: list[str]) -> None:
    patches: dict[str, Any] = {}
    brings: dict[str, Any] = {}
    for address, _, clone in (argument.partition("=") for argument in arguments):
        tags = _git(clone, "tag").split()
        found = {chart: versions for chart in CHARTS if (versions := published(tags, chart))}
        patches[address] = {chart: _patches(versions) for chart, versions in found.items()}
        for chart in _BRINGS & found.keys():
            brings[chart] = _changes({version: _app(clone, chart, version) for version in found[chart]})
    written = {"patches": patches, "brings": brings}
    target = Path(__file__).with_name("releases.json")
    target.write_text(json.dumps(written, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")


def published(tags: list[str], chart: str) -> list[Version]:
    """The versions of ``chart`` among the tags of its repository, the oldest first."""
    pattern = re.compile(rf"{re.escape(chart)}-{_VERSION}")
    matches = (match for tag in tags if (match := pattern.fullmatch(tag)))
    return sorted((int(match[1]), int(match[2]), int(match[3])) for match in matches)


def _patches(versions: list[Version]) -> dict[str, list[int]]:
    """The patches of each minor version."""
    found: dict[str, list[int]] = {}
    for major, minor, patch in versions:
        found.setdefault(f"{major}.{minor}", []).append(patch)
    return found


def _changes(apps: dict[Version, str]) -> list[list[str]]:
    """The first version that brings each version of the product."""
    found: list[list[str]] = []
    for version, app in apps.items():
        if not found or found[-1][1] != app:
            found.append([".".join(map(str, version)), app])
    return found


def _app(clone: str, chart: str, version: Version) -> str:
    name = f"{chart}-{'.'.join(map(str, version))}"
    written = yaml.load(_git(clone, "show", f"{name}:{_FOLDER}/{chart}/Chart.yaml"), yaml.CSafeLoader)
    return str((written or {}).get("appVersion", ""))


def _git(clone: str, *arguments: str) -> str:
    command = ["git", "-C", clone, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout  # noqa: S603  it names clones


if __name__ == "__main__":
    main(sys.argv[1:])
