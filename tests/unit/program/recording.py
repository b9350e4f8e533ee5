"""Runs the whole program against a monitor that records what the engine would be asked for."""

import asyncio
import itertools
import json
import os
import runpy
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, cast
from unittest import mock

import pulumi
import yaml
from google.protobuf import json_format
from pulumi import _types
from pulumi.runtime import mocks, rpc
from pulumi.runtime import settings as runtime_settings
from pulumi.runtime import stack as runtime_stack
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime.config import set_all_config
from pulumi.runtime.proto import callback_pb2

import rollout
from objects.installation import Installation
from objects.rollout import Admission, Rollout

ROOT = Path(__file__).parents[3]
PROJECT = "mesh-tracing"
STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
SENTINELS = {
    f"{PROJECT}:objectStoreAccessKey": "sentinel-access-key",
    f"{PROJECT}:objectStoreSecretKey": "sentinel-secret-key",
    f"{PROJECT}:azureAccountKey": "sentinel-azure-key",
    f"{PROJECT}:gcsKey": "sentinel-gcs-key",
    f"{PROJECT}:prometheusCredentials": "sentinel-prometheus-credentials",
    f"{PROJECT}:grafanaAdminPassword": "sentinel-admin-password",
}

STACK = "urn:pulumi:test::mesh-tracing::pulumi:pulumi:Stack::mesh-tracing-test"
STASHED = "stashed"
NOW = "2026-11-27T08:00:00Z"

# The SDK computes a class's types again for each of its resources, which is half the time of a run.
_types._types_from_py_properties = cache(_types._types_from_py_properties)

# What the SDK sets by itself for some kinds (aliases, secret outputs) is not among them.
_FURTHER_OPTIONS = {
    "deletedWith",
    "hideDiffs",
    "ignoreChanges",
    "importId",
    "replaceOnChanges",
    "replace_with",
    "replacement_trigger",
    "retainOnDelete",
}


@dataclass(frozen=True)
class Registration:
    """One resource as the engine would have been asked to register it."""

    urn: str
    type: str
    name: str
    custom: bool
    inputs: Mapping[str, Any]
    raw_inputs: Mapping[str, Any]
    parent: str
    provider: str
    dependencies: frozenset[str]
    timeouts: Mapping[str, str]
    delete_before_replace: bool
    protect: bool = False
    read: bool = False
    transforms: tuple[pulumi.ResourceTransform, ...] = ()
    further_options: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The Kubernetes kind, or the class of a component or of a Helm release."""
        return str(self.inputs.get("kind") or self.type.rsplit(":", 1)[-1])

    @property
    def object_name(self) -> str:
        metadata = self.inputs.get("metadata") or {}
        return str(metadata.get("name") or self.inputs.get("name") or self.name)


class _EchoMocks(mocks.Mocks):
    def __init__(self, state: Mapping[str, Any]) -> None:
        self.state = state

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if args.resource_id:
            # The resource is only read; a real cluster would return at least its name.
            namespace, _, name = args.resource_id.rpartition("/")
            metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
            return args.resource_id, {"metadata": metadata, **args.inputs}
        if args.typ == "pulumi:index:Stash":
            # What the state holds since the first update, whatever the program hands in.
            return f"{args.name}-id", {"input": STASHED, "output": STASHED}
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        assert {args.token} == {"pulumi:pulumi:readStackResourceOutputs"}, "a preview must need no other answer"
        return {"outputs": self.state}


class _Callbacks:
    """In the place of the server that the engine calls back: it keeps a component's transforms."""

    def __init__(self) -> None:
        self.transforms: dict[str, pulumi.ResourceTransform] = {}

    def register_transform(self, transform: pulumi.ResourceTransform) -> callback_pb2.Callback:
        token = str(len(self.transforms))
        self.transforms[token] = transform
        return callback_pb2.Callback(token=token)


