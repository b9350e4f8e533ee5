"""What every hop is given: the cluster, the deployment as it is meant to be, and the request that was followed."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from verify.cluster import Cluster
from verify.deployment import Deployment
from verify.service_graph import Edge
from verify.trace import Trace

Seen = TypeVar("Seen")


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


@dataclass(frozen=True)
class Journey:
    """What became of the requests that were sent, and of the one among them that came furthest.

    ``answered`` counts those that the application answered; ``problem`` is why none was. ``sent_at`` is Unix time, and
    the seconds are counted from it; None means that the trace was not seen there. ``expected`` are the edges that the
    graph should have.
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
    trace: Trace | None = None
    expected: frozenset[Edge] = frozenset()


@dataclass(frozen=True)
class Looks(Generic[Seen]):
    """What was seen of a hop before and after requests were followed; without a journey both are the same."""

    before: Seen
    after: Seen
    journey: Journey | None
