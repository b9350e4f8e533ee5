"""Fields and values of an IstioOperator that do not exist."""

from collections.abc import Collection, Iterator

from lint.crd_fields import Fields, below, differences, fields, names
from lint.facts import Facts
from lint.findings import Fault, Severity, error, warning
from lint.nearest import nearest
from lint.objects import Manifests, Object, Path, at, dotted, mapping, sequence, text
from lint.rule import rule
from lint.views.mesh import INSTALL, PROVIDERS, is_plain
from lint.views.resource_fields import OF_EVERY_OBJECT
from lint.views.versions import minor

_KIND = "IstioOperator"
# istio: operator/pkg/apis/types.go; some are of releases before 1.24.
_SPEC = frozenset(
    [
        "profile",
        "installPackagePath",
        "hub",
        "tag",
        "namespace",
        "revision",
        "defaultRevision",
        "resourceSuffix",
        "compatibilityVersion",
        "meshConfig",
        "components",
        "values",
        "unvalidatedValues",
    ]
)
_GATEWAYS = ("ingressGateways", "egressGateways")
_COMPONENTS = frozenset(["base", "pilot", "cni", "ztunnel", "istiodRemote", *_GATEWAYS])
_COMPONENT = frozenset(["enabled", "namespace", "hub", "tag", "spec", "k8s"])
_GATEWAY = frozenset([*_COMPONENT, "name", "label"])
_K8S = frozenset(
    [
        "affinity",
        "env",
        "hpaSpec",
        "imagePullPolicy",
        "nodeSelector",
        "overlays",
        "podAnnotations",
        "podDisruptionBudget",
        "priorityClassName",
        "readinessProbe",
        "replicaCount",
        "resources",
        "securityContext",
        "service",
        "serviceAnnotations",
        "strategy",
        "tolerations",
        "volumeMounts",
        "volumes",
    ]
)
# The API had this until 1.23, though nothing has been installed by it since 1.8 (istio/api: operator/v1alpha1).
_ADDONS, _WITHOUT_ADDONS = "addonComponents", (1, 24)
_VALUES: Path = ("spec", "values")
_MESH: Path = ("spec", "meshConfig")
# The first release of each range in IstioOperator.json.
_RANGES = ("1.23", "1.16")
# What took the place of a value (istio: the chart istiod, templates/NOTES.txt).
_INSTEAD = {
    "mtls": "write a PeerAuthentication",
    "meshExpansion": "write a Gateway for the other networks",
    "istiocoredns": "set ISTIO_META_DNS_CAPTURE in the proxies' metadata",
}


