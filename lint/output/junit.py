"""For what reads test reports: each finding is a test that failed, and advice one that was skipped."""

from xml.etree import ElementTree as xml

from lint.findings import Finding, Severity
from lint.output.result import Result


def written(result: Result) -> str:
    failures = sum(finding.severity is not Severity.ADVICE for finding in result.findings)
    tests = max(len(result.findings), 1)
    skipped = len(result.findings) - failures
    counts = {"tests": str(tests), "failures": str(failures), "skipped": str(skipped)}
    suite = xml.Element("testsuite", {"name": "lint", **counts})
    for finding in result.findings:
        suite.append(_case(finding))
    if not result.findings:
        xml.SubElement(suite, "testcase", {"classname": "lint", "name": "no findings"})
    suites = xml.Element("testsuites", counts)
    suites.append(suite)
    xml.indent(suites)
    return xml.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _case(finding: Finding) -> xml.Element:
    source, position = finding.place.owner.source, finding.position
    attributes = {"classname": source.name if source else "lint", "name": f"{finding.code} {finding.field}"}
    if source and not source.is_rendered:
        attributes["file"] = source.name
    if position:
        attributes["line"] = str(position.line)
    case = xml.Element("testcase", attributes)
    if finding.severity is Severity.ADVICE:
        xml.SubElement(case, "skipped", {"message": finding.message})
    else:
        failure = xml.SubElement(case, "failure", {"type": str(finding.severity), "message": finding.message})
        failure.text = str(finding)
    return case
