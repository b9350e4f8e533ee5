"""Grafana's data sources, in provisioning files, in values of charts and in its operator's resources."""

import hashlib
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from lint.objects import Key, Manifests, Object, Path, Place, at, mapping, number, parsed, sequence, text, view
from lint.views.values import Values, values

GRAFANA = "grafana.integreatly.org"

_STACK = "kube-prometheus-stack"
# By this label the charts' sidecar finds ConfigMaps and Secrets with data sources.
SIDECAR_LABEL = "grafana_datasource"


@dataclass(frozen=True)
class DataSource:
    """One data source; ``path`` leads to ``entry`` in its object.

    Data sources with the same ``grafana`` surely reach the same Grafana. ``alone`` is false if it gets others from
    elsewhere too. ``provisioned`` is what Grafana reads from a file in the format of today, and not through its API;
    ``assumed`` is what a chart makes unless values in another file say otherwise.
    """

    owner: Object
    path: Path
    entry: Mapping[Any, Any]
    uid: str
    grafana: Hashable
    namespace: str = ""
    alone: bool = True
    provisioned: bool = False
    assumed: bool = False

    @property
    def file(self) -> str:
        """The key of the ConfigMap or the Secret that it is in; empty for what is elsewhere."""
        return text(self.path[1]) if self.owner.kind in {"ConfigMap", "Secret"} and self.path[0] != "spec" else ""

    @cached_property
    def type(self) -> str:
        return text(self.entry.get("type"))

    @cached_property
    def name(self) -> str:
        return text(self.entry.get("name"))

    @property
    def is_default(self) -> bool:
        return str(self.entry.get("isDefault")).lower() == "true"

    def at(self, *path: Key) -> Any:
        return at(self.entry, *path)

    def where(self, *path: Key) -> Place:
        return self.owner.where(*self.path, *path)

    @cached_property
    def uids(self) -> frozenset[str]:
        """What leads to it where a uid is wanted.

        Grafana makes a uid of the name if a file has none, and takes a name for a uid if no data source has it
        (grafana: public/app/features/plugins/datasource_srv.ts).
        """
        made = _uid_from_name(self.name) if self.provisioned and not self.uid else self.uid
        return frozenset({made, self.name})


@view
def every_uid(manifests: Manifests) -> frozenset[str]:
    """What leads to any of the data sources."""
    return frozenset(uid for source in data_sources(manifests) for uid in source.uids)


@view
def data_sources(manifests: Manifests) -> tuple[DataSource, ...]:
    return (*_of_files(manifests), *_of_values(manifests), *_of_operator(manifests))


def _of_operator(manifests: Manifests) -> Iterator[DataSource]:
    for obj in manifests.of(GRAFANA, "GrafanaDatasource"):
        entry = mapping(obj.at("spec", "datasource"))
        uid = text(obj.at("spec", "uid")) or text(entry.get("uid"))
        reached = ("operator", obj.namespace, str(obj.at("spec", "instanceSelector")))
        yield DataSource(obj, ("spec", "datasource"), entry, uid, reached, obj.namespace)


def _of_files(manifests: Manifests) -> Iterator[DataSource]:
    for obj in manifests.of("", "ConfigMap", "Secret"):
        for path, document in obj.documents():
            # Parsing every document would be slow: most have no data sources, and some are large.
            if "datasources" in document:
                yield from _entries(obj, path, parsed(document), _reached(obj), not _is_for_sidecar(obj))
    for obj in manifests.documents():
        if sequence(obj.at("datasources")):
            manifests.recognise(obj)
            yield from _entries(obj, (), obj.raw, ("file", id(obj)), alone=False)


def _entries(owner: Object, path: Path, document: object, grafana: Hashable, alone: bool) -> Iterator[DataSource]:
    # Without this version Grafana reads the format of long ago (grafana: pkg/services/provisioning/datasources).
    current = (number(at(document, "apiVersion")) or 0) > 0
    for index, entry in enumerate(sequence(at(document, "datasources"))):
        place = (*path, "datasources", index)
        uid = text(at(entry, "uid"))
        yield DataSource(owner, place, mapping(entry), uid, grafana, owner.namespace, alone, current)


def _is_for_sidecar(obj: Object) -> bool:
    return SIDECAR_LABEL in obj.labels


def _reached(obj: Object) -> Hashable:
    """The sidecar gives Grafana every object of its namespace with the label; variants of one lie in other folders."""
    if not _is_for_sidecar(obj):
        return ("object", id(obj))
    folder = obj.source.name.rpartition("/")[0] if obj.source else ""
    return ("sidecar", folder, obj.namespace, str(obj.labels[SIDECAR_LABEL]))


def _of_values(manifests: Manifests) -> Iterator[DataSource]:
    for one in values(manifests, _STACK, "grafana"):
        path: Path = ("grafana",) if one.chart == _STACK else ()
        section = mapping(one.at(*path))
        if section.get("enabled") is False:
            continue
        in_stack = one.chart == _STACK or "additionalDataSources" in section
        # What stands below `grafana` in the values of another chart may be of a chart with data sources of its own. In
        # kube-prometheus-stack it is the sidecar that brings others.
        has_sidecar = at(section, "sidecar", "datasources", "enabled") is not False
        alone = not has_sidecar if one.chart == _STACK else one.path[-1:] != ("grafana",) and not in_stack
        if in_stack:
            yield from _default_of_stack(one, path, section)
            for index, entry in enumerate(sequence(section.get("additionalDataSources"))):
                yield _of_chart(one, (*path, "additionalDataSources", index), entry, alone)
        for file, document in mapping(section.get("datasources")).items():
            for index, entry in enumerate(sequence(at(document, "datasources"))):
                yield _of_chart(one, (*path, "datasources", str(file), "datasources", index), entry, alone)


def _default_of_stack(one: Values, path: Path, section: Mapping[Any, Any]) -> Iterator[DataSource]:
    """The chart's own (kube-prometheus-stack: templates/grafana/configmaps-datasources.yaml)."""
    sidecar = mapping(at(section, "sidecar", "datasources"))
    if sidecar.get("enabled") is False or sidecar.get("defaultDatasourceEnabled") is False:
        return
    entry = {
        "name": text(sidecar.get("name")) or "Prometheus",
        "type": "prometheus",
        "uid": text(sidecar.get("uid")) or "prometheus",
        "isDefault": sidecar.get("isDefaultDatasource") is not False,
    }
    place = (*path, "sidecar", "datasources")
    yield replace(_of_chart(one, place, entry, alone=False), assumed=True)


def _of_chart(one: Values, path: Path, entry: object, alone: bool) -> DataSource:
    place = (*one.path, *path)
    reached = ("values", id(one.owner), one.path)
    uid = text(at(entry, "uid"))
    return DataSource(one.owner, place, mapping(entry), uid, reached, one.namespace, alone, provisioned=True)


def _uid_from_name(name: str) -> str:
    """As Grafana makes it for a file (grafana: pkg/services/provisioning/datasources/types.go, safeUIDFromName)."""
    return "P" + hashlib.sha256(name.encode()).hexdigest()[:16].upper()
