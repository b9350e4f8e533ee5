"""Every stack and variant on every saved release of an operator, and which releases a stack gets from its cluster."""

import asyncio
import datetime
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from unittest import mock

import pulumi
import pytest
import releases
import variants
from jsonschema import Draft202012Validator
from recording import (
    EMPTY_CLUSTER,
    SENTINELS,
    STACKS,
    apply_config,
    minimal_config,
    run_program,
    s3_config,
    stack_config,
    with_setting,
    with_settings,
)
from test_cloud_stores import STORES
from test_scheduling import SCHEDULING

import settings
from cluster.recorded import Recorded
from cluster.seen import Seen, read_facts, seen, write_facts
from model.stack import Settings
from program import Plan
from program.checks import RefusedError
from program.definitions import unfit
from program.inventory import every_object
from program.releases import Releases

pytestmark = pytest.mark.timeout(300)

Config = Mapping[str, Any]


def without_version(config: Config) -> Config:
    """``config`` without a version of Istio where the Sail operator has one to choose."""
    mesh = dict(config.get("mesh-tracing:mesh", {}))
    if mesh.get("installer") == "sail":
        mesh.pop("version", None)
    return {**config, "mesh-tracing:mesh": mesh}


SAIL = with_setting(minimal_config(), "mesh.installer", "sail")
STACK = with_setting(s3_config(), "tempo.mode", "stack")
PROMETHEUS = "https://metrics.example.com"
# Settings that are in no variant, each tried with a Tempo of one process and with a TempoStack.
SINGLE_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    **{name: changes for name, (changes, *_) in STORES.items()},
    "placed": {"scheduling": SCHEDULING, "images.pullSecrets": ["registry"]},
    "labelled": {"commonLabels": {"team": "a"}, "commonAnnotations": {"example.com/team": "a"}},
    "mirrored": {"images.mirror": "registry.example.com/mirror"},
    "exposed": {
        "exposure.kind": "ingress",
        "exposure.domain": "example.com",
        "exposure.jaegerUi": True,
        "exposure.annotations": {"example.com/a": "b"},
    },
    "scraped": {"prometheus.existing": {"queryUrl": PROMETHEUS, "method": "scrape"}},
    "with a login": {
        "prometheus.existing": {"queryUrl": PROMETHEUS, "auth": {"type": "bearer"}, "datasourceUid": "metrics"}
    },
}
PARTS = {"tempo.parts": {"querier": {"replicas": 2, "resources": {"limits": {"memory": "1Gi"}}}}}


def single_settings() -> Iterator[tuple[str, Config]]:
    for name, changes in SINGLE_SETTINGS.items():
        for mode, config in (("monolithic", {**minimal_config(), **SENTINELS}), ("stack", {**STACK, **SENTINELS})):
            yield f"{name}, {mode}", with_settings(with_setting(config, "mesh.installer", "sail"), changes)
    yield "parts, stack", with_settings(STACK, PARTS)


CONFIGS: Mapping[str, Config] = {
    **{name: stack_config(name) for name in STACKS},
    **{name: without_version(config) for name, config in variants.variants().items()},
    **dict(single_settings()),
}
# The others install operators of their own choice, with these operators' definitions.
THERE_ALREADY = [
    name for name, config in CONFIGS.items() if "manifests" not in str(config.get("mesh-tracing:operators"))
]
KINDS = frozenset({"Istio", "IstioCNI", "IstioRevisionTag", "OpenTelemetryCollector", "TempoMonolithic", "TempoStack"})
# What a release refuses, with the field that it lacks. To the graph of a TempoStack, the collector logs in.
REFUSED = {
    (release, "with a login, monolithic"): "spec.env" for release in ("tempo-operator-0.19.0", "tempo-operator-0.20.0")
}
# Whether the TempoStack of a release has a metrics generator.
HAS_GENERATOR = {
    "tempo-operator-0.19.0": False,
    "tempo-operator-0.20.0": False,
    "tempo-operator-0.21.0": False,
    "tempo-operator-0.22.0": True,
}
# What makes the graph in its place, if the collector does not: kind and name.
GRAPH = ("TempoMonolithic", "graph")


