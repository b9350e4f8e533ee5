"""Removes one part from the program at a time and demands that a test fails.

``noticed_by.json`` names for each mutant the test that runs first; ``--record`` rewrites the file.
"""

import argparse
import json
import sys
from pathlib import Path

from tests.mutation import allowed, mutants, runner
from tests.suites.record import Record

ROOT = Path(__file__).parents[2]
NOTICED_BY = Path(__file__).parent / "noticed_by.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--only", default="", help="only mutants whose name has this text in it")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at a time")
    parser.add_argument("--record", action="store_true", help="remember which test noticed each mutant")
    parser.add_argument("--list", action="store_true", help="print the mutants and run nothing")
    arguments = parser.parse_args()

    every = [mutant for file in runner.files(ROOT) for mutant in mutants.find(ROOT, file)]
    chosen = [mutant for mutant in every if arguments.only in mutant.name]
    if arguments.list:
        print("\n".join(mutant.name for mutant in chosen))
        return 0

    noticed_by: dict[str, str] = json.loads(NOTICED_BY.read_text()) if NOTICED_BY.exists() else {}
    suite = Record.of_this_process()
    before = suite.passed() if suite else set()
    chosen = [mutant for mutant in chosen if mutant.name not in before]
    results = []
    for result in runner.run(ROOT, chosen, noticed_by, allowed.ALLOWED, jobs=arguments.jobs):
        results.append(result)
        if suite:
            suite.add(result.mutant.name, "passed" if judge(result) is None else "failed")
        count = f"{len(results)}/{len(chosen)}"
        said = f"{result.outcome.value:8} {result.seconds:5.1f} s  {result.mutant.name}  {result.detail}"
        print(f"{count:>7}  {said}", flush=True)
    if arguments.record:
        found = {result.mutant.name: result.detail for result in results if "::" in result.detail}
        names = {mutant.name for mutant in every}
        kept = {name: test for name, test in (noticed_by | found).items() if name in names}
        NOTICED_BY.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    stale = sorted(allowed.ALLOWED.keys() - {mutant.name for mutant in every})
    if suite:
        for name in stale:
            suite.add(name, "failed")
    wrong = [
        *(f"no such mutant: {name}: take it out of tests/mutation/allowed.py" for name in stale),
        *(problem for result in results if (problem := judge(result)) is not None),
    ]
    for problem in wrong:
        print(problem)
    print(f"{len(results) + len(stale) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


def judge(result: runner.Result) -> str | None:
    """What is wrong with a result; nothing if a test noticed the mutant, or if it is allowed to survive."""
    name, may_live = result.mutant.name, result.mutant.name in allowed.ALLOWED
    if result.outcome is runner.Outcome.BROKEN:
        return f"cannot tell: {name}: {result.detail}"
    if result.outcome is runner.Outcome.SURVIVED and not may_live:
        return f"nobody notices: {name}: add a test that does, or say in tests/mutation/allowed.py why not"
    if result.outcome is runner.Outcome.NOTICED and may_live:
        return f"noticed by {result.detail}: {name}: take it out of tests/mutation/allowed.py"
    return None


if __name__ == "__main__":
    sys.exit(main())
