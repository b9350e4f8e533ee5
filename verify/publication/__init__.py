"""The result of a check for those who did not start it: on a ConfigMap, as an Event, and as metrics."""

from verify.publication.publish import Place, publish

__all__ = ["Place", "publish"]
