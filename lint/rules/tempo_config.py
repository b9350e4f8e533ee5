"""Keys of Tempo's configuration that Tempo refuses: it starts with none that it does not know."""

from collections.abc import Iterator
from dataclasses import dataclass

from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.nearest import nearest
from lint.objects import Manifests, Path, dotted, mapping, view
from lint.rule import rule
from lint.tempo_keys import Keys, below, knows, nearest_place, older_overrides, releases, unknown
from lint.views.tempos import Tempo, tempos
from lint.views.versions import Minor

_OVERRIDES: Path = ("overrides", "defaults")
_REFUSES_OLDER_OVERRIDES: Minor = (3, 0)
_FEW = 3


@dataclass(frozen=True)
class _Refused:
    """A key that ``release`` of Tempo refuses, and the releases that know it there."""

    tempo: Tempo
    path: Path
    release: Minor
    keys: Keys
    known_by: tuple[Minor, ...]

    @property
    def name(self) -> str:
        return str(self.path[-1])

    @property
    def history(self) -> str:
        """Since when it is known, or not any more."""
        first, last = min(self.known_by), max(self.known_by)
        if first > self.release:
            return f"came with {_written(first)}"
        return f"is gone since {_written(min(one for one in releases() if one > last))}"

    @property
    def belongs(self) -> Path | None:
        """Where the key belongs, if there is one such place and this is not it."""
        return nearest_place(self.keys, self.path)


