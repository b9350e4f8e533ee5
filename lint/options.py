"""The command's options, and the facts that some of them state."""

import argparse
import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from lint import reference
from lint.facts import Facts
from lint.findings import Severity
from lint.output import FORMATS
from lint.output.json import schema
from lint.views.versions import minor

UNCHECKED = 2
_CODES = re.compile(r"N\d+(?:,N\d+)*", re.IGNORECASE)
_VERSIONED = {
    "tempo-operator": "tempo_operator_version",
    "opentelemetry-operator": "opentelemetry_operator_version",
    "collector": "collector_version",
}
# Facts that are true or false, and what they mean.
_YES_NO = {
    "prometheus-receiver": ("prometheus_remote_write_receiver", "whether Prometheus takes remote writes"),
    "prometheus-native-histograms": ("prometheus_native_histograms", "whether Prometheus takes native histograms"),
    "bucket-created": ("bucket_is_created", "whether somebody creates Tempo's bucket"),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print one line, without the usage."""
        self.exit(UNCHECKED, f"{self.prog}: {message}\n")


class _Print(argparse.Action):
    """Prints a text and ends, as ``--help`` does: no file is needed."""

    def __call__(
        self, parser: argparse.ArgumentParser, _namespace: object, values: Any, option: str | None = None
    ) -> None:
        if option == "--schema":
            print(schema(), end="")
        else:
            print(reference.explanation(values) if values else reference.overview(), end="")
        parser.exit(0)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.files and not options.cluster:
        parser.error("the following arguments are required: FILE")
    options.formats = options.formats or [("text", None)]
    if sum(file is None for _, file in options.formats) > 1:
        parser.error("argument --format: only one format goes to the terminal; write the others as FORMAT=FILE")
    return options


def facts(options: argparse.Namespace, of_stack: Mapping[str, Any]) -> Facts:
    """What the options state, and for the rest what is known of the stack."""
    stated = {
        "platform": options.platform,
        "root_namespace": options.root_namespace,
        "istio_revisions": frozenset(options.istio_revision) if options.istio_revision else None,
        "cluster_domain": options.cluster_domain,
        "prometheus_uid": options.prometheus_uid,
        **{name: getattr(options, name) for name in _VERSIONED.values()},
        **{name: getattr(options, name) for name, _ in _YES_NO.values()},
    }
    known = {**of_stack, **{name: value for name, value in stated.items() if value is not None}}
    return Facts(**known, today=options.as_of)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="lint",
        description="Check Kubernetes manifests for mistakes that break tracing, and that no API server reports.",
        epilog="Exits 0 without errors, 1 with errors, 2 if something could not be checked.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="a manifest, values of a chart, a folder of them, or - for stdin"
    )
    _add_reading(parser)
    _add_findings(parser)
    _add_facts(parser)
    parser.add_argument("--list", action=_Print, nargs=0, help="list the checks, and exit")
    parser.add_argument("--schema", action=_Print, nargs=0, help="print the schema of the format json, and exit")
    parser.add_argument(
        "--explain", action=_Print, type=_code, metavar="CODE", help="explain the checks with this code, and exit"
    )
    return parser


def _add_reading(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is read")
    group.add_argument("--namespace", metavar="NAME", default="", help="the namespace of objects that name none")
    group.add_argument("--cluster", action="store_true", help="check the files together with what the cluster has")
    group.add_argument("--no-render", action="store_true", help="read Kustomizations and charts without their tools")
    group.add_argument("--allow-empty", action="store_true", help="exit with 0 if no check has read anything")


def _add_findings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is reported")
    group.add_argument(
        "--format",
        dest="formats",
        action="append",
        type=_format,
        metavar="FORMAT[=FILE]",
        help=f"{', '.join(FORMATS)}; may be given several times",
    )
    group.add_argument(
        "--json", dest="formats", action="append_const", const=("json", None), help="the same as --format json"
    )
    group.add_argument("--select", type=_codes, metavar="CODES", help="look for these only, as N3,N24")
    group.add_argument("--ignore", type=_codes, metavar="CODES", help="do not look for these")
    group.add_argument(
        "--severity",
        type=Severity,
        choices=list(Severity),
        default=Severity.WARNING,
        help="report what is at least this severe; default: warning",
    )
    group.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")


def _add_facts(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is known of the cluster")
    group.add_argument("--stack", metavar="NAME", help="take what follows from this Pulumi stack of the project here")
    group.add_argument("--platform", choices=["openshift", "kubernetes"], help="what the cluster runs on")
    for program in _VERSIONED:
        group.add_argument(f"--{program}-version", type=_version, metavar="X.Y.Z", help="the installed version")
    group.add_argument(
        "--root-namespace", metavar="NAME", help="the mesh's root namespace, if the manifests do not contain it"
    )
    group.add_argument(
        "--istio-revision", action="append", metavar="NAME", help="a control plane or tag that exists; several times"
    )
    group.add_argument("--cluster-domain", metavar="DOMAIN", help="default: cluster.local")
    group.add_argument("--prometheus-uid", metavar="UID", help="the uid of Grafana's data source for Prometheus")
    for option, (name, meaning) in _YES_NO.items():
        group.add_argument(f"--{option}", dest=name, type=_yes_or_no, metavar="yes|no", help=meaning)
    group.add_argument(
        "--as-of",
        type=_day,
        metavar="DAY",
        default=datetime.datetime.now(tz=datetime.UTC).date(),
        help="the day for which to judge releases and hosts, as 2026-12-01; default: today",
    )


def _format(value: str) -> tuple[str, str | None]:
    name, equals, file = value.partition("=")
    if name not in FORMATS or (equals and not file):
        raise argparse.ArgumentTypeError(f"expected {', '.join(FORMATS)}, or one with a file, found {value!r}")
    return name, file or None


def _codes(value: str) -> frozenset[str]:
    if not _CODES.fullmatch(value):
        raise argparse.ArgumentTypeError(f"expected codes such as N3,N24, found {value!r}")
    return frozenset(_code(code) for code in value.split(","))


def _code(value: str) -> str:
    known = reference.codes()
    if value.upper() not in known:
        raise argparse.ArgumentTypeError(f"expected a code from {known[0]} to {known[-1]}, found {value!r}")
    return value.upper()


def _version(value: str) -> str:
    if minor(value) is None:
        raise argparse.ArgumentTypeError(f"expected a version such as 0.22.0, found {value!r}")
    return value


def _yes_or_no(value: str) -> bool:
    if value not in {"yes", "no"}:
        raise argparse.ArgumentTypeError(f"expected yes or no, found {value!r}")
    return value == "yes"


def _day(value: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day such as 2026-12-01, found {value!r}") from None
