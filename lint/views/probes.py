"""The probes of containers: which port and path the kubelet asks."""

from collections.abc import Iterator
from dataclasses import dataclass

from lint.objects import Object, Path, Place, at, number, sequence, text

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


@dataclass(frozen=True)
class Probe:
    """A probe over HTTP or TCP at the address of the pod; ``path`` is None over TCP."""

    owner: Object
    place: Path
    port: int
    path: str | None

    @property
    def where(self) -> Place:
        return self.owner.where(*self.place)

    @property
    def consequence(self) -> str:
        return "is never ready" if self.place[-1] == "readinessProbe" else "is restarted for ever"


def probes(owner: Object, container: Path) -> Iterator[Probe]:
    """Yield the probes of the container at a path in ``owner`` whose port is known."""
    named = {at(one, "name"): number(at(one, "containerPort")) for one in sequence(owner.at(*container, "ports"))}
    for name in _PROBES:
        for kind in ("httpGet", "tcpSocket"):
            asked = owner.at(*container, name, kind)
            written = at(asked, "port")
            port = number(written) if number(written) is not None else named.get(text(written))
            # Another host or TLS is somebody else's.
            if port is not None and not at(asked, "host") and text(at(asked, "scheme")) in {"", "HTTP"}:
                path = text(at(asked, "path")) or "/" if kind == "httpGet" else None
                yield Probe(owner, (*container, name), port, path)
