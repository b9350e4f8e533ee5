"""``python lint/collector_keys/extract_distributions.py CLONE`` writes which components the published images have.

CLONE is a clone of open-telemetry/opentelemetry-collector-releases with its tags. Of each distribution it writes, by
section, the components by their module's name, with the first and the last minor version that has them.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

_TAG = re.compile(r"v0\.(\d+)\.(\d+)")
_SECTIONS = ("connectors", "exporters", "extensions", "processors", "receivers")
# Which have a manifest of the form of today: the builder's.
_OLDEST = 65

Found = dict[str, dict[str, dict[str, list[str]]]]


def main(clone: str) -> None:
    found: Found = {}
    for version, tag in _tags(clone):
        for path in _git(clone, "ls-tree", "-r", "--name-only", tag, "distributions/").split():
            if path.endswith("/manifest.yaml"):
                sections = found.setdefault(path.split("/")[1], {})
                _add(sections, yaml.safe_load(_git(clone, "show", f"{tag}:{path}")), f"0.{version}")
    written = json.dumps(found, sort_keys=True, separators=(",", ":"))
    Path(__file__).with_name("distributions.json").write_text(f"{written}\n", encoding="utf-8")


def _add(sections: dict[str, dict[str, list[str]]], manifest: dict[str, list[dict[str, str]]], version: str) -> None:
    for section in _SECTIONS:
        for entry in manifest.get(section) or ():
            module = entry["gomod"].split()[0].rpartition("/")[2]
            name = module.removesuffix(section.removesuffix("s"))
            known = sections.setdefault(section, {}).setdefault(name, [version, version])
            known[1] = version


def _tags(clone: str) -> list[tuple[int, str]]:
    """The last patch of each minor version, the oldest first."""
    last: dict[int, tuple[int, str]] = {}
    for name in _git(clone, "tag").split():
        if (match := _TAG.fullmatch(name)) and int(match[1]) >= _OLDEST:
            last[int(match[1])] = max(last.get(int(match[1]), (-1, "")), (int(match[2]), name))
    return [(version, name) for version, (_, name) in sorted(last.items())]


def _git(clone: str, *arguments: str) -> str:
    command = ["git", "-C", clone, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  it names a clone


if __name__ == "__main__":
    main(sys.argv[1])
