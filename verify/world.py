"""What every hop is given: the cluster, the intended deployment, and the request that was followed."""

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
        """The command that restores every object the program owns to its declared state.

        It needs force: the API server refuses to change a field that somebody else has set since.
        """
        return f"PULUMI_K8S_ENABLE_PATCH_FORCE=true pulumi up --refresh --stack {self.stack}"


@dataclass(frozen=True)
class Journey:
    """The outcome of the requests that were sent; the trace is that of the one that came furthest.

    ``answered`` counts those that the application answered; ``problem`` is why none was. ``sent_at`` is Unix time, and
    the seconds count from it; None means that the trace was not seen there. ``expected`` are the edges that the
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
    """What was seen of a hop before and after requests were followed; if none were, both are the same."""

    before: Seen
    after: Seen
    journey: Journey | None
