"""Every configuration is either refused with a clear message or deployed completely."""

import asyncio
import copy
import json
import os
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pulumi
import pytest
import schemas
import variants
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from recording import PROJECT, SENTINELS, apply_config, run_program

import settings as stack_settings
from model.stack import Settings
from program.checks import RefusedError

# The same examples in every run, so that a failure is caused by the change; others only on request.
_SAME_EXAMPLES = "MESH_TRACING_EXPLORE" not in os.environ
_COMMON: dict[str, Any] = {
    "deadline": None,
    "derandomize": _SAME_EXAMPLES,
    "database": None,
    # The fixture that sets the environment is the same for all examples.
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
}

_SENTINEL = "sentinel-in-the-wrong-place"

# What a person may type where something else belongs.
_JUNK_SCALARS = [None, True, False, 0, -1, 1.5, 10**30, "", " ", "latest", "a" * 64, "Ünïcode", "-x", "x\ny", "${X}"]
_JUNK_OBJECTS = [[], [1], [[["deep"]]], {}, {"": ""}, {"unknownKey": 1}, {_SENTINEL: _SENTINEL}]
_JUNK = st.sampled_from([*_JUNK_SCALARS, *_JUNK_OBJECTS, _SENTINEL, "../..", "0x1", "http://u:p@host/"])

# More values of a few fields than the model's own examples, by the path of the field.
_FURTHER: Mapping[str, list[Any]] = {
    "cluster.domain": ["corp.example"],
    "mesh.namespace": ["mesh", "tracing-system"],
    "mesh.revision": ["canary"],
    "mesh.values": [{"pilot": {"env": {"A": "b"}}}, {"meshConfig": {"extensionProviders": [{"name": "zipkin"}]}}],
    "tracing.collector.extraConfig": [{"processors": {"batch": {"timeout": "1s"}}}],
    "tempo.namespace": ["istio-system", "bookinfo"],
    "grafana.namespace": ["istio-system", "grafana"],
    "bookinfo.namespace": ["shop", "sample"],
    "namespaces.existing": [["istio-system", "tracing-system", "bookinfo"]],
}


def field_values(path: str, field: FieldInfo) -> st.SearchStrategy[Any]:
    """Values of one field that its own type allows."""
    simple = [*(field.examples or []), *_FURTHER.get(path, [])]
    if isinstance(field.default, str | int | float | bool) or field.default is None:
        simple.append(field.default)
    typed = _values(path, field.annotation, field.metadata)
    choices = [s for s in (typed, st.sampled_from(simple) if simple else None) if s is not None]
    assert choices, f"{path}: no example, no default and no type to draw from"
    return st.one_of(choices)


def _values(path: str, annotation: Any, metadata: list[Any]) -> st.SearchStrategy[Any] | None:  # noqa: PLR0911
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        examples = [example for part in more for example in getattr(part, "examples", None) or []]
        return st.sampled_from(examples) if examples else _values(path, inner, more)
    if origin is Literal:
        return st.sampled_from(get_args(annotation))
    if origin in {Union, types.UnionType}:
        found = [_values(path, part, metadata) for part in get_args(annotation) if part is not type(None)]
        return next((strategy for strategy in found if strategy is not None), None)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return section(annotation, path)
    if annotation is bool:
        return st.booleans()
    if annotation in {int, float}:
        lowest = next((part.ge for part in metadata if hasattr(part, "ge")), 1)
        highest = next((part.le for part in metadata if hasattr(part, "le")), max(lowest, 1) * 10)
        return st.integers(int(lowest), int(highest)) if annotation is int else st.sampled_from([lowest, highest])
    return None


