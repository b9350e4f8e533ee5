"""Labels and annotations of the user's own: on every object of the stack, and nowhere else in it."""

from collections.abc import Mapping
from typing import Any

import pytest
import schemas
from recording import Deployed, Registration, leaves, minimal_config, run_program, stack_config, with_setting
from variants import EVERY_CONFIG

import settings

pytestmark = pytest.mark.timeout(300)

LABELS = {"example.com/cost-center": "4711", "team": "tracing"}
ANNOTATIONS = {"example.com/owner": "Observability, room 12"}


def marked(config: Mapping[str, Any]) -> dict[str, Any]:
    return with_setting(with_setting(config, "commonLabels", LABELS), "commonAnnotations", ANNOTATIONS)


def whole_objects(deployed: Deployed) -> list[Registration]:
    """Those of Helm charts and release manifests are not the program's, and of patched ones only some fields are."""
    return [r for r in schemas.kubernetes_objects(deployed) if not r.type.endswith("Patch")]


@pytest.mark.parametrize("name", EVERY_CONFIG)
def test_every_object_has_them_in_its_own_metadata_and_nothing_else_changes(name: str) -> None:
    before, after = (run_program(config, preview=False) for config in (EVERY_CONFIG[name], marked(EVERY_CONFIG[name])))
    old, new = ({(r.urn, *path): value for r in run for path, value in leaves(r.inputs)} for run in (before, after))
    added = {path: value for path, value in new.items() if path not in old}
    expected = {
        (resource.urn, "metadata", part, key): value
        for resource in whole_objects(before)
        for part, fields in (("labels", LABELS), ("annotations", ANNOTATIONS))
        for key, value in fields.items()
    }
    assert added == expected
    assert {path: new[path] for path in old} == old


def test_every_object_still_fits_its_schema() -> None:
    assert schemas.faults(run_program(marked(stack_config("prod")), preview=False)) == []


@pytest.mark.parametrize("section", ["commonLabels", "commonAnnotations"])
@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("mesh-tracing/owner", "the program, Kubernetes and Istio do not use"),
        ("app.kubernetes.io/name", "the program, Kubernetes and Istio do not use"),
        ("app.kubernetes.io/part-of", "the program, Kubernetes and Istio do not use"),
        ("istio.io/dataplane-mode", "the program, Kubernetes and Istio do not use"),
        ("sidecar.istio.io/inject", "the program, Kubernetes and Istio do not use"),
        ("pulumi.com/skipAwait", "the program, Kubernetes and Istio do not use"),
        ("app", "the program, Kubernetes and Istio do not use"),
        ("a b", "a label's key"),
        ("example.com/", "a label's key"),
    ],
)
def test_a_key_that_is_taken_or_wrong_is_refused_in_one_line(section: str, key: str, words: str) -> None:
    with pytest.raises(settings.ConfigError) as caught:
        run_program(with_setting(minimal_config(), section, {key: "x"}), preview=True)
    (problem,) = caught.value.problems
    assert problem.startswith(f"mesh-tracing:{section}.{key}: expected ")
    assert words in problem


@pytest.mark.parametrize("value", ["a b", "-x", 64 * "x", 5, None, True])
def test_a_value_that_no_label_may_have_is_refused_in_one_line(value: Any) -> None:
    with pytest.raises(settings.ConfigError) as caught:
        run_program(with_setting(minimal_config(), "commonLabels", {"team": value}), preview=True)
    (problem,) = caught.value.problems
    assert problem.startswith("mesh-tracing:commonLabels.team: expected ")
