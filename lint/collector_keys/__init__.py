"""What components of a collector know: ``components.json`` here, which ``extract.go`` writes from their sources.

The keys have the form of those in ``lint.tempo_keys``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from lint.objects import Path
from lint.tempo_keys import Keys
from lint.views.versions import Minor, minor

# The settings of older collectors are not recorded.
FIRST_RECORDED: Minor = (0, 100)


@dataclass(frozen=True)
class Component:
    """``keys`` are the settings that any recorded release has, None if they are not told apart.

    ``gone`` has those that were taken out, with the first recorded release without them. ``signals`` is empty for a
    component that is in no pipeline. ``last`` is the newest recorded release, if newer ones may well know more.
    """

    signals: frozenset[str]
    keys: Keys | None
    gone: Mapping[Path, Minor]
    last: Minor | None


@cache
def components() -> Mapping[str, Mapping[str, Component]]:
    """The components by section, such as ``receivers``, and kind."""
    found = json.loads((resources.files("lint.collector_keys") / "components.json").read_text(encoding="utf-8"))
    return {
        section: {kind: _component(recorded) for kind, recorded in kinds.items()} for section, kinds in found.items()
    }


def _component(recorded: Mapping[str, object]) -> Component:
    until, last = recorded.get("until"), recorded.get("last")
    signals, keys = recorded.get("signals"), recorded["keys"]
    return Component(
        signals=frozenset(signals) if isinstance(signals, list) else frozenset(),
        keys=keys if isinstance(keys, Mapping) else None,
        gone={
            tuple(path.split(".")): release
            for path, written in (until.items() if isinstance(until, Mapping) else ())
            if (release := minor(written)) is not None
        },
        last=minor(last) if isinstance(last, str) else None,
    )