def section(model: type[BaseModel], path: str = "") -> st.SearchStrategy[dict[str, Any]]:
    """An object of ``model``: each field is there or not."""
    prefix = f"{path}." if path else ""
    required, optional = {}, {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        if f"{PROJECT}:{key}" in SENTINELS:
            continue
        (required if field.is_required() else optional)[key] = field_values(f"{prefix}{key}", field)
    return st.fixed_dictionaries(required, optional=optional)


# Sections that rarely contradict another section.
_EXCHANGED = ["tracing", "timeouts", "images", "tempo", "kiali", "bookinfo"]


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """Some choices that fit together, or any at all; then sometimes one mistake."""
    anything = draw(st.sampled_from([False, False, True]))
    if anything:
        config = {f"{PROJECT}:{key}": value for key, value in draw(section(Settings)).items()}
        config |= SENTINELS
    else:
        config = dict(draw(st.sampled_from(list(variants.variants().values()))))
        for name in draw(st.sets(st.sampled_from(_EXCHANGED), max_size=2)):
            config[f"{PROJECT}:{name}"] = draw(section(Settings.model_fields[name].annotation, name))
    for key in draw(st.sampled_from([(), (), (), (), *((key,) for key in SENTINELS)])):
        del config[key]
    # What was drawn may be an object that later examples draw too.
    config = copy.deepcopy(config)
    if draw(st.sampled_from([False, False, False, True])):
        _break(draw, config)
    return config


def _break(draw: st.DrawFn, config: dict[str, Any]) -> None:
    """Put something wrong at some depth."""
    place: Any = config
    keys = sorted(key for key in config if key not in SENTINELS)
    if not keys:
        return
    key: Any = draw(st.sampled_from(keys))
    while isinstance(place[key], dict) and place[key] and draw(st.booleans()):
        place = place[key]
        key = draw(st.sampled_from(sorted(place)))
    if draw(st.booleans()) and isinstance(place[key], dict):
        place[key][draw(st.sampled_from(["unknown", _SENTINEL, "", "name.with.dots"]))] = copy.deepcopy(draw(_JUNK))
    else:
        place[key] = copy.deepcopy(draw(_JUNK))


def load(config: Mapping[str, Any]) -> Settings | stack_settings.ConfigError:
    return asyncio.run(_load(config))


async def _load(config: Mapping[str, Any]) -> Settings | stack_settings.ConfigError:
    apply_config(config)
    try:
        return stack_settings.load(pulumi.Config(PROJECT))
    except stack_settings.ConfigError as error:
        return error
    finally:
        # Secrets are outputs, whose tasks belong to this loop.
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})


def assert_is_plain(error: stack_settings.ConfigError) -> None:
    assert error.problems
    message = str(error)
    assert "Traceback" not in message
    assert not any(secret in message for secret in SENTINELS.values())
    assert len(message.splitlines()) == len(error.problems) + 1, message
    for problem in error.problems:
        assert problem.startswith(PROJECT), problem
        assert "expected " in problem, problem


def assert_names_faults(message: str) -> None:
    assert message.count("\n  - error N") >= 1
    assert not any(secret in message for secret in SENTINELS.values())


@pytest.mark.timeout(300)
@settings(max_examples=400, **_COMMON)
@given(config=configurations())
def test_a_configuration_is_accepted_or_refused_in_plain_words(config: dict[str, Any]) -> None:
    result = load(config)
    event(type(result).__name__)
    if isinstance(result, stack_settings.ConfigError):
        assert_is_plain(result)


@pytest.mark.timeout(300)
@settings(max_examples=200, **_COMMON)
@given(config=configurations(), key=st.sampled_from(sorted(SENTINELS)), data=st.data())
def test_a_secret_in_the_wrong_place_is_never_repeated(config: dict[str, Any], key: str, data: st.DataObject) -> None:
    place: Any = config
    part = data.draw(st.sampled_from(sorted(name for name in config if name not in SENTINELS) or [f"{PROJECT}:mesh"]))
    while isinstance(place.get(part), dict) and place[part] and data.draw(st.booleans()):
        place = place[part]
        part = data.draw(st.sampled_from(sorted(place)))
    place[part] = SENTINELS[key]
    result = load(config)
    if isinstance(result, stack_settings.ConfigError):
        assert_is_plain(result)


@pytest.mark.timeout(300)
@settings(max_examples=200, **_COMMON)
@given(config=configurations())
def test_loading_twice_gives_the_same(config: dict[str, Any]) -> None:
    first, second = load(config), load(config)
    if isinstance(first, stack_settings.ConfigError):
        assert isinstance(second, stack_settings.ConfigError)
        assert first.problems == second.problems
    else:
        assert isinstance(second, Settings)
        secrets = set(stack_settings.SECRETS.values())
        assert first.model_dump(exclude=secrets) == second.model_dump(exclude=secrets)


@pytest.mark.timeout(600)
# A run takes long, and the first failing example says enough.
@settings(max_examples=30, phases=[Phase.generate], **_COMMON)
@given(config=configurations(), preview=st.booleans())
def test_what_is_accepted_is_deployed_and_what_is_refused_is_not(config: dict[str, Any], preview: bool) -> None:
    try:
        deployed = run_program(config, preview=preview)
    except stack_settings.ConfigError as error:
        event("refused")
        assert_is_plain(error)
        return
    except RefusedError as error:
        event("refused for what it would deploy")
        assert_names_faults(str(error))
        return
    event("deployed")
    assert deployed.exports
    if not preview:
        assert schemas.faults(deployed) == []
    everything = json.dumps([[r.urn, r.inputs] for r in deployed if r.kind != "Secret"] + [deployed.exports])
    assert not any(secret in everything for secret in SENTINELS.values())


def test_most_drawn_configurations_are_worth_drawing() -> None:
    """If every generated configuration were refused, the other tests would show nothing about the program."""
    results = []

    @settings(max_examples=100, **_COMMON)
    @given(config=configurations())
    def collect(config: dict[str, Any]) -> None:
        results.append(isinstance(load(config), Settings))

    collect()
    assert 20 <= sum(results) <= 95
