"""Runs a suite: ``python -m tests.suites NAME [--fresh]``.

A suite has parts, which run one after the other. What has passed is written down below ``.local/suites``; a suite that
was interrupted, or in which something failed, goes on with the rest when it is started again on the same tree of
files. On another tree, after a run in which all passed, or with ``--fresh``, it runs all tests.
"""

import argparse
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.suites.record import VARIABLE, Outcome, Record, tree

CHECKOUT = Path(__file__).parents[2]
_OUTCOMES: tuple[Outcome, ...] = ("passed", "failed", "skipped")
_NO_TESTS = 5  # pytest's exit code when every test of the part has passed before


@dataclass(frozen=True)
class Part:
    """One command of a suite; one that ``counts`` writes down its own tests, any other is a test itself.

    What comes after one that ``builds`` needs what it builds.
    """

    name: str
    command: Sequence[str]
    counts: bool = True
    builds: bool = False


def _pytest(name: str, *arguments: str) -> Part:
    plugin = ("-p", "tests.suites.plugin", "--durations", "10")
    return Part(name, (sys.executable, "-m", "pytest", *arguments, *plugin))


LINT = Part("lint", ("make", "--no-print-directory", "lint"), counts=False)
# The tests of a file share runs of the program, and stay in one process.
UNIT = _pytest("unit", "tests/unit", "--numprocesses", "2", "--dist", "loadfile", "--quiet")
# In a browser, of which each process starts one.
REPORT = _pytest("report", "tests/report", "--numprocesses", "2", "--quiet")


def _build(*extras: str) -> Part:
    """What the embedded cluster is started from, and further programs and images."""
    words = [word for extra in extras for word in ("--with", extra)]
    name = " ".join(["build", *(["with", *extras] if extras else [])])
    return Part(name, (sys.executable, "-m", "local", "build", *words), counts=False, builds=True)


def _cluster(suite: str, *extras: str) -> tuple[Part, Part]:
    """The tests of a suite on clusters of their own, and what these are started from."""
    return _build(*extras), _pytest(suite, f"tests/cluster/{suite}", "--verbose")


# The programs of the mesh judge the configurations that the project writes, and what lint says of others.
PROGRAMS = _pytest("programs", "tests/programs", "--numprocesses", "2", "--dist", "loadfile")
MUTATION = Part("mutation", (sys.executable, "-m", "tests.mutation"))

TEST = (LINT, UNIT, REPORT, *_cluster("life"))
# In the order in which `all` runs them. The extras are what the stack `local` does not need.
FURTHER: Mapping[str, tuple[Part, ...]] = {
    "faults": _cluster("faults"),
    "safety": _cluster("safety"),
    "upgrades": _cluster("upgrades"),
    "platforms": _cluster("platforms"),
    "profiles": _cluster("profiles", "istio-cni", "grafana", "kiali", "otelcol-full", "olm-openshift"),
    "meshes": _cluster("meshes", "installers"),
    "operators": _cluster("operators", "olm"),
    "certificates": _cluster("certificates", "cert-manager"),
    "graph": _cluster("graph", "otelcol-full"),
    "alerts": _cluster("alerts", "otelcol-full"),
    "programs": (_build("otelcol-full", "promtool"), PROGRAMS),
    "shapes": _cluster("shapes", "kiali"),
    # An older version of the program deploys MinIO.
    "minio": _cluster("minio", "minio"),
    "mutation": (MUTATION,),
}
SUITES: Mapping[str, Sequence[Part]] = {
    "unit": (UNIT,),
    "test": TEST,
    "report": (REPORT,),
    **FURTHER,
    # What several need is built once.
    "all": tuple(dict.fromkeys([*TEST, *itertools.chain.from_iterable(FURTHER.values())])),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.suites", description=__doc__)
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--fresh", action="store_true", help="begin from the beginning")
    arguments = parser.parse_args()
    folder = CHECKOUT / ".local" / "suites" / arguments.suite
    prepare(folder, tree(CHECKOUT), fresh=arguments.fresh)
    return run(arguments.suite, SUITES[arguments.suite], folder)


def prepare(folder: Path, identity: str, *, fresh: bool) -> None:
    """Keep what is in ``folder`` if it was written about the tree ``identity``, else empty it."""
    mark = folder / "tree"
    if fresh or not mark.exists() or mark.read_text() != identity:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        mark.write_text(identity)


def run(suite: str, parts: Sequence[Part], folder: Path) -> int:
    """Run what is left of the suite, print its summary, and return its exit code."""
    records = {part.name: Record(folder / f"{part.name}.jsonl") for part in parts}
    before: Counter[Outcome] = Counter()
    for record in records.values():
        before["passed"] += record.counts()["passed"]
    if before["passed"]:
        print(f"{before['passed']} tests passed on the same files before; the rest follows", flush=True)
    seconds: dict[str, float] = {}
    for part in parts:
        if records[part.name].has_ended():
            continue
        print(f"\n──── {suite}: {part.name}", flush=True)
        began = time.monotonic()
        _run_part(part, records[part.name])
        seconds[part.name] = time.monotonic() - began
        if part.builds and not records[part.name].has_ended():
            break  # There is nothing that a cluster could be started from.
    total = summarize(suite, parts, records, seconds)
    if total["failed"]:
        return 1
    shutil.rmtree(folder)
    return 0


def _run_part(part: Part, record: Record) -> None:
    environment = os.environ | {VARIABLE: str(record.path), "MESH_TRACING_PULL": "never"}
    process = subprocess.Popen(part.command, cwd=CHECKOUT, env=environment)
    told_to_stop = False

    def stop(*_: object) -> None:
        nonlocal told_to_stop
        told_to_stop = True
        process.terminate()

    signal.signal(signal.SIGTERM, stop)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        # The terminal has sent Ctrl-C to the part too. A second signal would interrupt its cleaning up.
        process.wait()
        raise
    if told_to_stop:
        raise KeyboardInterrupt
    ended = code == 0 or (code == _NO_TESTS and bool(record.passed()))
    if not part.counts:
        record.add(" ".join(part.command[-2:]), "passed" if ended else "failed")
    if ended:
        record.end()


def summarize(
    suite: str, parts: Sequence[Part], records: dict[str, Record], seconds: dict[str, float]
) -> Counter[Outcome]:
    """Print the time of each part, why what was skipped was, what failed, and one line that counts."""
    total: Counter[Outcome] = Counter()
    print()
    for part in parts:
        record = records[part.name]
        said, counts = record.said(), record.counts()
        took = f"{seconds[part.name]:7.0f} s" if part.name in seconds else "   before" if said else "  not run"
        print(f"{took}  {part.name}")
        for test, one in said.items():
            if one.outcome == "failed":
                print(f"           failed: {test}")
        if not record.has_ended() and not counts["failed"]:
            counts["failed"] += 1
            print(f"           failed: {part.name} did not run to its end")
        total += counts
        for reason, count in Counter(one.reason for one in said.values() if one.outcome == "skipped").items():
            print(f"           {count} skipped: {reason}")
    print(f"{suite}: " + ", ".join(f"{total[outcome]} {outcome}" for outcome in _OUTCOMES), flush=True)
    return total


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted: the same command goes on where this one stopped")