@pytest.fixture(autouse=True)
def _loop() -> Iterator[None]:
    """Secrets of a configuration are Outputs, and each waits in a loop for what it will be."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    waiting = asyncio.all_tasks(loop)
    if waiting:
        loop.run_until_complete(asyncio.wait(waiting))
    loop.close()
    asyncio.set_event_loop(None)


def needs(*names: str) -> pytest.MarkDecorator:
    absent = not set(names) <= set(releases.names())
    return pytest.mark.skipif(absent, reason=f"the definitions are not there: {releases.FOLDER}")


@cache
def _settings(name: str) -> Settings:
    return loaded(CONFIGS[name])


def loaded(config: Config) -> Settings:
    apply_config(config)
    return settings.load(pulumi.Config("mesh-tracing"))


def cluster(*names: str, **more: Any) -> Seen:
    """What is seen of a cluster that has the definitions of these releases."""
    return seen({**releases.answers(*names), **more}, KINDS)


def defined(plan: Plan) -> list[dict[str, Any]]:
    """The objects of which the releases have definitions."""
    return [obj for obj in every_object(plan) if obj["kind"] in KINDS]


def problems(release: str, objects: list[dict[str, Any]]) -> Iterator[str]:
    specs = releases.strict_specs(release)
    for obj in objects:
        schema = specs.get((obj["apiVersion"], obj["kind"]))
        if schema is not None:
            for error in Draft202012Validator(schema).iter_errors(obj["spec"]):
                yield f"{obj['kind']} {obj['metadata']['name']}: {error.json_path}: {error.message}"


@pytest.mark.parametrize("release", releases.names() or [pytest.param("none", marks=needs("the definitions"))])
def test_every_stack_and_variant_fits(release: str) -> None:
    """There is no field that the release would drop, and no value that it would refuse; or we refuse the setting."""
    live = cluster(release)
    checked: dict[str, list[str]] = {}
    for name in THERE_ALREADY:
        plan = Plan(_settings(name), live)
        objects = defined(plan)
        refused = list(unfit(plan, objects))
        if (release, name) in REFUSED:
            assert all(f"does not have {REFUSED[release, name]}" in line for line in refused), refused
            assert refused, name
            continue
        assert refused == [], name
        text = json.dumps(objects, sort_keys=True)
        if text not in checked:
            checked[text] = list(problems(release, json.loads(text)))
        assert checked[text] == [], name
    assert len(checked) > 1


@pytest.mark.parametrize("release", [pytest.param(name, marks=needs(name)) for name in HAS_GENERATOR])
def test_what_a_release_lacks_has_a_fallback(release: str) -> None:
    """The collector makes the graph of a TempoStack without a generator, or a Tempo beside it what that cannot make.

    It also makes that of a Tempo of others, whose generator nobody here knows.
    """
    live = cluster(release)
    for name in THERE_ALREADY:
        settings = _settings(name)
        plan = Plan(settings, live)
        made = {(obj["kind"], obj["metadata"]["name"]) for obj in every_object(plan)}
        lacks = ("TempoStack", "tempo") in made and not HAS_GENERATOR[release]
        falls_back = lacks and settings.tempo.histograms == "classic"
        by_collector = "collector" if falls_back or settings.tempo.existing is not None else "tempo"
        # What is counted before a sampler, and what stands for several requests, only one of both can count.
        by_sampling = "collector" if settings.tracing.sampling.is_tail else "tempo"
        chosen = by_sampling if settings.tracing.sampling.is_tail or settings.tracing.is_thinned else by_collector
        wanted = chosen if settings.graph.source == "auto" else settings.graph.source
        assert plan.graph_source == wanted, name
        assert (GRAPH in made) is (lacks and wanted == "tempo"), name


@needs("ossm-3.2.8", "ossm-3.3.6", "ossm-3.4.1")
@pytest.mark.parametrize(
    ("release", "wanted", "installed", "expected"),
    [
        ("ossm-3.4.1", None, None, "1.30.3"),
        ("ossm-3.3.6", None, None, "1.28.10"),
        ("ossm-3.2.8", None, None, "1.27.9"),
        ("ossm-3.4.1", "1.28", None, "1.28.10"),
        ("ossm-3.4.1", "1.28.4", None, "1.28.4"),
        # An operator that was upgraded does not take the mesh with it, as long as it has the old version.
        ("ossm-3.4.1", None, "1.28.6", "1.28.6"),
        ("ossm-3.4.1", None, "1.24.6", "1.30.3"),
        ("ossm-3.4.1", "1.30", "1.30.1", "1.30.3"),
    ],
)
def test_the_operator_gets_an_istio_that_it_has(
    release: str, wanted: str | None, installed: str | None, expected: str
) -> None:
    config = SAIL if wanted is None else with_setting(SAIL, "mesh.version", wanted)
    before = Recorded() if installed is None else made({"kind": "Istio", "spec": {"version": f"v{installed}"}})
    plan = Plan(loaded(config), cluster(release), before)
    versions = {obj["spec"]["version"] for obj in every_object(plan) if obj["kind"] in {"Istio", "IstioCNI"}}
    assert versions == {f"v{expected}"}
    assert plan.versions()["istio"] == expected


def made(obj: Mapping[str, Any]) -> Recorded:
    """What a stack has recorded that has made ``obj``."""
    kind = obj["kind"]
    outputs = {"apiVersion": "sailoperator.io/v1", "metadata": {"name": "default"}, **obj}
    return Recorded(resources={"urn": {"type": f"kubernetes:sailoperator.io/v1:{kind}", "outputs": outputs}})


@needs("ossm-3.4.1")
@pytest.mark.parametrize("version", ["1.30.0", "1.31.0", "1.29"])
def test_an_istio_that_the_operator_does_not_have_is_refused_with_those_that_it_has(version: str) -> None:
    with pytest.raises(RefusedError) as refused:
        run_program(
            with_setting(SAIL, "mesh.version", version),
            preview=True,
            live={**EMPTY_CLUSTER, **releases.answers("ossm-3.4.1")},
        )
    (line,) = (line for line in str(refused.value).splitlines() if "mesh.version" in line)
    assert version in line
    assert "1.30.3, 1.30.1, 1.28.10" in line


def packages(name: str, namespace: str, channel: str, version: str) -> dict[str, Any]:
    """A package in a cluster's catalog."""
    path = f"/apis/packages.operators.coreos.com/v1/namespaces/{namespace}/packagemanifests/{name}"
    channels = [{"name": "other", "currentCSVDesc": {"version": "0.0.1"}}]
    channels.append({"name": channel, "currentCSVDesc": {"version": version}})
    return {path: {"kind": "PackageManifest", "metadata": {"name": name}, "status": {"channels": channels}}}


