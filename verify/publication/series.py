"""The verdict as time series."""

from collections.abc import Iterable, Mapping
from typing import Any

from verify.output.report import Report
from verify.publication.remote_write import Sample

Labels = tuple[tuple[str, str], ...]

SUCCESS = "mesh_tracing_verify_success"
LAST_RUN = "mesh_tracing_verify_last_run_timestamp_seconds"
HOP = "mesh_tracing_verify_hop_status"
_JOB = "mesh-tracing-verify"


def samples(report: Report, earlier: Mapping[str, Any]) -> list[Sample]:
    """One for each hop as it is, with 1, and the verdict; ``earlier`` is the report before, as JSON, or empty.

    What was so then and is not any more gets a 0: a query over a window as long as a few runs, which it has to be
    between them, would still find the 1.
    """
    now = _hops(report.to_json()["hops"])
    then = _hops(earlier.get("hops", ())) if earlier.get("stack") == report.stack else set()
    seconds = report.at.timestamp()
    values: dict[tuple[str, Labels], float] = {
        **{(SUCCESS, ()): float(report.verdict == "works"), (LAST_RUN, ()): seconds},
        **{(HOP, labels): 0.0 for labels in then - now},
        **{(HOP, labels): 1.0 for labels in now},
    }
    common = {"job": _JOB, "stack": report.stack}
    return [
        Sample({"__name__": name, **common, **dict(labels)}, value, round(seconds * 1000))
        for (name, labels), value in sorted(values.items())
    ]


def _hops(found: Iterable[Mapping[str, Any]]) -> set[Labels]:
    return {tuple((label, hop.get(label) or "") for label in ("hop", "status", "code")) for hop in found}
