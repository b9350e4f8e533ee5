"""The processors that take out of spans what the settings want kept from every store.

They are those of the collector's core distribution, which its operator runs by default. They change attributes of spans
and of resources. Names of spans, their events and their links are left as they are: proxies write neither a query nor a
header there.
"""

from typing import Any

from model import Redaction
from model.redaction import URL_ATTRIBUTES

_OF_SPANS, _OF_RESOURCES = "attributes/redaction", "resource/redaction"
# Where what is left of a URL is kept until it takes the URL's place: the processor cannot cut a text.
_KEPT = "redaction_kept"
# Scheme and login of a URL that has a login (RFC 3986, 3.2.1); both go, since only one end of a text can stay.
_LOGIN = r"(?:(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//[^/?#]*@)?"
_WITHOUT_QUERY, _WHOLE = "[^?#]*", "(?s:.*)"


def redacting(redaction: Redaction) -> dict[str, Any]:
    """The processors by their names, in their order."""
    if not redaction.enabled:
        return {}
    # Not `$`, which the collector would take for the beginning of a variable.
    removals = [{"action": "delete", "pattern": rf"(?i)^(?:{names})\z"} for names in redaction.removed]
    kept = _WHOLE if redaction.keep_query_strings else _WITHOUT_QUERY
    cuts = [action for name in URL_ATTRIBUTES for action in _cut(name, f"^{_LOGIN}(?P<{_KEPT}>{kept})")]
    return {
        _OF_SPANS: {"actions": [*removals, *cuts]},
        **({_OF_RESOURCES: {"attributes": removals}} if removals else {}),
    }


def _cut(attribute: str, pattern: str) -> list[dict[str, str]]:
    """What leaves of ``attribute`` the named group of ``pattern``."""
    return [
        {"action": "extract", "key": attribute, "pattern": pattern},
        {"action": "update", "key": attribute, "from_attribute": _KEPT},
        {"action": "delete", "key": _KEPT},
    ]