@pytest.mark.parametrize(
    ("offered", "wanted", "expected"),
    [
        (["1.32.0-alpha.8dc789c5", "1.30.3", "1.31.0"], None, "1.31.0"),
        (["1.32.0-alpha.8dc789c5", "1.31.0"], "1.32", "1.32.0-alpha.8dc789c5"),
        (["1.31.0-rc.1", "1.31.0"], "1.31", "1.31.0"),
    ],
)
def test_what_came_before_a_release_is_chosen_only_where_nothing_else_fits(
    offered: list[str], wanted: str | None, expected: str
) -> None:
    plan = Plan(loaded(SAIL if wanted is None else with_setting(SAIL, "mesh.version", wanted)))
    with mock.patch.object(Releases, "offered_istio", offered):
        assert plan.releases.istio == expected


@pytest.mark.parametrize(
    ("offered", "expected"),
    [("3.4.1", "1.30.3"), ("3.3.6", "1.28.10"), ("3.2.9", "1.27.9"), ("3.9.0", "1.30.3"), (None, "1.30.3")],
)
def test_before_the_operator_is_there_its_catalog_says_which_istio_it_will_have(
    offered: str | None, expected: str
) -> None:
    config = with_settings(SAIL, {"platform": "openshift", "operators.source": "olm"})
    live = {} if offered is None else packages("servicemeshoperator3", "openshift-marketplace", "stable", offered)
    assert Plan(loaded(config), cluster(**live)).releases.istio == expected


@pytest.mark.parametrize(
    ("offered", "catalog", "package", "lacks"),
    [
        ("0.21.0-2", "redhat", "tempo-product", True),
        ("0.22.0-1", "redhat", "tempo-product", False),
        (None, "redhat", "tempo-product", True),
        (None, "community", "tempo-operator", False),
        ("0.20.0", "community", "tempo-operator", True),
    ],
)
def test_before_the_operator_is_there_its_catalog_says_which_fields_it_will_have(
    offered: str | None, catalog: str, package: str, lacks: bool
) -> None:
    settings_of_olm = {"platform": "openshift", "operators.source": "olm", "operators.catalog": catalog}
    channel = "stable" if catalog == "redhat" else "alpha"
    live = {} if offered is None else packages(package, "openshift-marketplace", channel, offered)
    assert Plan(loaded(with_settings(STACK, settings_of_olm)), cluster(**live)).graph_source == (
        "collector" if lacks else "tempo"
    )


