"""The policies: one for each severity, so that a stack decides by itself what each of them does to an update."""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from lint import reference, suppression
from lint.facts import Facts
from lint.findings import Finding, Severity
from lint.objects import Manifests
from lint.registry import chosen_codes, examine, in_order, rules_of
from policy.objects import clusters

_LEVELS = (
    (Severity.ERROR, "errors", "What breaks tracing, and no API server reports.", EnforcementLevel.MANDATORY),
    (Severity.WARNING, "warnings", "What may break tracing, or is unwise.", EnforcementLevel.ADVISORY),
    (Severity.ADVICE, "advice", "What would make tracing more robust.", EnforcementLevel.DISABLED),
)
# What is known of the cluster, by its name in the configuration of a policy: the field of Facts, and its schema.
_FACTS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "platform": ("platform", {"type": "string", "enum": ["openshift", "kubernetes"]}),
    "rootNamespace": ("root_namespace", {"type": "string"}),
    "clusterDomain": ("cluster_domain", {"type": "string"}),
    "istioRevisions": ("istio_revisions", {"type": "array", "items": {"type": "string"}}),
    "tempoOperatorVersion": ("tempo_operator_version", {"type": "string"}),
    "opentelemetryOperatorVersion": ("opentelemetry_operator_version", {"type": "string"}),
    "collectorVersion": ("collector_version", {"type": "string"}),
    "prometheusReceiver": ("prometheus_remote_write_receiver", {"type": "boolean"}),
    "prometheusNativeHistograms": ("prometheus_native_histograms", {"type": "boolean"}),
    "prometheusUid": ("prometheus_uid", {"type": "string"}),
    "bucketCreated": ("bucket_is_created", {"type": "boolean"}),
}


def policies() -> list[Policy]:
    """The pack: the checks, and what they have to know of each resource first."""
    registered: set[str] = set()
    return [
        *(
            StackValidationPolicy(
                name=name,
                description=description,
                enforcement_level=enforcement,
                config_schema=_schema(),
                validate=partial(_report, severity, registered),
            )
            for severity, name, description, enforcement in _LEVELS
        ),
        ResourceValidationPolicy(
            name="own-resources",
            description="Notes what the program deploys; what it only reads is nobody's fault there.",
            enforcement_level=EnforcementLevel.ADVISORY,
            validate=partial(_note, registered),
        ),
    ]


def _note(registered: set[str], args: ResourceValidationArgs, _: ReportViolation) -> None:
    """The engine shows each resource that is deployed, and the whole stack later with what is only read."""
    registered.add(args.urn)


def _report(severity: Severity, registered: set[str], args: StackValidationArgs, report: ReportViolation) -> None:
    for finding, urn in findings(args.resources, args.get_config()):
        if finding.severity is severity and urn in registered:
            report(f"{finding.code} {finding.field}: {finding.message}", urn)


def findings(resources: Iterable[PolicyResource], config: Mapping[str, Any]) -> Iterator[tuple[Finding, str]]:
    """Yield each finding with the URN of its resource; objects of different clusters do not meet."""
    chosen = chosen_codes(config.get("select"), config.get("ignore"))
    rules = rules_of(chosen)
    for deployed in clusters(resources):
        objects = [one.object for one in deployed]
        urns = {id(one.object): one.urn for one in deployed}
        found = examine(Manifests(tuple(objects)), _facts(config), rules)
        kept, _ = suppression.apply(found, objects, chosen)
        for finding in in_order(kept):
            yield finding, urns[id(finding.place.owner)]


def _facts(config: Mapping[str, Any]) -> Facts:
    known = {field: config[name] for name, (field, _) in _FACTS.items() if name in config}
    if "istio_revisions" in known:
        known["istio_revisions"] = frozenset(known["istio_revisions"])
    return Facts(**known, today=datetime.datetime.now(tz=datetime.UTC).date())


def _schema() -> PolicyConfigSchema:
    codes = {"type": "array", "items": {"type": "string", "enum": list(reference.codes())}}
    return PolicyConfigSchema(
        {**{name: schema for name, (_, schema) in _FACTS.items()}, "select": codes, "ignore": codes}
    )