class RecordingMonitor(mocks.MockMonitor):
    """The SDK's own mock monitor forgets edges and overwrites a duplicate URN."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        super().__init__(_EchoMocks(state))
        self.recorded: dict[str, Registration] = {}
        self.callbacks = _Callbacks()
        self.outputs: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if urn in self.recorded:
            raise AssertionError(f"duplicate URN {urn}")
        raw = json_format.MessageToDict(request.object)
        self.recorded[urn] = Registration(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=request.custom,
            inputs=_unwrap(raw),
            raw_inputs=raw,
            parent=request.parent,
            provider=request.provider,
            dependencies=frozenset(request.dependencies),
            timeouts={
                "create": request.customTimeouts.create,
                "update": request.customTimeouts.update,
                "delete": request.customTimeouts.delete,
            },
            delete_before_replace=request.deleteBeforeReplace,
            protect=request.protect,
            transforms=tuple(self.callbacks.transforms[callback.token] for callback in request.transforms),
            further_options={
                option.name: str(value) for option, value in request.ListFields() if option.name in _FURTHER_OPTIONS
            },
        )
        return super().RegisterResource(request)

    def ReadResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if urn in self.recorded:
            raise AssertionError(f"duplicate URN {urn}")
        raw = json_format.MessageToDict(request.properties)
        self.recorded[urn] = Registration(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=True,
            read=True,
            inputs=_unwrap(raw),
            raw_inputs=raw,
            parent=request.parent,
            provider=request.provider,
            dependencies=frozenset(request.dependencies),
            timeouts={},
            delete_before_replace=False,
        )
        return super().ReadResource(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self.outputs[request.urn] = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)


def is_secret(value: Any) -> bool:
    return isinstance(value, dict) and value.get(rpc._special_sig_key) == rpc._special_secret_sig


def _unwrap(value: Any) -> Any:
    """``value`` with secrets unwrapped."""
    if is_secret(value):
        return _unwrap(value["value"])
    if isinstance(value, dict):
        return {key: _unwrap(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_unwrap(inner) for inner in value]
    return value


@dataclass(frozen=True)
class Deployed:
    """What one run of the program registered, as a graph."""

    resources: Mapping[str, Registration]
    exports: Mapping[str, Any]
    registered_outputs: Mapping[str, Any] = field(default_factory=dict)
    awaited: Mapping[str, frozenset[str]] = field(default_factory=dict)
    watched: tuple[Rollout, ...] = ()
    raw_exports: Mapping[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Registration]:
        return iter(self.resources.values())

    @property
    def children(self) -> list[Registration]:
        return [r for r in self if r.custom and not r.type.startswith("pulumi:")]

    @property
    def components(self) -> list[Registration]:
        return [r for r in self if r.type.startswith("meshtracing:")]

    def get(self, kind: str, name: str | None = None) -> Registration:
        # Some components have the same name as the object that they deploy.
        found = [r for r in self if r.custom and r.kind == kind and name in {None, r.object_name}]
        assert len(found) == 1, f"{kind} {name}: found {[r.urn for r in found]}"
        return found[0]

    def before(self, urn: str) -> frozenset[str]:
        """Every resource that exists before ``urn`` does, and therefore goes after it."""
        reached: set[str] = set()
        waiting = [urn]
        while waiting:
            resource = self.resources.get(waiting.pop())
            if resource is None:
                continue
            for earlier in {*resource.dependencies, resource.parent} - reached:
                reached.add(earlier)
                waiting.append(earlier)
        return frozenset(reached)

    def before_output(self, output: str) -> frozenset[str]:
        """Every resource that exists before a component's ``output`` is known, called ``component.output``."""
        awaited = self.awaited[output]
        return awaited.union(*map(self.before, awaited))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value below ``value`` that holds no others, with its path."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, number))
    else:
        yield path, value


def stack_config(stack: str) -> dict[str, Any]:
    """The configuration in a committed stack file, with sentinels for its secrets."""
    content = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    plain = {
        key: value for key, value in content["config"].items() if not (isinstance(value, dict) and "secure" in value)
    }
    return {**plain, **SENTINELS}


def minimal_config() -> dict[str, Any]:
    """The one key that a stack has to set."""
    return {f"{PROJECT}:cluster": {"context": "test"}}


def s3_config() -> dict[str, Any]:
    """A stack with the object store that the program deploys."""
    return with_setting({**minimal_config(), **SENTINELS}, "tempo.storage.backend", "s3")


