"""The verdict as a condition, in the terms of Kubernetes, and since when it is so."""

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Literal

from verify.findings import Finding, Status
from verify.output.report import Report, Verdict

TYPE = "TracingWorks"
_STATUSES: Mapping[Verdict, Literal["True", "False", "Unknown"]] = {
    "works": "True",
    "broken": "False",
    "cannot tell": "Unknown",
}
_LOOKED_FOR: Mapping[Verdict, Status] = {"broken": Status.BROKEN, "cannot tell": Status.UNKNOWN}
_WORKS = "Works"
# An Event of the newer API may have no longer one (kubernetes: pkg/apis/core/validation/events.go).
_MAX_MESSAGE = 1024


@dataclass(frozen=True)
class Condition:
    """As in a status (apimachinery: meta/v1/types.go); ``reason`` is the code of the first cause, in CamelCase.

    ``lastTransitionTime`` is when ``status`` became what it is, and ``lastProbeTime`` when it was last looked at.
    """

    type: str
    status: str
    reason: str
    message: str
    lastTransitionTime: str
    lastProbeTime: str

    def to_data(self) -> dict[str, str]:
        return asdict(self)

    def after(self, earlier: Mapping[str, str]) -> "Condition":
        """The same, having become so when ``earlier``, the data of an earlier one, says, if its status is the same."""
        since = earlier.get("lastTransitionTime")
        return replace(self, lastTransitionTime=since) if since and earlier.get("status") == self.status else self

    def is_news(self, earlier: Mapping[str, str]) -> bool:
        """Whether the verdict, or its first cause, is another than in the data of an ``earlier`` one."""
        return (self.status, self.reason) != (earlier.get("status"), earlier.get("reason"))


def condition(report: Report) -> Condition:
    causes = _causes(report)
    moment = rfc3339(report.at)
    return Condition(
        type=TYPE,
        status=_STATUSES[report.verdict],
        reason=_camel_case(causes[0].code or "") if causes else _WORKS,
        message=_message(report, causes)[:_MAX_MESSAGE],
        lastTransitionTime=moment,
        lastProbeTime=moment,
    )


def rfc3339(moment: datetime.datetime) -> str:
    """``moment`` as Kubernetes writes it."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _causes(report: Report) -> list[Finding]:
    """The findings behind the verdict, without those that follow from another one."""
    found = [finding for finding in report.findings if finding.status is _LOOKED_FOR.get(report.verdict)]
    return [finding for finding in found if finding.follows_from is None] or found


def _message(report: Report, causes: list[Finding]) -> str:
    if not causes:
        return f"{report.headline}. {report.reason}"
    return "; ".join(f"{report.title(finding.hop)}: {finding.cause}" for finding in causes)


def _camel_case(code: str) -> str:
    """A condition's reason may have no hyphen."""
    return "".join(word.capitalize() for word in code.split("-"))
