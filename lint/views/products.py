"""Which release of which product an object runs, as its images, its version or its chart say."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from lint.chart_values import CHARTS, is_recorded, keys
from lint.chart_values.releases import is_published, product_version
from lint.facts import Facts
from lint.lifecycle import lifecycle
from lint.objects import Manifests, Object, Path, Place, at, grouped, text, view
from lint.tempo_keys import unknown
from lint.views.chart_sources import taken_charts
from lint.views.charts import charts
from lint.views.images import Image, images
from lint.views.mesh import INSTALL, SAIL
from lint.views.prometheus import OPERATORS
from lint.views.services import OPENTELEMETRY
from lint.views.values import values
from lint.views.versions import exact, minor

NAMES = {
    "istio": "Istio",
    "grafana": "Grafana",
    "grafana-agent": "Grafana Agent",
    "prometheus": "Prometheus",
    "ingress-nginx": "ingress-nginx",
    "minio": "MinIO",
    "jaeger-1": "Jaeger 1",
    "tempo": "Tempo",
    "kiali": "Kiali",
    "jaeger-product": "Red Hat's Jaeger",
    "opentelemetry-operator": "the OpenTelemetry operator",
    "openshift-service-mesh-2": "OpenShift Service Mesh 2",
}

# A copy in a registry of one's own keeps the end of the name.
_IMAGES = {
    "istio": re.compile(r"(?:.*/)?(?:[^/]*istio[^/]*/)(?:.*/)?(?:pilot|proxyv2|install-cni|ztunnel|operator|istioctl)"),
    "grafana": re.compile(r"(?:.*/)?grafana/grafana(?:-oss|-enterprise)?"),
    "grafana-agent": re.compile(r"(?:.*/)?grafana/agent"),
    "prometheus": re.compile(r"(?:.*/)?prometheus"),
    "ingress-nginx": re.compile(r"(?:.*/)?ingress-nginx/controller(?:-chroot)?"),
    "minio": re.compile(r"(?:.*/)?minio/minio"),
    # Jaeger 2 is one image, jaegertracing/jaeger.
    "jaeger-1": re.compile(r"(?:.*/)?jaegertracing/(?:all-in-one|jaeger-(?:agent|collector|ingester|query))"),
    "tempo": re.compile(r"(?:.*/)?grafana/tempo"),
    # Red Hat's has another name, and goes with a Service Mesh.
    "kiali": re.compile(r"(?:.*/)?kiali/kiali(?:-operator)?"),
    "opentelemetry-operator": re.compile(r"(?:.*/)?opentelemetry-operator"),
}
MAISTRA = "maistra.io"
_VERSION: Path = ("spec", "version")
# The resources that say a release: of which product, their group and kinds, and where it stands.
_BY_FIELD: tuple[tuple[str, str, tuple[str, ...], Path], ...] = (
    ("istio", SAIL, ("Istio", "IstioRevision", "IstioCNI", "ZTunnel"), _VERSION),
    ("istio", INSTALL, ("IstioOperator",), ("spec", "tag")),
    ("openshift-service-mesh-2", MAISTRA, ("ServiceMeshControlPlane",), _VERSION),
    *(("prometheus", group, ("Prometheus", "PrometheusAgent"), _VERSION) for group in OPERATORS),
    ("grafana", "grafana.integreatly.org", ("Grafana",), _VERSION),
)
# Charts that install nothing but a product which has ended as a whole.
_CHARTS_OF_ONE_PRODUCT = {"grafana-agent": "grafana-agent"}
# The charts that bring one release of a product, and where their values have the tag of another one.
_CHARTS_OF_A_RELEASE: dict[str, tuple[str, tuple[Path, ...]]] = {
    "grafana": ("grafana", (("image", "tag"),)),
    "prometheus": ("prometheus", (("server", "image", "tag"),)),
    "tempo": ("tempo", (("tempo", "tag"), ("image", "tag"))),
    "tempo-distributed": ("tempo", (("tempo", "image", "tag"), ("image", "tag"))),
}
# What else has charts of these names has other versions of them.
_OWN_REPOSITORIES = frozenset(
    {
        "grafana.github.io/helm-charts",
        "grafana-community.github.io/helm-charts",
        "prometheus-community.github.io/helm-charts",
    }
)
_JAEGER = "jaegertracing.io"
KIALI = "kiali.io"
_CHARTS_OF_KIALI = ("kiali-server", "kiali-operator")
_TAGS_OF_KIALI: tuple[Path, ...] = (("deployment", "image_version"),)
_TAGS_OF_ITS_OPERATOR: tuple[Path, ...] = (("image", "tag"), ("cr", "spec", "deployment", "image_version"))
# The charts of which each installation has one.
_ISTIO_CHARTS = frozenset({"istiod", "ztunnel"})
# Those that come with them, under names that others use too.
ISTIO_CHARTS_BESIDE = frozenset({"base", "cni", "gateway"})
# That of all of them together, whose name is one of others too.
_ISTIO_CHARTS_TOGETHER = frozenset({"ambient"})
# Where Istio's releases are: each chart there has the version of its release, whatever its name.
_ISTIO_RELEASES = re.compile(
    r"\bistio-release(?:\.storage\.googleapis\.com)?/|\bistio\.io/release/|\bghcr\.io/istio/release/"
)
# What values say of the images of Istio, in an IstioOperator and in the chart istiod.
_TAG: Path = ("global", "tag")
# The hubs and tags of Istio's own releases; vendors keep theirs up for longer.
_ISTIO_HUB = re.compile(r"|(?:.*/)?(?:istio|istio-release|registry\.istio\.io/release)")
_ISTIO_TAG = re.compile(r"v?\d+\.\d+\.\d+(?:-(?:distroless|debug))?")
_INGRESS_NGINX = "k8s.io/ingress-nginx"
# By the package of an operator in Red Hat's catalog; that of the third Service Mesh has another name.
_PACKAGES = {"servicemeshoperator": "openshift-service-mesh-2", "jaeger-product": "jaeger-product"}


@dataclass(frozen=True)
class Use:
    """``release`` is what the object says: a version, an image's tag, or nothing; ``path`` leads to it.

    It is not ``with_charts`` if it says nothing of the charts that bring the images.
    """

    product: str
    release: str
    owner: Object
    path: Path
    with_charts: bool = True

    @property
    def name(self) -> str:
        return NAMES[self.product]

    @property
    def where(self) -> Place:
        return self.owner.where(*self.path)

    @property
    def by_sail(self) -> bool:
        """Whether the Sail operator installs it, which has a list of versions."""
        return self.owner.group == SAIL

    def by_red_hat(self, facts: Facts) -> bool | None:
        """Whether it is a build of Red Hat's, which has dates and patches of its own; None if that is not known.

        On a platform that is not known, a version that Red Hat's newest operator installs is taken for one of theirs.
        """
        if not self.by_sail:
            return False
        if facts.platform is None:
            return _is_newest_of_red_hat(self.product, self.release) or None
        return facts.platform == "openshift"


@cache
def _is_newest_of_red_hat(product: str, release: str) -> bool:
    return lifecycle().is_in_newest("redhat", product, release)


@view
def uses(manifests: Manifests, facts: Facts) -> tuple[Use, ...]:
    return tuple(_uses(manifests, facts))


def _uses(manifests: Manifests, facts: Facts) -> Iterator[Use]:
    yield from _by_images(manifests)
    for product, group, kinds, path in _BY_FIELD:
        for obj in manifests.of(group, *kinds):
            yield Use(product, text(obj.at(*path)), obj, path)
    yield from _by_charts_of_istio(manifests)
    yield from _by_tags_of_istio(manifests)
    for one in values(manifests, *_CHARTS_OF_ONE_PRODUCT):
        yield Use(_CHARTS_OF_ONE_PRODUCT[one.chart], "", one.owner, one.path)
    yield from _by_charts_of_a_release(manifests)
    yield from _by_kiali(manifests)
    yield from _by_operators_of_jaeger(manifests)
    for obj in manifests.of("operators.coreos.com", "Subscription"):
        package = text(obj.at("spec", "name"))
        if package in _PACKAGES:
            yield Use(_PACKAGES[package], "", obj, ("spec", "name"))
    for obj in manifests.of("networking.k8s.io", "IngressClass"):
        if obj.at("spec", "controller") == _INGRESS_NGINX:
            yield Use("ingress-nginx", "", obj, ("spec", "controller"))
    if facts.opentelemetry_operator_version is not None:
        for obj in manifests.of(OPENTELEMETRY, "OpenTelemetryCollector"):
            yield Use("opentelemetry-operator", facts.opentelemetry_operator_version, obj, ("spec",))


def _by_charts_of_istio(manifests: Manifests) -> Iterator[Use]:
    """Of charts that come with another one of the same release, only that one is named."""
    found = [*charts(manifests)]
    main = [chart for chart in found if chart.name in _ISTIO_CHARTS]
    yield from (Use("istio", chart.version, chart.owner, chart.path) for chart in main)
    releases = {minor(chart.version) for chart in main}
    for chart in found:
        has_a_name = chart.name in ISTIO_CHARTS_BESIDE | _ISTIO_CHARTS_TOGETHER and "istio" in chart.origin
        # A source without a chart is a folder in Git.
        is_beside = has_a_name or (chart.name and _ISTIO_RELEASES.search(chart.origin))
        if chart not in main and is_beside and minor(chart.version) not in releases:
            yield Use("istio", chart.version, chart.owner, chart.path, with_charts=False)


def _by_tags_of_istio(manifests: Manifests) -> Iterator[Use]:
    below: Path = ("spec", "values")
    places = [(obj, below, obj.at(*below)) for obj in manifests.of(INSTALL, "IstioOperator")]
    places += [(one.owner, one.path, one.content) for one in values(manifests, "istiod")]
    for owner, path, content in places:
        tag, hub = text(at(content, *_TAG)), text(at(content, "global", "hub"))
        if _ISTIO_TAG.fullmatch(tag) and _ISTIO_HUB.fullmatch(hub):
            yield Use("istio", tag, owner, (*path, *_TAG), with_charts=False)


def _by_charts_of_a_release(manifests: Manifests) -> Iterator[Use]:
    """Of a chart whose version is named, unless its values name another release."""
    for taken in taken_charts(manifests):
        wanted = exact(taken.version)
        if wanted is None or taken.name not in _CHARTS_OF_A_RELEASE or taken.address not in _OWN_REPOSITORIES:
            continue
        if not is_published(taken.address, taken.name, wanted):
            continue
        product, tags = _CHARTS_OF_A_RELEASE[taken.name]
        given = [one for one in values(manifests, taken.name) if one.said and one.said.owner is taken.owner]
        release = product_version(taken.name, wanted)
        if release and not any(one.at(*tag) for one in given for tag in tags):
            yield Use(product, release, taken.owner, taken.version_path, with_charts=False)


def _by_kiali(manifests: Manifests) -> Iterator[Use]:
    """A release of Kiali's charts is one of Kiali; those, and its resource, may name another one."""
    for obj in manifests.of(KIALI, "Kiali"):
        for path in _TAGS_OF_KIALI:
            yield Use("kiali", text(obj.at("spec", *path)), obj, ("spec", *path))
    for one in values(manifests, *_CHARTS_OF_KIALI):
        for path in (*_TAGS_OF_KIALI, *_TAGS_OF_ITS_OPERATOR):
            yield Use("kiali", text(one.at(*path)), one.owner, (*one.path, *path))
    for chart in charts(manifests):
        if chart.name in _CHARTS_OF_KIALI and not chart.is_of_ones_own:
            yield Use("kiali", chart.version, chart.owner, chart.path)


