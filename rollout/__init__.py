"""Waits in ``pulumi up`` until the pods of this update serve, and says in one line why they do not.

It looks at pods through the API server, because the operators' own conditions are late, and because only a pod's log
says why it does not start. It knows nothing of the settings.
"""

from rollout.watch import RolloutError, Watch

__all__ = ["RolloutError", "Watch"]
