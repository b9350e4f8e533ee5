"""Measures what a person waits for: ``python -m bench [--runs N] [--json FILE]``. It takes about ten minutes.

It brings a cluster of its own, once with ``make up`` from nothing and once step by step, and leaves nothing running.
The programs and images have to be built (``python -m local build``), or the first figure has their build in it.
"""

import argparse
import json
import os
import statistics
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import freshness
from bench.chain import Step, longest_chain
from bench.deployment import watched_up
from bench.paired import Pair, pair, seconds
from bench.stack import CHECKOUT, Stack

Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="how often each paired command runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    stack = Stack.at(CHECKOUT / ".local" / "bench")
    stack.local("down")
    try:
        figures, chain = measure(stack, arguments.runs)
    finally:
        stack.local("down")
    show(figures, chain)
    if arguments.json:
        arguments.json.write_text(json.dumps({"figures": figures, "chain": [asdict(step) for step in chain]}, indent=1))


def measure(stack: Stack, runs: int) -> tuple[Figures, list[Step]]:
    """Return all figures, in seconds but for ratios, and the longest chain of the deployment."""
    console = Console(stderr=True)
    figures: Figures = {"load at the start": os.getloadavg()[0]}

    console.print("make up, from nothing")
    figures["make up, s"] = seconds(lambda: stack.local("deploy"))
    console.print("make up, on a running stack")
    figures["make up on a running stack, s"] = seconds(lambda: stack.local("deploy"))
    running = stack.with_exports()
    console.print("preview and up without changes, beside an empty program")
    with tempfile.TemporaryDirectory() as folder:
        empty = running.empty_program(Path(folder) / "empty")
        for name, arguments in (("preview", ["preview"]), ("up without changes", ["up", "--yes", "--skip-preview"])):
            figures |= _beside(name, _pair(running, arguments, empty, runs))
    console.print("freshness")
    fresh = [freshness.measure(running) for _ in range(runs)]
    figures["span to search, s"] = statistics.median(search for search, _ in fresh)
    figures["span to edge, s"] = statistics.median(edge for _, edge in fresh)
    console.print("make down")
    figures["make down, s"] = seconds(lambda: stack.local("down", "--destroy"))

    console.print("pulumi up on an empty cluster, watched")
    stack.local("up")
    took, steps, needs = watched_up(stack.with_exports())
    chain = longest_chain(steps, needs)
    figures["pulumi up, s"] = took
    figures["pulumi up / its longest chain without idle waits"] = took / sum(step.busy for step in chain)
    figures["load at the end"] = os.getloadavg()[0]
    return figures, chain


def _pair(stack: Stack, arguments: list[str], empty: Path, runs: int) -> Pair:
    return pair(lambda: stack.pulumi(*arguments), lambda: stack.pulumi(*arguments, folder=empty, stack="empty"), runs)


def _beside(name: str, timed: Pair) -> Figures:
    return {
        f"{name}, s": statistics.median(timed.ours),
        f"{name} of an empty program, s": statistics.median(timed.beside),
        f"{name} / the same of an empty program": timed.ratio,
    }


def show(figures: Figures, chain: list[Step]) -> None:
    """Print the figures, and the chain with what each step took and idled."""
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, f"{value:.2f}")
    steps = Table("step of the longest chain", "s", "of them idle")
    for step in chain:
        steps.add_row(step.name, f"{step.ended - step.began:.1f}", f"{step.idle:.1f}")
    console = Console()
    console.print(table, steps)


if __name__ == "__main__":
    main()