@needs("tempo-operator-0.20.0", "tempo-operator-0.21.0")
def test_a_setting_whose_field_the_release_lacks_is_refused_with_the_operator_to_upgrade() -> None:
    config = with_setting(minimal_config(), "tempo.env", {"TOKEN": {"secret": "backend", "key": "token"}})
    with pytest.raises(
        RefusedError, match=r"TempoMonolithic tempo: .* does not have spec\.env: upgrade the tempo operator"
    ):
        run_program(config, preview=True, live={**EMPTY_CLUSTER, **releases.answers("tempo-operator-0.20.0")})
    newer = {**EMPTY_CLUSTER, **releases.answers("tempo-operator-0.21.0")}
    assert run_program(config, preview=True, live=newer).get("TempoMonolithic")


@needs("tempo-operator-0.21.0", "tempo-operator-0.22.0")
@pytest.mark.parametrize(("release", "lacks"), [("tempo-operator-0.21.0", True), ("tempo-operator-0.22.0", False)])
def test_a_preview_learns_the_release_from_the_cluster_that_it_reaches(release: str, lacks: bool) -> None:
    deployed = run_program(STACK, preview=True, live={**EMPTY_CLUSTER, **releases.answers(release)})
    assert ("connectors" in deployed.get("OpenTelemetryCollector").inputs["spec"]["config"]) is lacks


@needs("ossm-3.4.1", "tempo-operator-0.21.0")
def test_the_facts_of_a_stack_say_the_same_as_its_cluster(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    live = cluster("ossm-3.4.1", "tempo-operator-0.21.0")
    write_facts(live, "prod", datetime.date(2026, 11, 27))
    found = read_facts("prod")
    assert found is not None
    config = with_setting(STACK, "mesh.installer", "sail")
    assert defined(Plan(loaded(config), found[1])) == defined(Plan(loaded(config), live))


def extra_config(tempo_version: str | None, config: Config) -> dict[str, Any]:
    """What is written into Tempo's configuration where its resource reports this version."""
    path = "/apis/tempo.grafana.com/v1alpha1/namespaces/tracing-system/tempomonolithics/tempo"
    status = {} if tempo_version is None else {"status": {"tempoVersion": tempo_version}}
    live = cluster(**{path: {"kind": "TempoMonolithic", "metadata": {"name": "tempo"}, **status}})
    (tempo,) = (obj for obj in every_object(Plan(loaded(config), live)) if obj["kind"] == "TempoMonolithic")
    written: dict[str, Any] = tempo["spec"]["extraConfig"]["tempo"]
    return written


@pytest.mark.parametrize("version", [None, "2.6.0", "2.10.8"])
def test_tempo_2_gets_its_retention_at_the_compactor(version: str | None) -> None:
    written = extra_config(version, minimal_config())
    assert written["compactor"] == {"compaction": {"block_retention": "48h"}}
    assert {"live_store", "backend_scheduler"} & written.keys() == set()


def test_tempo_3_gets_no_key_that_it_refuses() -> None:
    written = extra_config("3.0.3", minimal_config())
    assert {"compactor", "ingester"} & written.keys() == set()
    assert written["backend_scheduler"] == {"provider": {"compaction": {"compaction": {"block_retention": "48h"}}}}
    assert written["live_store"] == {"max_trace_idle": "5s", "flush_check_period": "5s"}


def test_a_trace_of_tempo_3_lives_at_least_as_long_as_it_may_be_idle() -> None:
    written = extra_config("3.0.3", with_setting(minimal_config(), "tempo.traceIdlePeriod", "1m30s"))
    assert written["live_store"]["max_trace_live"] == "1m30s"


@pytest.mark.parametrize("installer", ["helm", "existing"])
def test_only_the_sail_operator_chooses_among_the_versions_of_a_minor(installer: str) -> None:
    config = with_settings(
        minimal_config(), {"mesh.installer": installer, "mesh.version": "1.30", "namespaces.existing": ["istio-system"]}
    )
    with pytest.raises(settings.ConfigError, match="a full version for installer"):
        loaded(config)
