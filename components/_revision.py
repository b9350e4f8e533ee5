"""The revision of what a pod runs, and the wait for the pods that run it."""

import secrets
from typing import Any, Protocol

import pulumi

from objects.digest import keyed_digest
from objects.installation import Installation
from objects.rollout import Admission, Rollout


class Watch(Protocol):
    """How a program that can look at pods waits for them; without it, Pulumi's provider waits as far as it can."""

    def served(self, rollout: pulumi.Input[Rollout], revision: pulumi.Input[str]) -> pulumi.Output[str]:
        """``revision``, once all pods of ``rollout`` run it and serve."""

    def admitted(self, admission: Admission, value: pulumi.Input[str]) -> pulumi.Output[str]:
        """``value``, once the API server trusts every webhook of ``admission``."""

    def broken(self, rollout: Rollout) -> pulumi.Output[list[str]]:
        """The workloads of ``rollout`` that do not serve before the update."""

    def follow(self, asked: Installation, installed: pulumi.Input[str]) -> pulumi.Output[str]:
        """``installed``, which is known once OLM has installed ``asked``; what keeps it from that is told at once."""


def served_by(
    resource: pulumi.Resource, made: pulumi.Output[str], rollout: Rollout, watch: Watch | None
) -> pulumi.Output[str]:
    """The revision ``made``, once ``resource`` is ready and, if there is a ``watch``, the pods that run it serve."""
    ready = pulumi.Output.all(made, resource.urn).apply(lambda known: str(known[0]))
    return ready if watch is None else watch.served(rollout, ready)


def once_served(value: str, served: pulumi.Output[str]) -> pulumi.Output[str]:
    """``value``, known once ``served`` is; whoever uses it depends on what ``served`` depends on."""
    return pulumi.Output.all(value, served).apply(lambda known: str(known[0]))


def revision_key(logical_name: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """A random text, made once, that only the stack's encrypted state holds."""
    once = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["input"]))
    return pulumi.Stash(logical_name, input=pulumi.Output.secret(secrets.token_hex(32)), opts=once).output


def revision(key: pulumi.Output[str], *values: Any) -> pulumi.Output[str]:
    """A text that changes with ``values``, and does not tell them: nobody can try passwords without the key."""
    made = pulumi.Output.all(key, *values).apply(lambda known: keyed_digest(str(known[0]), known[1:]))
    return pulumi.Output.unsecret(made)
