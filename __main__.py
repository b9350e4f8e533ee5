"""Tracing and the service graph of an Istio mesh: what is deployed, and in which order."""

import pulumi
import pulumi_kubernetes as k8s

import components as mesh_tracing
import rollout
import settings
from cluster import access, live, recorded
from objects.addresses import otlp_url
from program import Plan, describe, look, refuse_what_breaks, verification

stack = settings.load(pulumi.Config())
way_in = access.find(stack.cluster)
before = recorded.recorded()
plan = Plan(stack, look(Plan(stack, before=before), way_in, before), before)
refuse_what_breaks(plan, before)

cluster = k8s.Provider(
    "cluster",
    # The same path for everybody: whose credentials, and by which context, is no part of the state.
    kubeconfig=access.hand_over(way_in, plan.cluster_uid(before)),
    # Without it, any edit of the kubeconfig replaces the provider, and with it every resource. Stacks of older versions
    # keep theirs: whether it is the same cluster is known by now.
    cluster_identifier=plan.seen.cluster_uid,
    opts=pulumi.ResourceOptions(ignore_changes=["clusterIdentifier"]),
    # Without these, a changed ConfigMap or Secret is deleted and recreated instead of updated.
    enable_config_map_mutable=True,
    enable_secret_mutable=True,
    suppress_helm_hook_warnings=True,
)


# The operators' conditions lag behind their pods, so what serves is seen at the pods themselves.
watch = rollout.Watch(live.Live(way_in), plan.without_secrets)


def after(*earlier: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=cluster, depends_on=earlier)


# A custom resource becomes a workload only once its operator works.
installed = (
    mesh_tracing.Operators("operators", plan.operators(), after(), watch=watch) if plan.installs_operators else None
)
operators = [] if installed is None else [installed, installed.working]
namespaces = mesh_tracing.Namespaces("namespaces", plan.namespaces(), after())
if stack.network_policies.enabled:
    mesh_tracing.NetworkPolicies("network-policies", plan.network_policies(), after(namespaces))

# Two branches are deployed in parallel: the control plane, and the path of the spans, from storage back to the
# collector.
control_plane = mesh_tracing.MeshControlPlane("mesh", plan.control_plane(), after(namespaces, *operators), watch=watch)
prometheus = plan.existing_prometheus() or mesh_tracing.Prometheus(
    "prometheus", plan.prometheus(), after(namespaces), watch=watch
)
if plan.has_alerts_of_others:
    mesh_tracing.Alerts("alerts", plan.alerts(), after(namespaces))
graph_url = plan.graph_url(prometheus.query_url)
# Tempo also waits for Prometheus, and the collector for Tempo, through the address that each is given.
tempo = plan.existing_tempo() or mesh_tracing.TempoStack(
    "tempo", plan.tempo(remote_write_url=prometheus.write_url), after(namespaces, *operators), watch=watch
)
telemetry = mesh_tracing.MeshTelemetry(
    "telemetry",
    plan.telemetry(otlp_address=tempo.otlp_address, control_plane=control_plane.namespace),
    after(namespaces, *operators),
    watch=watch,
)
datasource = mesh_tracing.GrafanaTempoDatasource(
    "datasource",
    plan.datasource(tempo_url=tempo.query_url, prometheus_url=graph_url),
    # Through the two addresses it also waits for Tempo, and for Prometheus where we deploy one.
    after(namespaces, *operators),
)
serving: list[pulumi.Resource] = [datasource]
# Restarted only now, so that the new sidecars trace their first request.
applications = (
    [mesh_tracing.Applications("applications", plan.applications(), after(control_plane, telemetry), watch=watch)]
    if stack.namespaces.applications
    else []
)
if stack.bookinfo.enabled:
    # Pods get a sidecar only once istiod's injector serves. Only the clients that send requests also wait for tracing.
    bookinfo = mesh_tracing.Bookinfo("bookinfo", plan.bookinfo(tracing=telemetry.provider_name), after(control_plane))
    serving.append(bookinfo)
    pulumi.export("productpage_url", bookinfo.productpage_url)
    if bookinfo.gateway_service is not None:
        pulumi.export("gateway_service", bookinfo.gateway_service)
if stack.kiali.installer != "none":
    kiali = mesh_tracing.Kiali(
        "kiali",
        plan.kiali(tempo_url=tempo.query_url, prometheus_url=graph_url, grafana_url=datasource.grafana_url),
        # Kiali looks for a control plane when it starts. Through the addresses it also waits for what it queries.
        after(namespaces, control_plane, *operators),
        watch=watch,
    )
    serving.append(kiali)
    pulumi.export("kiali_url", kiali.url)
if stack.verify.enabled:
    # It would report what is not there yet.
    check = mesh_tracing.Verification("verification", verification(plan), after(telemetry, *applications, *serving))
    pulumi.export("verify_config_map", check.config_map)
if plan.exposed_services:
    # The data sources, which are among these, have waited for Prometheus.
    exposure = mesh_tracing.Exposure("exposure", plan.exposure(), after(namespaces, *serving))
    pulumi.export("grafana_url", exposure.urls.get("grafana"))
    pulumi.export("prometheus_external_url", exposure.urls.get("prometheus"))
    pulumi.export("productpage_external_url", exposure.urls.get("productpage"))

pulumi.export("system_namespaces", namespaces.names)
pulumi.export("mesh_namespaces", stack.mesh_namespaces)
pulumi.export("prometheus_url", graph_url)
pulumi.export("graph_source", plan.graph_source)
pulumi.export("tempo_query_url", tempo.query_url)
pulumi.export("collector_service", telemetry.collector_service)
pulumi.export("otlp_endpoint", telemetry.collector_service.apply(otlp_url))
pulumi.export("tracing_provider", telemetry.provider_name)
pulumi.export("grafana_datasources_config_map", datasource.config_map)
pulumi.export("versions", plan.versions())
deployment = describe(plan, before).model_dump()
pulumi.export("deployment", pulumi.Output.secret(deployment) if plan.has_secret_urls else deployment)
