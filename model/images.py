"""Where images are pulled from."""

from pydantic import Field

from model.parts import Section
from model.scalars import DnsName, Image, Registry, RegistryHost

_DOCKER_HUB = "docker.io"


class ImageSources(Section):
    """Registries that hold copies of images, and the credentials for them."""

    mirror: Registry | None = Field(
        default=None,
        examples=["registry.example.com/mirror"],
        description="A registry, and a path in it, with copies of the images: every image that the program names is "
        "pulled from there, its own host replaced by this text, its path, tag and digest kept.",
    )
    mirrors: dict[RegistryHost, Registry] = Field(
        default={},
        examples=[{"docker.io": "harbor.example.com/dockerhub"}],
        description="The mirrors of single registries, by their hosts, where they differ from `mirror`.",
    )

    pull_secrets: list[DnsName] = Field(
        default=[],
        examples=[["registry-credentials"]],
        description="Secrets with which pods pull images; each has to exist in every namespace with such pods.",
    )

    @property
    def has_mirrors(self) -> bool:
        return bool(self.mirror or self.mirrors)

    def mirrored(self, name: str) -> str:
        """Where the image, or the registry, called ``name`` is pulled from; what is in its mirror already stays."""
        host, path = _host_and_path(name)
        mirror = self.mirrors.get(host, self.mirror)
        if mirror is None or name == mirror or name.startswith(f"{mirror}/"):
            return name
        return f"{mirror}/{path}" if path else mirror


class Images(ImageSources):
    """The images of the small helpers, and where all images are pulled from."""

    curl: Image = Field(
        default="docker.io/curlimages/curl:8.11.1",
        description="The image of a shell and curl, which create the bucket and send the traffic.",
    )


def _host_and_path(name: str) -> tuple[str, str]:
    """The registry's host, and the rest of ``name``; container runtimes take a name without a host from Docker Hub."""
    first, _, rest = name.partition("/")
    is_host = "." in first or ":" in first or first == "localhost"
    return (first, rest) if is_host else (_DOCKER_HUB, name)