@rule(
    code="N31",
    title="Tempo does not know a key of its configuration",
    levels=(Severity.ERROR,),
    why="Tempo does not start with a key that it does not know. No release has this one.",
    remedy="Write the key as Tempo's documentation has it, or leave it out.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              query_frontend: {max_outstandig_per_tenant: 2000}
    """,
    source="tempo: cmd/tempo/main.go; lint/tempo_keys, read from the source of each release",
    # A key is not known, whatever its value is.
    reads_variables=True,
)
def unknown_key(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for refused in _refused(manifests, facts):
        if refused.known_by or refused.belongs:
            continue
        siblings = [key for key in below(refused.keys, refused.path[:-1]) or () if key != "*"]
        near = nearest(refused.name, siblings)
        yield error(
            refused.tempo.where(*refused.path),
            f"Tempo knows no key {refused.name!r} here, and does not start",
            f"write {near}" if near else _choice(siblings),
        )


@rule(
    code="N31",
    title="A key of Tempo's configuration is in the wrong place",
    levels=(Severity.ERROR,),
    why="Tempo does not start with a key in a place where it does not know it, even if it knows it elsewhere.",
    remedy="Move the key to its place.",
    example="""
        apiVersion: tempo.grafana.com/v1alpha1
        kind: TempoMonolithic
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          extraConfig:
            tempo:
              metrics_generator:
                storage: {path: /var/tempo/generator/wal}
                service_graphs: {}
    """,
    source="tempo: cmd/tempo/main.go; lint/tempo_keys, read from the source of each release",
    # A key is not known, whatever its value is.
    reads_variables=True,
)
def misplaced_key(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for refused in _refused(manifests, facts):
        if refused.belongs and not refused.known_by:
            yield error(
                refused.tempo.where(*refused.path),
                f"Tempo knows no key {refused.name!r} here, and does not start",
                f"move it to {dotted(refused.belongs)}",
            )


@rule(
    code="N31",
    title="A key of Tempo's configuration is one of another release",
    levels=(Severity.ERROR, Severity.WARNING),
    why=(
        "Tempo does not start with a key that came later or is gone, as `ingester` and `compactor` are since Tempo 3. "
        "An image without a version is taken for the newest release. It is a warning where no known release has all the"
        " keys."
    ),
    remedy="Leave the key out, or run a release that knows it.",
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: tempo, namespace: tracing-system}
        data:
          tempo.yaml: |
            distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}}
            compactor: {compaction: {block_retention: 24h}}
            storage: {trace: {backend: local, local: {path: /var/tempo/blocks}}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template:
            spec:
              containers: [{name: tempo, image: "docker.io/grafana/tempo:3.0.3"}]
              volumes: [{name: conf, configMap: {name: tempo}}]
    """,
    source="tempo: cmd/tempo/main.go; lint/tempo_keys, read from the source of each release",
    # A key is not known, whatever its value is.
    reads_variables=True,
)
def key_of_another_release(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for refused in _refused(manifests, facts):
        if refused.known_by:
            tempo = refused.tempo
            yield (error if refused.release == tempo.release else warning)(
                tempo.where(*refused.path),
                f"Tempo {_written(refused.release)} does not start with the key {refused.name!r}, which "
                + refused.history,
                "leave it out, or run a release that knows it",
            )


@rule(
    code="N31",
    title="Tempo 3 refuses overrides in the older format",
    levels=(Severity.ERROR,),
    why=(
        "Since release 3 Tempo does not start with flat keys in `overrides`, unless it is told to accept them. An image"
        " without a version is taken for the newest release."
    ),
    remedy=(
        "Write them below `overrides.defaults`, such as `defaults: {global: {max_bytes_per_trace: 5000000}}`, or set "
        "`overrides.enable_legacy_overrides: true` for now."
    ),
    example="""
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: tempo, namespace: tracing-system}
        data:
          tempo.yaml: |
            distributor: {receivers: {otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}}}}}
            overrides: {max_bytes_per_trace: 5000000}
            storage: {trace: {backend: local, local: {path: /var/tempo/blocks}}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: tempo, namespace: tracing-system}
        spec:
          template:
            spec:
              containers: [{name: tempo, image: "docker.io/grafana/tempo:3.0.3"}]
              volumes: [{name: conf, configMap: {name: tempo}}]
    """,
    source="tempo: modules/overrides/overrides.go; https://grafana.com/docs/tempo/latest/release-notes/v3-0/",
)
def older_overrides_refused(manifests: Manifests, facts: Facts) -> Iterator[Fault]:
    for tempo in tempos(manifests, facts):
        overrides = mapping(tempo.at("overrides"))
        if (
            tempo.release is None
            or tempo.release < _REFUSES_OLDER_OVERRIDES
            or "defaults" in overrides
            or overrides.get("enable_legacy_overrides") is True
            or any("enable-legacy-overrides" in runs.command for runs in tempo.workloads)
        ):
            continue
        older = [key for key in overrides if isinstance(key, str) and key in older_overrides()]
        if older:
            yield error(
                tempo.where("overrides", older[0]),
                f"Tempo {_written(tempo.release)} does not start with overrides in the older format",
                "write them below overrides.defaults, or set overrides.enable_legacy_overrides: true",
            )


@view
def _refused(manifests: Manifests, facts: Facts) -> tuple[_Refused, ...]:
    return tuple(_found(manifests, facts))


def _found(manifests: Manifests, facts: Facts) -> Iterator[_Refused]:
    for tempo in tempos(manifests, facts):
        release = _release(tempo)
        if release is None or tempo.is_enterprise:
            continue
        keys = releases()[release]
        for path in unknown(tempo.config, keys):
            # What the older format of overrides has is a fault of its own there.
            if path[:-1] == _OVERRIDES and knows(keys, ("overrides", path[-1])):
                continue
            known_by = tuple(one for one, known in releases().items() if knows(known, path))
            if known_by or not _is_later(tempo.release):
                yield _Refused(tempo, path, release, keys, known_by)


def _release(tempo: Tempo) -> Minor | None:
    """The release by which to judge; where it is not known, the newest of those that take most of the configuration.

    None for a release that is older than all that are recorded.
    """
    if tempo.release is None:
        newest_first = [one for one in sorted(releases(), reverse=True) if one >= tempo.oldest]
        every_key = next((one for one in newest_first if not any(unknown(tempo.config, releases()[one]))), None)
        return every_key or min(newest_first, key=lambda one: sum(1 for _ in unknown(tempo.config, releases()[one])))
    return max((one for one in releases() if one <= tempo.release), default=None)


def _is_later(release: Minor | None) -> bool:
    """Whether it is later than all that are recorded, and may know what they do not."""
    return release is not None and release > max(releases())


def _written(release: Minor) -> str:
    return f"{release[0]}.{release[1]}"


def _choice(siblings: list[str]) -> str:
    return f"leave it out: {', '.join(sorted(siblings))} are known" if 0 < len(siblings) <= _FEW else "leave it out"
