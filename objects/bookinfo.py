"""The Bookinfo sample and the two clients that send it traffic."""

from pydantic import Field

from model import Bookinfo, Images, Mesh, Platform, Tracing
from model.scalars import Flag, Image
from objects import manifests
from objects.bookinfo_gateway import BookinfoGatewayArgs
from objects.context import Args, Object, Text
from objects.mesh_config import injection_labels, installs_cni
from objects.namespaces import build_namespace, build_namespace_labels
from objects.pod_security import CURL_USER, ENFORCED, restricted, run_as
from objects.restart import restart_annotation, restarted_with
from objects.telemetry import build_namespace_telemetries

# The client whose rate and number of pods the traffic settings control.
_TRAFFIC_AS_SET = "sleep"


class BookinfoArgs(Args):
    """Arguments of ``Bookinfo``."""

    bookinfo: Bookinfo = Field(default=Bookinfo(), description="The sample, its gateway and its traffic.")
    mesh: Mesh = Field(default=Mesh(), description="The mesh whose sidecars its pods get.")
    platform: Platform = Field(default="kubernetes", description="What the cluster is: `openshift` or `kubernetes`.")
    namespace_exists: bool = Field(default=False, description="Whether somebody else made the sample's namespace.")
    unrestricted: bool = Field(
        default=False,
        description="Whether Pod Security `restricted` is not enforced in the sample's namespace, where Istio's CNI "
        "plugin lets pods with sidecars be `restricted`.",
    )
    curl_image: Image = Field(default=Images().curl, description="The image of the clients.")
    tracing: Text | None = Field(
        default=None,
        description="Any output of the tracing that the same program switches on: the clients wait for all that the "
        "output waits for, so that their first request is traced. The application does not: a proxy that runs learns "
        "of the tracing.",
    )
    traced: Tracing | None = Field(
        default=None, description="Which requests are traced; none leaves that to what is said of the mesh."
    )
    in_mesh_telemetry: Flag = Field(
        default=True, description="Whether the mesh is traced by a Telemetry of the same program."
    )


def gateway_args(args: BookinfoArgs) -> BookinfoGatewayArgs | None:
    """The arguments of the sample's gateway, where the settings ask for one."""
    kind = args.bookinfo.gateway
    if kind == "none":
        return None
    return BookinfoGatewayArgs(
        kind=kind,
        namespace=args.bookinfo.namespace,
        mesh=args.mesh,
        platform=args.platform,
        restricted=_is_restricted(args),
        service_type=args.bookinfo.gateway_service_type,
        context=args.context,
    )


def build_bookinfo_namespace(args: BookinfoArgs) -> Object:
    """The sample's namespace, whose pods get sidecars; only the labels, if the namespace exists already."""
    name, labels = args.bookinfo.namespace, injection_labels(args.mesh.revision)
    if args.namespace_exists:
        return build_namespace_labels(name, extra_labels=labels)
    return build_namespace(name, args.context, extra_labels={**labels, **(ENFORCED if _is_restricted(args) else {})})


def build_bookinfo_telemetries(args: BookinfoArgs) -> dict[str, Object]:
    """The Telemetries of the sample's namespace by role, where it has some of its own."""
    if args.traced is None:
        return {}
    found = build_namespace_telemetries(
        args.bookinfo.namespace, args.mesh, args.traced, args.context, in_mesh_telemetry=args.in_mesh_telemetry
    )
    return {"-".join(filter(None, ["telemetry", app])): built for app, built in found.items()}


def _is_restricted(args: BookinfoArgs) -> bool:
    """Whether pods with sidecars are `restricted`: without the CNI plugin, these redirect their own traffic."""
    return installs_cni(args.mesh, args.platform) and not args.unrestricted


def build_application(args: BookinfoArgs) -> dict[str, Object]:
    """The objects of ``manifests/bookinfo.yaml`` as the settings want them."""
    built = {}
    for manifest in manifests.load("bookinfo.yaml"):
        obj = _in_mesh(manifest, args)
        if obj["kind"] == "Deployment":
            obj = manifests.with_image(obj, args.context.image(_image(obj, args.bookinfo)))
            if _is_restricted(args):
                obj = restricted(obj)
        built[manifests.role(obj)] = obj
    return built


def build_traffic(args: BookinfoArgs) -> dict[str, Object]:
    """The objects of ``manifests/traffic.yaml`` as the settings want them; none without traffic."""
    traffic = args.bookinfo.traffic
    if not traffic.enabled:
        return {}
    built = {}
    for manifest in manifests.load("traffic.yaml"):
        obj = _in_mesh(manifest, args)
        if obj["kind"] == "Deployment":
            obj = manifests.with_image(obj, args.context.image(args.curl_image))
            if _is_restricted(args):
                obj = run_as(restricted(obj), CURL_USER, args.platform)
            if obj["metadata"]["name"] == _TRAFFIC_AS_SET:
                pause = f"{1 / traffic.requests_per_second:g}"
                obj = _with_replicas(_with_env(obj, "PAUSE_SECONDS", pause), traffic.concurrency)
        built[manifests.role(obj)] = obj
    return built


def _image(deployment: Object, bookinfo: Bookinfo) -> str:
    """The image of one of the sample's Deployments, of which the manifest has the last part of the name."""
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    released = f"{bookinfo.image_registry}/{container['image']}:{bookinfo.image_tag}"
    return bookinfo.images.get(deployment["metadata"]["name"], released)


def _in_mesh(manifest: Object, args: BookinfoArgs) -> Object:
    labels = args.context.owner_labels()
    placed = manifests.place(manifest, namespace=args.bookinfo.namespace, labels=labels, context=args.context)
    if placed["kind"] != "Deployment":
        return placed
    return restarted_with(placed, restart_annotation(args.mesh, args.platform, args.context), args.context)


def _with_replicas(manifest: Object, replicas: int) -> Object:
    """A copy of a Deployment with ``replicas`` pods."""
    return {**manifest, "spec": {**manifest["spec"], "replicas": replicas}}


def _with_env(manifest: Object, variable: str, value: str) -> Object:
    """A copy of a Deployment of one container, with one of its variables changed."""
    spec = manifest["spec"]
    template = spec["template"]
    pod = template["spec"]
    (container,) = pod["containers"]
    env = [{**entry, "value": value} if entry["name"] == variable else entry for entry in container["env"]]
    pod = {**pod, "containers": [{**container, "env": env}]}
    return {**manifest, "spec": {**spec, "template": {**template, "spec": pod}}}
