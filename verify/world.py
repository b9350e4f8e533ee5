"""What every hop is given: the cluster, the deployment as it is meant to be, and the request that was followed."""

from dataclasses import dataclass, field

from verify.cluster import Cluster
from verify.deployment import Deployment


@dataclass(frozen=True)
class World:
    """``stack`` is Pulumi's name for the deployment, for the commands that are printed."""

    cluster: Cluster
    deployment: Deployment
    stack: str

    @property
    def restore(self) -> str:
        """The command that makes again of everything what the program says.

        A field that somebody else has set is theirs to the API server, which refuses a change of it without force.
        """
        return f"PULUMI_K8S_ENABLE_PATCH_FORCE=true pulumi up --refresh --stack {self.stack}"


@dataclass
class Journey:
    """What became of the requests that were sent; seconds are since the sending of the one that was followed.

    ``answered`` counts the requests that the application answered at all. ``counted`` is by how much the graph grew.
    """

    address: str = ""
    answered: int = 0
    problem: str = ""
    trace_id: str = ""
    sent_at: float = 0.0
    stored_seconds: float | None = None
    searchable_seconds: float | None = None
    graphed_seconds: float | None = None
    note: str = ""
    trace: dict[str, object] = field(default_factory=dict)
