"""Why an operator that OLM is to install is not there yet, or not upgraded, in one line.

Everything here is a function of what was read, and reads nothing itself.
"""

from collections.abc import Mapping
from typing import Any

from objects.installation import Installation

Object = Mapping[str, Any]

# What a Subscription says of itself where OLM does not get on (api: pkg/operators/v1alpha1/subscription_types.go).
_HINDERED = ("ResolutionFailed", "BundleUnpackFailed", "InstallPlanMissing")
_LONGEST = 400


def plan_name(subscription: Object) -> str:
    """The InstallPlan of the next step, which is in the Subscription's namespace; empty if there is none yet."""
    return str(((subscription.get("status") or {}).get("installPlanRef") or {}).get("name") or "")


def version_name(subscription: Object) -> str:
    """The ClusterServiceVersion that OLM installs, or has installed; empty if it has not chosen one yet."""
    return str((subscription.get("status") or {}).get("currentCSV") or "")


def is_behind(asked: Installation, subscription: Object, offer: Object | None) -> bool:
    """Whether the channel has another version than what is installed, so that an upgrade is due."""
    channels = ((offer or {}).get("status") or {}).get("channels") or []
    newest = {one.get("currentCSV") for one in channels if one.get("name") == asked.channel}
    return bool(newest) and (subscription.get("status") or {}).get("installedCSV") not in newest


def says(asked: Installation, subscription: Object, plan: Object | None, version: Object | None) -> str:
    """What keeps ``asked`` from being installed or upgraded, and what to do; empty if nothing does."""
    if plan is not None and (plan.get("status") or {}).get("phase") == "RequiresApproval":
        versions = ", ".join((plan.get("spec") or {}).get("clusterServiceVersionNames") or [version_name(subscription)])
        return (
            f"{asked.package}: {versions} waits for your approval: kubectl patch installplan "
            f'{plan["metadata"]["name"]} -n {asked.namespace} --type merge -p \'{{"spec":{{"approved":true}}}}\''
        )
    if version is not None and (version.get("status") or {}).get("phase") == "Failed":
        status = version["status"]
        words = f"{status.get('reason')}: {status.get('message')}"
        return _line(f"{asked.package}: OLM cannot install {version['metadata']['name']}: {words}")
    for condition in (subscription.get("status") or {}).get("conditions") or []:
        if condition.get("type") in _HINDERED and condition.get("status") == "True":
            words = str(condition.get("message") or condition.get("reason") or condition["type"])
            return _line(f"{asked.package}: OLM does not install it: {words}")
    if plan is not None and (plan.get("status") or {}).get("phase") == "Failed":
        found = [one.get("message") for one in plan["status"].get("conditions") or [] if one.get("status") == "False"]
        words = str(next(filter(None, found), "no reason given"))
        return _line(f"{asked.package}: InstallPlan {plan['metadata']['name']} failed: {words}")
    return ""


def _line(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
