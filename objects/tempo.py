"""Tempo as one of the two resources of its operator, and what stands beside it."""

from model import Tempo
from objects.addresses import (
    TEMPO,
    TEMPO_HTTP_PORT,
    TEMPO_INTERNAL_PORT,
    has_encrypted_metrics,
    tempo_jobs,
    tempo_pods,
    tempo_service,
)
from objects.cloud_stores import account_annotations
from objects.context import Object, Text, wait_for
from objects.metrics import build_metrics_service, build_monitor
from objects.pods import build_pull_account
from objects.prometheus_access import build_credentials
from objects.rollout import Rollout
from objects.tempo_args import TempoStackArgs
from objects.tempo_specs import build_monolithic_spec, build_stack_spec

TEMPO_API_VERSION = "tempo.grafana.com/v1alpha1"
_KINDS = {"monolithic": "TempoMonolithic", "stack": "TempoStack"}
# The parts of a TempoStack, each a Deployment or a StatefulSet.
_GENERATOR = "metrics-generator"
_PARTS = ("compactor", "distributor", "ingester", _GENERATOR, "querier", "query-frontend")


def tempo_resource(tempo: Tempo) -> Object:
    """Kind and name of the resource that the operator makes Tempo of."""
    metadata = {"name": TEMPO, "namespace": tempo.namespace}
    return {"apiVersion": TEMPO_API_VERSION, "kind": _KINDS[tempo.mode], "metadata": metadata}


def build_tempo(
    args: TempoStackArgs, secret_name: Text | None, *, revision: Text | None = None, awaited: bool = True
) -> Object:
    """The TempoMonolithic or the TempoStack; ``secret_name`` is that of ``store_secret``.

    ``awaited``: whether Pulumi's provider waits for it, as far as the operator's condition tells.
    """
    build_spec = build_monolithic_spec if args.tempo.mode == "monolithic" else build_stack_spec
    return {
        **tempo_resource(args.tempo),
        # Ready covers the pods as well as the objects; the operator documents the condition in the status. After an
        # update it is that of the old pods for a while.
        "metadata": args.context.metadata(
            TEMPO, args.tempo.namespace, annotations=wait_for("condition=Ready") if awaited else None
        ),
        "spec": build_spec(args, secret_name, revision),
    }


def unscaled(args: TempoStackArgs) -> TempoStackArgs:
    """``args`` without the numbers of pods: more or fewer pods are no other revision, and those that run go on."""
    tempo = args.tempo.model_copy(update={"parts": args.tempo.parts.unscaled()})
    return args.model_copy(update={"tempo": tempo})


def build_beside(args: TempoStackArgs) -> dict[str, Object]:
    """What has to be there before Tempo's pods: their ServiceAccount and their login, where the settings ask for them.

    For pull secrets the account is ours; the operator makes one otherwise.
    """
    account = build_pull_account(TEMPO, args.tempo.namespace, args.context)
    if account is not None and (identity := account_annotations(args.tempo.storage)):
        annotations = {**account["metadata"].get("annotations", {}), **identity}
        account = {**account, "metadata": {**account["metadata"], "annotations": annotations}}
    login = build_credentials(
        args.existing_prometheus,
        args.prometheus_credentials,
        consumer=TEMPO,
        namespace=args.tempo.namespace,
        context=args.context,
    )
    return {role: obj for role, obj in {"account": account, "prometheus": login}.items() if obj is not None}


def build_metrics_services(args: TempoStackArgs) -> dict[str, Object]:
    """What is there for the metrics of each part that is scraped: a Service, and a monitor if one is asked for."""
    built, namespace, context = dict[str, Object](), args.tempo.namespace, args.context
    jobs = tempo_jobs(args.tempo, makes_graph=args.makes_graph, graph_beside=args.graph_beside)
    for job, (resource, part) in jobs.items():
        encrypted = has_encrypted_metrics(args.tempo, part)
        port = TEMPO_INTERNAL_PORT if encrypted else TEMPO_HTTP_PORT
        pods = {**tempo_pods(resource), "app.kubernetes.io/component": part}
        built[f"{job}-metrics"] = build_metrics_service(job, namespace, port=port, selector=pods, context=context)
        if args.monitor is not None:
            monitor = build_monitor(job, namespace, args.monitor, encrypted=encrypted)
            built[f"{job}-monitor"] = monitor
    return built


def tempo_rollout(args: TempoStackArgs) -> Rollout:
    """The workloads that the operator makes, and where it writes the configuration with the revision."""
    monolithic = args.tempo.mode == "monolithic"
    stack = [part for part in _PARTS if part != _GENERATOR or args.makes_graph]
    parts = [""] if monolithic else stack
    return Rollout(
        title="Tempo",
        namespace=args.tempo.namespace,
        workloads=tuple(tempo_service(args.tempo, part) for part in parts),
        seconds=args.context.timeouts.tempo,
        config_map=f"tempo-{TEMPO}-config" if monolithic else f"tempo-{TEMPO}",
        config_file="tempo.yaml",
    )
