"""Volumes with a configuration: the ConfigMap that a Pod mounts, and the key in it that becomes the file."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lint.facts import Facts
from lint.findings import Fault, Severity, error
from lint.nearest import nearest
from lint.objects import Manifests, Object, at, mapping, sequence, text
from lint.rule import rule
from lint.templates import is_unknown
from lint.views.config_files import COLLECTOR, TEMPO, ConfigFile, config_files

_LEVELS = (Severity.ERROR,)
_WHY = (
    "A Pod waits for ever for a ConfigMap that is not there, and a file that is no key of the ConfigMap is not in the "
    "folder. It is looked at where the ConfigMap that is meant is among the objects."
)
_REMEDY = "Write the name of the ConfigMap in `volumes`, and its key as the file's name, or in `items`."
_SOURCE = "https://kubernetes.io/docs/concepts/storage/volumes/#configmap"


@rule(
    code="N25",
    title="A collector mounts a configuration that is not there",
    levels=_LEVELS,
    why=_WHY,
    remedy=_REMEDY,
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: otel-config, namespace: tracing-system}
        data: {relay.yaml: "# the configuration"}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: otel, namespace: tracing-system}
        spec:
          selector: {matchLabels: {app: otel}}
          template:
            metadata: {labels: {app: otel}}
            spec:
              containers:
                - name: otel
                  image: otel/opentelemetry-collector-contrib:0.158.0
                  args: [--config=/conf/relay.yaml]
                  volumeMounts: [{name: conf, mountPath: /conf}]
              volumes: [{name: conf, configMap: {name: otel-conf}}]
    """,
    source=_SOURCE,
)
def volume_of_a_collector_that_is_not_there(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    yield from _faults(manifests, config_files(manifests, COLLECTOR))


@rule(
    code="N31",
    title="Tempo mounts a configuration that is not there",
    levels=_LEVELS,
    why=_WHY,
    remedy=_REMEDY,
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: tempo-config, namespace: tracing-system}
        data: {tempo.yaml: "# the configuration"}
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          selector: {matchLabels: {app: tempo}}
          template:
            metadata: {labels: {app: tempo}}
            spec:
              containers:
                - name: tempo
                  image: grafana/tempo:2.10.8
                  args: [-config.file=/conf/tempo.yml]
                  volumeMounts: [{name: conf, mountPath: /conf}]
              volumes: [{name: conf, configMap: {name: tempo-config}}]
    """,
    source=_SOURCE,
)
def volume_of_tempo_that_is_not_there(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    yield from _faults(manifests, config_files(manifests, TEMPO))


def _faults(manifests: Manifests, files: Sequence[ConfigFile]) -> Iterator[Fault]:
    there = {(obj.namespace, obj.name): obj for obj in manifests.of("", "ConfigMap")}
    for file in files:
        if file.volume is None or file.is_optional or not file.config_map or is_unknown(file.config_map):
            continue
        found = there.get((file.owner.namespace, file.config_map))
        if found is None:
            meant = _meant(manifests, file)
            if meant is not None:
                yield error(
                    file.owner.where(*file.volume, "configMap", "name"),
                    f"there is no ConfigMap {file.config_map!r}, so the pod does not start; {file.key} is in "
                    f"{meant.name!r}",
                    f"write {meant.name}",
                )
        elif file.key is not None and file.key not in _keys(found) and not any(map(is_unknown, _keys(found))):
            near = nearest(file.key, _keys(found))
            yield error(
                file.owner.where(*file.volume, "configMap"),
                f"the ConfigMap {file.config_map!r} has no key {file.key!r}, so {file.path} is not there",
                f"write {near}" if near else f"take a key that it has: {', '.join(_keys(found)) or 'none'}",
            )


def _meant(manifests: Manifests, file: ConfigFile) -> Object | None:
    """The one ConfigMap beside it that has the key, and that nothing mounts."""
    mounted = {
        text(at(volume, "configMap", "name"))
        for obj in manifests.of("apps", "Deployment", "StatefulSet", "DaemonSet", namespace=file.owner.namespace)
        for volume in sequence(obj.at("spec", "template", "spec", "volumes"))
    }
    beside = manifests.of("", "ConfigMap", namespace=file.owner.namespace)
    meant = [obj for obj in beside if obj.name not in mounted and file.key in _keys(obj)]
    return meant[0] if len(meant) == 1 else None


def _keys(config_map: Object) -> list[str]:
    parts: list[Mapping[Any, Any]] = [mapping(config_map.at(part)) for part in ("data", "binaryData")]
    return [key for part in parts for key in part if isinstance(key, str)]
