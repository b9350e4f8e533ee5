"""Environment variables of istiod that it does not read."""

from collections.abc import Iterator

from lint.facts import Facts
from lint.findings import Fault, Severity, warning
from lint.istio_env import variables
from lint.nearest import nearest
from lint.objects import Manifests, Place, at, sequence, text
from lint.rule import rule
from lint.views.mesh import INSTALL, is_plain, mesh_configs

# Variables of the libraries in it, such as GODEBUG, are called otherwise.
_OF_ISTIOD = ("PILOT_", "ISTIOD_")
_ALIKE = 0.9


@rule(
    code="N3",
    title="istiod does not read a variable",
    levels=(Severity.WARNING,),
    why=(
        "istiod passes over a variable that it does not know, and what it should set stays as it is. Such a variable "
        "is misspelt, or no release has it any more."
    ),
    remedy="Write the variable as Istio calls it, or leave it out.",
    example="""
        apiVersion: sailoperator.io/v1
        kind: Istio
        metadata: {name: default}
        spec:
          version: v1.31.0
          values: {pilot: {env: {PILOT_ENABLED_GATEWAY_API: "true"}}}
    """,
    source="istio: what env.Register is called with in the releases 1.20, 1.24, 1.28 and 1.31",
)
def variable_that_istiod_does_not_read(manifests: Manifests, _facts: Facts) -> Iterator[Fault]:
    known = variables()
    for place, name in _variables(manifests):
        if not is_plain(name) or name in known:
            continue
        near = nearest(name, known, _ALIKE)
        if near or name.startswith(_OF_ISTIOD):
            yield warning(
                place,
                f"istiod reads no variable {name}, and what it should set stays as it is",
                f"write {near}" if near else "leave it out",
            )


def _variables(manifests: Manifests) -> Iterator[tuple[Place, str]]:
    # An IstioOperator may have two mesh configurations, and one environment.
    found = {(id(mesh.owner), mesh.env_path): mesh for mesh in mesh_configs(manifests) if mesh.env}
    for mesh in found.values():
        for name in mesh.env:
            yield mesh.owner.where(*mesh.env_path, text(name)), text(name)
    for obj in manifests.of(INSTALL, "IstioOperator"):
        path = ("spec", "components", "pilot", "k8s", "env")
        for index, entry in enumerate(sequence(obj.at(*path))):
            yield obj.where(*path, index, "name"), text(at(entry, "name"))