def full_config() -> dict[str, Any]:
    """A stack with every part that a stack may have."""
    settings = {
        "platform": "openshift",
        "operators.source": "olm",
        "tempo.storage.backend": "s3",
        "grafana.mode": "managed",
        "kiali.installer": "operator",
        "exposure.kind": "ingress",
        "exposure.domain": "example.com",
        "bookinfo.gateway": "istio",
        "namespaces.applications": [{"name": "shop", "deployments": ["cart"]}],
    }
    return with_settings({**minimal_config(), **SENTINELS}, settings)


def with_settings(config: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of ``config`` with several settings changed."""
    changed = dict(config)
    for path, value in settings.items():
        changed = with_setting(changed, path, value)
    return changed


def with_setting(config: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of ``config`` with the setting at ``section.field...`` changed."""
    changed: dict[str, Any] = json.loads(json.dumps(config))
    section, *fields = path.split(".")
    node, key = changed, f"{PROJECT}:{section}"
    for field_name in fields:
        node = node.setdefault(key, {})
        key = field_name
    node[key] = value
    return changed


def write_kubeconfig(path: Path, context: str, server: str = "https://127.0.0.1:6443") -> None:
    """A kubeconfig whose only, and current, context is ``context``."""
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": context,
                "contexts": [{"name": context, "context": {"cluster": "cluster", "user": "user"}}],
                "clusters": [{"name": "cluster", "cluster": {"server": server}}],
                "users": [{"name": "user", "user": {"token": "none"}}],
            }
        )
    )


def apply_config(config: Mapping[str, Any], secret_sections: Iterable[str] = ()) -> None:
    """Hand ``config`` to the SDK in the form in which the CLI does; ``secret_sections`` have a secret in them."""
    encoded = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    secret = [*SENTINELS, *(f"{PROJECT}:{section}" for section in secret_sections)]
    set_all_config(encoded, [key for key in secret if key in config])


# A cluster on which nothing is yet, by the API paths that are asked for; which kinds it has is not known.
EMPTY_CLUSTER: Mapping[str, Any] = {
    "/api/v1/namespaces/kube-system": {"metadata": {"name": "kube-system", "uid": "the-cluster"}},
}


def run_program(
    config: Mapping[str, Any],
    *,
    preview: bool,
    live: Mapping[str, Any] = EMPTY_CLUSTER,
    state: Mapping[str, Any] | None = None,
    secret_sections: Iterable[str] = (),
) -> Deployed:
    """What the program registers for ``config``; runs that cannot differ are made once.

    ``live`` is what the cluster has, by API path; ``state`` is what the stack has made, by URN.
    """
    given = (json.dumps(one, sort_keys=True) for one in (config, live, state or {}))
    return _run(*given, preview, tuple(secret_sections))


def state_of(deployed: Deployed, *, uid: str = "the-cluster") -> dict[str, Any]:
    """The state after ``deployed``, in which every object has a UID of its own."""
    state: dict[str, Any] = {}
    numbers = itertools.count()
    for resource in deployed:
        outputs = dict(resource.inputs)
        if resource.custom and "metadata" in outputs:
            outputs["metadata"] = {**outputs["metadata"], "uid": f"ours-{next(numbers)}"}
        state[resource.urn] = {"type": resource.type, "outputs": outputs}
    state[STACK] = {
        "type": "pulumi:pulumi:Stack",
        "outputs": {} if uid is None else {"deployment": {**deployed.exports["deployment"], "cluster_uid": uid}},
    }
    return state


@cache
def _run(
    encoded_config: str, encoded_live: str, encoded_state: str, preview: bool, secret_sections: tuple[str, ...]
) -> Deployed:
    config, live, state = (json.loads(encoded) for encoded in (encoded_config, encoded_live, encoded_state))

    def program() -> None:
        runpy.run_path(str(ROOT / "__main__.py"))

    def read(_: object, paths: Iterable[str]) -> dict[str, Any]:
        return {path: live.get(path) for path in paths}

    watch = EverythingServes()
    # What is random, and the time, have to be the same in two runs that are compared.
    not_random = mock.patch("secrets.token_hex", lambda size: "0" * 2 * size)
    not_now = mock.patch("components.applications._now", return_value=NOW)
    looking = (mock.patch("program.observation.read", read), mock.patch.object(rollout, "Watch", return_value=watch))
    with _kubeconfig_for(config), not_random, not_now, looking[0], looking[1], mock.patch("cluster.access.write"):
        recorded = record(program, config, preview=preview, state=state, secret_sections=secret_sections)
    return replace(recorded, watched=tuple(watch.watched))


