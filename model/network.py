"""Who may connect to what the program deploys."""

from typing import Literal

from pydantic import Field

from model.parts import Section
from model.scalars import Flag, Name


class NetworkPolicies(Section):
    """NetworkPolicies for the pods of the data path, in the namespaces that the program makes."""

    enabled: Flag = Field(
        default=True,
        description="Whether the program makes them; in `namespaces.existing` it makes none in any case.",
    )
    otlp_from: Literal["all", "mesh"] = Field(
        default="all",
        examples=["mesh"],
        description="Who may send spans to the collector: `all`; `mesh`: the pods of the mesh's namespaces in the "
        "settings, every pod with a proxy, and `clients`.",
    )
    clients: list[Name] = Field(
        default=[],
        examples=[["monitoring"]],
        description="Further namespaces whose pods may query, scrape and write to Tempo and Prometheus, and scrape the "
        "collector. Without any, everybody may query and scrape, unless Grafana, Kiali and Prometheus are all the "
        "program's own.",
    )
