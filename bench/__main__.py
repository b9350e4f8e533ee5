"""``python -m bench [PART ...]``: deploy on an embedded cluster of its own, measure, end it.

The cluster lies in ``.local/bench``; a running one of the checkout stays as it is, and slows this one down. Programs
and images are built first if need be, which is not measured.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from bench import chain, freshness
from bench.embedded import CommandError, Embedded
from bench.figures import Figure, interleaved, timed
from local.progress import Progress

# A shorter step of a chain would be printed as 0.0 s.
_MIN_SHOWN_SECONDS = 0.05

Measure = Callable[[Embedded, int, Progress], Iterator[Figure]]


def running(embedded: Embedded, rounds: int, progress: Progress) -> Iterator[Figure]:
    """``make up`` on the running stack."""
    with progress.step("make up, on the running stack"):
        (again,) = interleaved(rounds, lambda: embedded.local("deploy"))
    yield Figure("make up, on the running stack", again, target=8)


def unchanged(embedded: Embedded, rounds: int, progress: Progress) -> Iterator[Figure]:
    """``preview`` and ``up`` without changes, each beside the same command of an empty program."""
    embedded.prepare_empty()
    for name, whole, empty in (
        ("pulumi preview, without changes", embedded.preview, embedded.preview_empty),
        ("pulumi up, without changes", embedded.up, embedded.up_empty),
    ):
        with progress.step(name):
            ours, theirs = interleaved(rounds, whole, empty)
        yield Figure(name, ours, target=1.3, beside=theirs, beside_name="an empty program")


def fresh(embedded: Embedded, rounds: int, progress: Progress) -> Iterator[Figure]:
    """How soon a call can be seen."""
    with (
        progress.step("freshness"),
        embedded.api() as api,
        httpx.Client(base_url=embedded.address("tempo"), trust_env=False) as tempo,
        httpx.Client(base_url=embedded.address("prometheus"), trust_env=False) as prometheus,
    ):
        collector = embedded.output("collector_service")
        found = [freshness.measure(api, collector, tempo, prometheus) for _ in range(rounds)]
    yield Figure("a span is searchable", [one.searchable for one in found])
    yield Figure("a call is in the service graph", [one.graphed for one in found])


def deployment(embedded: Embedded, _rounds: int, progress: Progress) -> Iterator[Figure]:
    """``pulumi destroy``, and ``pulumi up`` on the emptied cluster beside its own longest chain."""
    with progress.step("make destroy"):
        destroyed = timed(lambda: embedded.local("destroy"))
    yield Figure("make destroy", [destroyed])
    with progress.step("pulumi up, of everything"):
        events = embedded.up_with_events()
    seconds = events[-1][0] - events[0][0]
    steps = chain.steps(events, embedded.resources())
    without_waits = chain.longest(steps, _busy)
    _say_chain(progress, "The longest chain:", chain.longest(steps, _whole), _whole)
    _say_chain(progress, "The longest chain without idle waits:", without_waits, _busy)
    yield Figure("pulumi up, of everything", [seconds], target=55)
    yield Figure(
        "pulumi up, of everything",
        [seconds],
        target=1.1,
        beside=[sum(map(_busy, without_waits))],
        beside_name="its longest chain without idle waits",
    )


def _whole(step: chain.Step) -> float:
    return step.seconds


def _busy(step: chain.Step) -> float:
    return step.busy_seconds


def _say_chain(progress: Progress, title: str, steps: list[chain.Step], seconds: Callable[[chain.Step], float]) -> None:
    progress.say(f"\n{title}")
    for step in (step for step in steps if seconds(step) >= _MIN_SHOWN_SECONDS):
        progress.say(f"  {seconds(step):>6.1f} s  {step.urn.rpartition('::')[2]}")


PARTS: dict[str, Measure] = {"running": running, "unchanged": unchanged, "fresh": fresh, "deployment": deployment}


def main() -> int:
    """Measure what was asked for; return 0 when everything could be measured, whatever the figures are."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"what to measure besides up and down: {', '.join(PARTS)} (all)")
    parser.add_argument("--rounds", type=int, default=5, help="how often to repeat what can be repeated (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures, with every sample, to FILE")
    options = parser.parse_args()
    if unknown := set(options.part) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    embedded, progress = Embedded(), Progress()
    load = os.getloadavg()[0]
    try:
        figures = list(_measure(embedded, options.part or list(PARTS), options.rounds, progress))
    except (CommandError, TimeoutError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"\n{os.cpu_count()} processors; load at the beginning {load:.1f}, at the end {os.getloadavg()[0]:.1f}\n")
    for figure in figures:
        print(figure.line())
    if options.json is not None:
        content = {"processors": os.cpu_count(), "load": load, "figures": [figure.to_json() for figure in figures]}
        options.json.write_text(json.dumps(content, indent=1))
    return 0


def _measure(embedded: Embedded, parts: list[str], rounds: int, progress: Progress) -> Iterator[Figure]:
    with progress.step("build what is missing"):
        embedded.local("build")
    embedded.local("down")
    try:
        with progress.step("make up, without a cluster"):
            seconds = timed(lambda: embedded.local("deploy"))
        yield Figure("make up, without a cluster", [seconds], target=100)
        for part in parts:
            yield from PARTS[part](embedded, rounds, progress)
        with progress.step("make down"):
            seconds = timed(lambda: embedded.local("down", "--destroy"))
        yield Figure("make down", [seconds], target=25)
    finally:
        embedded.local("down")


if __name__ == "__main__":
    sys.exit(main())