class EverythingServes:
    """The wait of a program on a cluster on which all pods are as they should be; it notes what it is asked for."""

    def __init__(self) -> None:
        self.watched: list[Rollout] = []

    def served(self, awaited: pulumi.Input[Rollout], revision: pulumi.Input[str]) -> pulumi.Output[str]:
        def note(known: list[Any]) -> str:
            self.watched.append(known[0])
            return str(known[1])

        return pulumi.Output.all(awaited, revision).apply(note)

    def admitted(self, _: Admission, value: pulumi.Input[str]) -> pulumi.Output[str]:
        return pulumi.Output.from_input(value)

    def broken(self, awaited: Rollout) -> pulumi.Output[list[str]]:
        assert awaited.workloads is not None
        return pulumi.Output.from_input([])

    def follow(self, asked: Installation, installed: pulumi.Input[str]) -> pulumi.Output[str]:
        assert asked.seconds
        return pulumi.Output.from_input(installed)


def record(
    program: Callable[[], None],
    config: Mapping[str, Any],
    *,
    preview: bool,
    state: Mapping[str, Any] | None = None,
    secret_sections: Iterable[str] = (),
) -> Deployed:
    """What ``program`` registers when it runs with ``config``."""
    # Pulumi's outputs belong to the loop they were made in, so every run gets one of its own.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    monitor = RecordingMonitor(state or {})
    try:
        # Not set_mocks: it registers a second root stack beside the one that run_in_stack creates.
        runtime_settings.configure(
            mocks.MockSettings(
                monitor=monitor,
                engine=mocks.MockEngine(None),
                project=PROJECT,
                stack="test",
                dry_run=preview,
            )
        )
        # The settings take only the server itself.
        runtime_settings.SETTINGS.callbacks = cast(_CallbackServicer, monitor.callbacks)
        apply_config(config, secret_sections)
        with _outputs_of_components() as outputs:
            loop.run_until_complete(runtime_stack.run_in_stack(program))
        awaited = {name: loop.run_until_complete(_awaited(output)) for name, output in outputs.items()}
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    (stack_urn,) = (r.urn for r in monitor.recorded.values() if r.type == "pulumi:pulumi:Stack")
    exports = monitor.outputs.pop(stack_urn)
    return Deployed(monitor.recorded, _unwrap(exports), monitor.outputs, awaited, raw_exports=exports)


@contextmanager
def _outputs_of_components() -> Iterator[dict[str, pulumi.Output[Any]]]:
    """What each component hands out, as ``component.output``: the monitor sees the values, not what they wait for."""
    outputs: dict[str, pulumi.Output[Any]] = {}
    register = pulumi.ComponentResource.register_outputs

    def note(component: pulumi.ComponentResource, handed_out: Mapping[str, Any]) -> None:
        # Made now: an Output that is made after the run is one that the next run waits for.
        outputs.update(
            {f"{component._name}.{name}": pulumi.Output.from_input(output) for name, output in handed_out.items()}
        )
        register(component, handed_out)

    with mock.patch.object(pulumi.ComponentResource, "register_outputs", note):
        yield outputs


async def _awaited(output: pulumi.Output[Any]) -> frozenset[str]:
    """The resources that a user of ``output`` would depend on."""
    return frozenset(await rpc._expand_dependencies(await output.resources(), None))


@contextmanager
def _kubeconfig_for(config: Mapping[str, Any]) -> Iterator[None]:
    cluster = config.get(f"{PROJECT}:cluster")
    if not isinstance(cluster, dict):
        cluster = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kubeconfig")
        write_kubeconfig(path, str(cluster.get("context", "test")), cluster.get("server") or "https://127.0.0.1:6443")
        with mock.patch.dict(os.environ, {"KUBECONFIG": str(path)}):
            yield
