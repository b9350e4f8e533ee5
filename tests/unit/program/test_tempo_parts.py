"""How many pods each part of a TempoStack has, and how large they are."""

from typing import Any

import pytest
import schemas
from recording import Deployed, minimal_config, run_program, s3_config, with_setting, with_settings

import settings

pytestmark = pytest.mark.timeout(300)

STACK = with_settings(s3_config(), {"tempo.mode": "stack", "tempo.replicationFactor": 3})
SIZE = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
# Where the template of a TempoStack has each part.
PLACES = {
    "distributor": ("distributor", "component"),
    "ingester": ("ingester",),
    "querier": ("querier",),
    "queryFrontend": ("queryFrontend", "component"),
    "compactor": ("compactor",),
    "metricsGenerator": ("metricsGenerator", "component"),
}


def template(deployed: Deployed) -> Any:
    return deployed.get("TempoStack").inputs["spec"]["template"]


def part(values: Any, name: str) -> dict[str, Any]:
    for key in PLACES[name]:
        values = values[key]
    return dict(values)


def with_part(name: str, **fields: Any) -> dict[str, Any]:
    return with_setting(STACK, f"tempo.parts.{name}", fields)


@pytest.mark.parametrize("name", PLACES)
def test_a_part_has_the_pods_and_the_size_of_the_settings_and_no_other_part_changes(name: str) -> None:
    before = template(run_program(STACK, preview=False))
    deployed = run_program(with_part(name, replicas=4, resources=SIZE), preview=False)
    after = template(deployed)
    assert part(after, name) == {**part(before, name), "replicas": 4, "resources": SIZE}
    assert all(part(after, other) == part(before, other) for other in PLACES if other != name)
    assert schemas.faults(deployed) == []


def test_without_a_number_there_is_an_ingester_for_each_copy_and_the_operator_counts_the_rest() -> None:
    before = template(run_program(STACK, preview=False))
    assert {name: part(before, name).get("replicas") for name in PLACES} == {**dict.fromkeys(PLACES), "ingester": 3}
    sized = template(run_program(with_part("ingester", resources=SIZE), preview=False))
    assert part(sized, "ingester")["replicas"] == 3


def revision_made_of(config: dict[str, Any]) -> str:
    """The text that is the name of the first remote write; pods restart for another one."""
    deployed = run_program(config, preview=False)
    config_of_tempo = deployed.get("TempoStack").inputs["spec"]["extraConfig"]["tempo"]
    return str(config_of_tempo["metrics_generator"]["storage"]["remote_write"][0]["name"])


def test_more_pods_restart_none_of_the_others_and_another_size_does() -> None:
    before = revision_made_of(STACK)
    assert revision_made_of(with_part("querier", replicas=5)) == before
    assert revision_made_of(with_part("querier", resources=SIZE)) != before


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (with_setting(minimal_config(), "tempo.parts.querier.replicas", 2), "no parts for mode monolithic"),
        (with_part("ingester", replicas=1), "parts.ingester.replicas 2 or more, a quorum of replicationFactor"),
        (with_part("querier", replicas=0), "greater than or equal to 1"),
        (with_part("gateway", replicas=2), "a known key"),
        (with_part("querier", resources={"limits": {"disk": "1Gi"}}), "'cpu' or 'memory'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(config: dict[str, Any], words: str) -> None:
    with pytest.raises(settings.ConfigError) as caught:
        run_program(config, preview=True)
    (problem,) = caught.value.problems
    assert problem.startswith("mesh-tracing:tempo")
    assert words in problem