@rule(
    code="N30",
    title="An IstioOperator has a field that does not exist",
    levels=(Severity.WARNING,),
    why=(
        "istioctl refuses a field of an IstioOperator that it does not know, or passes over it with `--force`. Add-ons "
        "such as Kiali, in `addonComponents`, were taken out in Istio 1.8."
    ),
    remedy="Leave the field out, or write it as Istio calls it, below `spec`; install add-ons by themselves.",
    example="""
        apiVersion: install.istio.io/v1alpha1
        kind: IstioOperator
        metadata: {name: default, namespace: istio-system}
        spec:
          profile: minimal
          addonComponents: {kiali: {enabled: true}}
    """,
    source="istio: operator/pkg/apis/types.go; istio/api: operator/v1alpha1/operator.proto",
)
def operator_field_that_does_not_exist(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.of(INSTALL, _KIND):
        for path in _unknown(obj, (), OF_EVERY_OBJECT):
            yield _fault(obj, path, f"move it below spec, as spec.{path[0]}" if path[0] in _SPEC else "leave it out")
        for place, known in _places(obj):
            for path in _unknown(obj, place, known):
                # Another rule reports providers in a wrong place.
                if path[-1] != PROVIDERS and not _is_empty_addons(obj, path):
                    yield _fault(obj, path, _nearest(path, known))


@rule(
    code="N30",
    title="An IstioOperator has a value that does not exist",
    levels=(Severity.WARNING,),
    why=(
        "istioctl refuses a value that its release does not have; with `--force` it goes on, and the value has no "
        "effect. Without a `tag`, the releases from 1.23 on count, in which values for what was taken out are gone, "
        "such as `global.mtls`."
    ),
    remedy="Write the value at its place, or what took its place; what is about proxies belongs into `meshConfig`.",
    example="""
        apiVersion: install.istio.io/v1alpha1
        kind: IstioOperator
        metadata: {name: default, namespace: istio-system}
        spec:
          profile: minimal
          values: {global: {enableTracing: true}}
    """,
    source=(
        "istio: operator/pkg/apis/values_types.proto of the releases from 1.16 to 1.31, and value_types_json.go; "
        "istio: manifests/charts/istio-control/istio-discovery/templates/NOTES.txt"
    ),
)
def operator_value_that_does_not_exist(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.of(INSTALL, _KIND):
        known = _known_values(obj)
        for one in differences(obj.at(*_VALUES), known, _VALUES):
            if not one.wanted and one.path[-1] != PROVIDERS:
                around = names(below(known, one.path[len(_VALUES) : -1]))
                yield _fault(obj, one.path, _value_instead(one.path) or _nearest(one.path, around))


@rule(
    code="N30",
    title="An IstioOperator has a value of another form",
    levels=(Severity.ERROR,),
    why=(
        "istioctl refuses an IstioOperator that has a map where it wants a list, or the other way round: `env` of a "
        "component, for instance, is a list of `name` and `value`, and `ingressGateways` a list of gateways."
    ),
    remedy="Write `- name: ...` for each entry of a list.",
    example="""
        apiVersion: install.istio.io/v1alpha1
        kind: IstioOperator
        metadata: {name: default, namespace: istio-system}
        spec:
          components: {pilot: {k8s: {env: {PILOT_TRACE_SAMPLING: "100"}}}}
    """,
    source="istio: operator/pkg/apis/types.go and operator/pkg/apis/values_types.proto",
)
def operator_value_of_another_form(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    for obj in manifests.of(INSTALL, _KIND):
        for one in (
            *differences(obj.at("spec"), fields(_KIND, "spec"), ("spec",)),
            *differences(obj.at(*_VALUES), _known_values(obj), _VALUES),
        ):
            if one.wanted:
                yield error(
                    obj.where(*one.path),
                    f"istioctl refuses the IstioOperator: this is not {one.wanted}",
                    f"write {one.wanted}",
                )


def _places(obj: Object) -> Iterator[tuple[Path, Collection[str]]]:
    """Yield each place whose fields are known, with the fields."""
    components: Path = ("spec", "components")
    yield ("spec",), _SPEC
    yield components, _COMPONENTS
    for name, content in mapping(obj.at(*components)).items():
        if name in _GATEWAYS:
            entries: list[Path] = [(*components, name, index) for index, _ in enumerate(sequence(content))]
        else:
            entries = [(*components, name)] if name in _COMPONENTS else []
        for entry in entries:
            yield entry, _GATEWAY if name in _GATEWAYS else _COMPONENT
            yield (*entry, "k8s"), _K8S


def _unknown(obj: Object, place: Path, known: Collection[str]) -> Iterator[Path]:
    for field in mapping(at(obj.raw, *place)):
        if isinstance(field, str) and is_plain(field) and _letters(field) not in map(_letters, known):
            yield (*place, field)


def _is_empty_addons(obj: Object, path: Path) -> bool:
    """Whether it is the list of add-ons, of which the release that is named knows the field, and nothing is in it."""
    release = minor(text(obj.at("spec", "tag")))
    return path[-1] == _ADDONS and not obj.at(*path) and release is not None and release < _WITHOUT_ADDONS


def _letters(field: str) -> str:
    """What the spellings have in common that istioctl takes for the same field."""
    return field.replace("_", "").lower()


def _known_values(obj: Object) -> Fields | None:
    """The values of the release that is named, or of today's; None for a release that is older than all known."""
    release = minor(text(obj.at("spec", "tag"))) or minor(text(obj.at(*_VALUES, "global", "tag")))
    first = next((start for start in _RANGES if release is None or release >= (minor(start) or release)), None)
    return None if first is None else fields(_KIND, first)


def _value_instead(path: Path) -> str:
    key = str(path[-1])
    mesh = below(fields("Istio"), ("values", "meshConfig"))
    for place in ((), ("defaultConfig",)):
        if key in names(below(mesh, place)):
            return f"move it to {dotted((*_MESH, *place, key))}"
    return "move it to spec.components.pilot.k8s" if path[-2:] == ("pilot", "k8s") else _INSTEAD.get(key, "")


def _nearest(path: Path, known: Collection[str]) -> str:
    near = nearest(str(path[-1]), known)
    return f"write {near}" if near else "leave it out"


def _fault(obj: Object, path: Path, remedy: str) -> Fault:
    return warning(obj.where(*path), "there is no such field, and what it should set has no effect", remedy)
