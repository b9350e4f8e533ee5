"""``python -m lint FILE...``: checks any manifests, and explains the checks.

Exits 0 without errors, 1 with errors, 2 if something could not be checked.
"""

import argparse
import datetime
import json
import os
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, NoReturn

from lint import reference
from lint.facts import Facts
from lint.findings import Finding, Severity
from lint.objects import Manifests, Object
from lint.reading import files as _files
from lint.registry import examine
from lint.views.versions import minor

_WIDTH = 80
_COLOURS = {Severity.ERROR: "\033[31m", Severity.WARNING: "\033[33m"}
_PLAIN = "\033[0m"

OK, FAULTY, UNCHECKED = range(3)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print one line, without the usage."""
        self.exit(UNCHECKED, f"{self.prog}: {message}\n")


class _Print(argparse.Action):
    """Prints a text and ends, as ``--help`` does: no file is needed."""

    def __call__(
        self, parser: argparse.ArgumentParser, _namespace: object, values: Any, _option: str | None = None
    ) -> None:
        print(reference.explanation(values) if values else reference.overview(), end="")
        parser.exit(OK)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        files = _files.expand(options.files)
        objects = [obj for name in files for obj in _files.read(name)]
    except _files.UnreadableError as error:
        print(f"lint: {error}", file=sys.stderr)
        return UNCHECKED
    findings = examine(Manifests(tuple(objects)), _facts(options))
    if options.json:
        print(json.dumps([_written(finding) for finding in findings], indent=2))
    else:
        _report(findings, objects, files)
    counted = findings if options.strict else [one for one in findings if one.severity is Severity.ERROR]
    return FAULTY if counted else OK


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="lint",
        description="Check Kubernetes manifests for mistakes that break tracing, and that no API server reports.",
        epilog="Exits 0 without errors, 1 with errors, 2 if something could not be checked.",
        allow_abbrev=False,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a manifest, a folder of them, or - for stdin")
    parser.add_argument("--platform", choices=["openshift", "kubernetes"], help="what the cluster runs on")
    for program in ("tempo-operator", "opentelemetry-operator", "collector"):
        parser.add_argument(f"--{program}-version", type=_version, metavar="X.Y.Z", help="the installed version")
    parser.add_argument(
        "--root-namespace", metavar="NAME", help="the mesh's root namespace, if the manifests do not contain it"
    )
    parser.add_argument("--cluster-domain", metavar="DOMAIN", default="cluster.local", help="default: cluster.local")
    parser.add_argument(
        "--as-of",
        type=_day,
        metavar="DAY",
        default=datetime.datetime.now(tz=datetime.UTC).date(),
        help="the day for which to judge releases and hosts, as 2026-12-01; default: today",
    )
    parser.add_argument("--json", action="store_true", help="print a list of the findings")
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    parser.add_argument("--list", action=_Print, nargs=0, help="list the checks, and exit")
    parser.add_argument(
        "--explain", action=_Print, type=_code, metavar="CODE", help="explain the checks with this code, and exit"
    )
    return parser


def _version(value: str) -> str:
    if minor(value) is None:
        raise argparse.ArgumentTypeError(f"expected a version such as 0.22.0, found {value!r}")
    return value


def _day(value: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day such as 2026-12-01, found {value!r}") from None


def _code(value: str) -> str:
    known = reference.codes()
    if value.upper() not in known:
        raise argparse.ArgumentTypeError(f"expected a code from {known[0]} to {known[-1]}, found {value!r}")
    return value.upper()


def _facts(options: argparse.Namespace) -> Facts:
    return Facts(
        platform=options.platform,
        tempo_operator_version=options.tempo_operator_version,
        opentelemetry_operator_version=options.opentelemetry_operator_version,
        collector_version=options.collector_version,
        root_namespace=options.root_namespace,
        cluster_domain=options.cluster_domain,
        today=options.as_of,
    )


def _written(finding: Finding) -> dict[str, str]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "where": finding.where,
        "why": finding.why,
        "remedy": finding.remedy,
    }


def _report(findings: Sequence[Finding], objects: Sequence[Object], files: Sequence[str]) -> None:
    for finding in findings:
        print(_paragraph(finding), end="\n\n")
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    found = f"{_count(errors, 'error')}, {_count(len(findings) - errors, 'warning')}"
    print(f"{found} in {_count(len(objects), 'object')} of {_count(len(files), 'file')}")


def _paragraph(finding: Finding) -> str:
    written = textwrap.fill(
        str(finding), _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return written
    word = str(finding.severity)
    return f"{_COLOURS[finding.severity]}{word}{_PLAIN}{written.removeprefix(word)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


if __name__ == "__main__":
    sys.exit(main())
