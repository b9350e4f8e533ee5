"""For a workflow of GitHub Actions, which shows each finding beside its line."""

from lint.findings import Finding, Severity
from lint.output.result import Result

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "notice"}


def written(result: Result) -> str:
    return "".join(f"{_command(finding)}\n" for finding in result.findings)


def _command(finding: Finding) -> str:
    properties = {"title": finding.code}
    source, position = finding.place.owner.source, finding.position
    if source and not source.is_rendered:
        properties["file"] = source.name
    if position:
        properties |= {"line": str(position.line), "col": str(position.column)}
    written_out = ",".join(f"{key}={_escaped(value, ',:')}" for key, value in properties.items())
    return f"::{_LEVELS[finding.severity]} {written_out}::{_escaped(finding.message)}"


def _escaped(value: str, further: str = "") -> str:
    for char in f"%\r\n{further}":
        value = value.replace(char, f"%{ord(char):02X}")
    return value