def _by_operators_of_jaeger(manifests: Manifests) -> Iterator[Use]:
    """The operator for Jaeger installs Jaeger 1 only; that of Service Mesh 2 asks Red Hat's build of it."""
    for obj in manifests.of(_JAEGER, "Jaeger"):
        yield Use("jaeger-1", "", obj, ("kind",))
    for obj in manifests.of(MAISTRA, "ServiceMeshControlPlane"):
        if obj.at("spec", "tracing", "type") == "Jaeger":
            yield Use("jaeger-product", "", obj, ("spec", "tracing", "type"))


def _by_images(manifests: Manifests) -> Iterator[Use]:
    for image in images(manifests):
        for product, pattern in _IMAGES.items():
            if pattern.fullmatch(image.name) and not _is_in_vain(manifests, image):
                yield Use(product, image.tag, image.owner, image.tag_path)


def _is_in_vain(manifests: Manifests, image: Image) -> bool:
    """Whether it stands in values that the version of a chart does not read, which then runs another one."""
    unread = _unread(manifests).get(id(image.owner), ())
    return any(image.path[: len(path)] == path for path in unread)


@view
def _unread(manifests: Manifests) -> Mapping[int, Sequence[Path]]:
    """By the object that has them, the paths of values that the version of a chart does not read."""
    return grouped(
        (id(one.owner), (*one.path, *path))
        for one in values(manifests, *CHARTS)
        if is_recorded(one.chart, one.version)
        for path in unknown(one.content, keys(one.chart, one.version))
    )
