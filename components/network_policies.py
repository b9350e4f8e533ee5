"""NetworkPolicies for the pods that the program deploys."""

import pulumi

from components._declare import PACKAGE, declare, once_ready
from objects.network_policies import NetworkPoliciesArgs, build_network_policies


class NetworkPolicies(pulumi.ComponentResource):
    """Who may connect to the pods of the data path.

    No component waits for it: what a policy lets in is let in before and after an update.
    """

    names: pulumi.Output[list[str]]
    """The policies, each once it is there."""

    def __init__(self, name: str, args: NetworkPoliciesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:NetworkPolicies", name, None, opts)
        args = NetworkPoliciesArgs.model_validate(args)
        child = pulumi.ResourceOptions(parent=self)
        made = [
            once_ready(obj["metadata"]["name"], declare(f"{name}-{role}", obj, child))
            for role, obj in build_network_policies(args).items()
        ]
        self.names = pulumi.Output.all(*made)
        self.register_outputs({"names": self.names})
