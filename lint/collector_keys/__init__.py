"""What components of a collector know: ``components.json`` here, which ``extract.go`` writes from their sources.

The keys have the form of those in ``lint.tempo_keys``; those of a list's items have ``[]`` beside them.
``distributions.json``, by ``extract_distributions.py``, has which components are in which of the published images.
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
_ALL = "otelcol-contrib"


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


def lacks(distribution: str, section: str, kind: str, release: Minor | None) -> bool:
    """Whether an image of this distribution lacks a component that the largest one, of the same release, has."""
    found = _distributions()
    name = kind.replace("_", "")
    newest = max(last for _, last in found[_ALL][section].values())
    asked = newest if release is None else min(release, newest)
    return _has(found[_ALL], section, name, asked) and not _has(found[distribution], section, name, asked)


def distributions() -> frozenset[str]:
    """Those of which it is known what they lack."""
    return frozenset(_distributions()) - {_ALL}


_Spans = Mapping[str, Mapping[str, tuple[Minor, Minor]]]


def _has(spans: _Spans, section: str, name: str, release: Minor) -> bool:
    first, last = spans.get(section, {}).get(name, (None, None))
    return first is not None and last is not None and first <= release <= last


@cache
def _distributions() -> Mapping[str, _Spans]:
    found = json.loads((resources.files("lint.collector_keys") / "distributions.json").read_text(encoding="utf-8"))
    return {
        distribution: {
            section: {
                name: (minor(first) or FIRST_RECORDED, minor(last) or FIRST_RECORDED)
                for name, (first, last) in of.items()
            }
            for section, of in sections.items()
        }
        for distribution, sections in found.items()
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
