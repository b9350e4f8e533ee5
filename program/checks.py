"""Everything that can be known to fail, or to harm, is refused before the first resource is registered."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pulumi

import lint
from cluster.recorded import Recorded
from objects.context import Object
from objects.mesh_config import active_revision
from program.catalogs import not_installable
from program.cert_manager import uncertified
from program.definitions import missing, not_offered, unfit
from program.existing_mesh import unprepared
from program.inventory import every_chart, every_object
from program.log_links import way_back
from program.migrations import migrations
from program.objectives import unwatched
from program.ownership import taken
from program.plan import Plan
from program.remote_write import unwritten
from program.telemetries import kept, shadowing

# Never a reason to refuse: releases that are not supported any more still work, and an upgrade passes through some, as
# Istio's takes one minor version at a time.
_ADVICE = "N18"


class RefusedError(pulumi.RunError):
    """The settings would deploy what cannot work, or harm what exists; Pulumi shows the message without a traceback."""

    def __init__(self, faults: list[str]) -> None:
        count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__("\n".join([f"what the settings ask for has {count}:", *(f"  - {one}" for one in faults)]))


def refuse_what_breaks(plan: Plan, before: Recorded) -> None:
    """Raise ``RefusedError`` with every fault; warnings stand in the output of ``pulumi preview`` and ``pulumi up``.

    ``before`` is what the stack has made so far.
    """
    objects = list(every_object(plan))
    findings = [*map(_judged, lint.check([*without_secrets(objects), *releases(plan)], facts(plan)))]
    for finding in findings:
        if finding.severity is lint.Severity.WARNING:
            pulumi.log.warn(plan.without_secrets(str(finding)))
    for line in (*kept(plan, before), *way_back(plan)):
        pulumi.log.info(line)
    faults = [
        *taken(plan, objects, before),
        *migrations(plan, objects, before),
        *missing(plan, objects),
        *uncertified(plan, before),
        *not_offered(plan),
        *not_installable(plan, before),
        *unfit(plan, objects),
        *unprepared(plan),
        *unwatched(plan),
        *shadowing(plan, before),
        *map(plan.without_secrets, unwritten(plan, objects)),
        *(plan.without_secrets(str(finding)) for finding in findings if finding.severity is lint.Severity.ERROR),
    ]
    if faults:
        raise RefusedError(faults)


def _judged(finding: lint.Finding) -> lint.Finding:
    return replace(finding, severity=lint.Severity.WARNING) if finding.code == _ADVICE else finding


def without_secrets(objects: Iterable[Object]) -> list[Object]:
    """What can be read by anybody; lint, too, does not know the texts of Secrets."""
    return [obj for obj in objects if obj["kind"] != "Secret"]


def releases(plan: Plan) -> Iterator[Object]:
    """Every chart as the resource that Pulumi makes of it, which is no object of the cluster."""
    for chart in every_chart(plan):
        metadata = {"name": chart["name"], "namespace": chart["namespace"]}
        yield {"apiVersion": "helm.sh/v3", "kind": "Release", "metadata": metadata, "spec": chart}


def facts(plan: Plan) -> lint.Facts:
    """Facts about the cluster that stand in the settings but in no object."""
    settings = plan.settings
    operators = settings.operators
    ours = settings.prometheus.is_deployed
    return lint.Facts(
        platform=settings.platform,
        tempo_operator_version=plan.releases.tempo_operator,
        # One that we install is made to work.
        opentelemetry_operator_version=operators.opentelemetry_version
        if operators.source_of("opentelemetry") == "existing"
        else None,
        root_namespace=settings.mesh.namespace,
        # An existing one has a tag that is called otherwise than its revision.
        istio_revisions=frozenset(
            {active_revision(plan.mesh), *([settings.mesh.revision] if settings.mesh.installer == "existing" else [])}
        ),
        cluster_domain=settings.cluster.domain,
        prometheus_native_histograms=settings.prometheus.native_histograms if ours else None,
        prometheus_uid=plan.existing_prometheus_uid,
        today=datetime.datetime.now(tz=datetime.UTC).date(),
    )
