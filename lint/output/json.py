"""For programs; ``schema.json`` beside this file says what is in it."""

import json
from importlib import resources
from typing import Any

from lint.findings import Finding, Severity
from lint.objects import dotted, printable
from lint.output.result import Result

# Another number when a field changes its meaning or goes.
VERSION = 1


def schema() -> str:
    return resources.files("lint.output").joinpath("schema.json").read_text(encoding="utf-8")


def written(result: Result) -> str:
    content = {
        "version": VERSION,
        "findings": [_finding(finding) for finding in result.findings],
        "accepted": [{**_finding(one.finding), "reason": printable(one.reason)} for one in result.suppressed],
        "summary": {
            **{f"{severity}s": result.count(severity) for severity in (Severity.ERROR, Severity.WARNING)},
            "advice": result.count(Severity.ADVICE),
            "objects": result.objects,
            "files": result.sources,
            "deployments": result.deployments,
            "read": result.read,
            "notRead": dict(result.unread_kinds),
        },
        "unreadable": list(result.unreadable),
        "leftOut": list(result.left_out),
    }
    return json.dumps(content, indent=2) + "\n"


def _finding(finding: Finding) -> dict[str, Any]:
    place, position = finding.place, finding.position
    owner = place.owner
    return {
        "code": finding.code,
        "severity": finding.severity,
        "file": printable(owner.source.name) if owner.source else None,
        "line": position.line if position else None,
        "column": position.column if position else None,
        "kind": printable(owner.kind),
        "namespace": printable(owner.namespace),
        "name": printable(owner.name),
        "field": printable(dotted(place.path)),
        "why": finding.why,
        "remedy": finding.remedy,
        "page": finding.page,
    }
