"""SARIF 2.1.0, the exchange format of static analysis (OASIS), which code hosts show beside the lines."""

import json
from typing import Any
from urllib.parse import quote

from lint.findings import Finding, Severity
from lint.output.result import Result
from lint.registry import RULES
from lint.rule import Rule
from lint.suppression import CODE, Suppressed

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "note"}


def written(result: Result) -> str:
    results = [_result(finding) for finding in result.findings] + [_accepted(one) for one in result.suppressed]
    codes = sorted({one["ruleId"] for one in results}, key=lambda code: int(code.removeprefix("N")))
    driver = {"name": "mesh-tracing lint", "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "results": results,
        "invocations": [
            {
                "executionSuccessful": not result.unreadable,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": line}} for line in result.unreadable
                ],
            }
        ],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str) -> dict[str, Any]:
    if code == CODE:
        return {"id": code, "shortDescription": {"text": "An annotation that accepts findings is wrong"}}
    rules = [rule for rule in RULES if rule.code == code]
    return {
        "id": code,
        "shortDescription": {"text": "; ".join(rule.title for rule in rules)},
        "help": {"text": "\n\n".join(map(_help, rules)), "markdown": "\n\n".join(map(_help, rules))},
    }


def _help(rule: Rule) -> str:
    return f"{rule.why}\n\nRemedy: {rule.remedy}"


def _accepted(one: Suppressed) -> dict[str, Any]:
    return {**_result(one.finding), "suppressions": [{"kind": "inSource", "justification": one.reason}]}


def _result(finding: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": finding.field}]}
    source, position = finding.place.owner.source, finding.position
    if source and not source.is_rendered:
        location["physicalLocation"] = {"artifactLocation": {"uri": quote(source.name)}}
        if position:
            region = {"startLine": position.line, "startColumn": position.column}
            location["physicalLocation"]["region"] = region
    return {
        "ruleId": finding.code,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [location],
    }
