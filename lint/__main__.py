"""``python -m lint FILE...``: checks any manifests, and explains the checks.

Exits 0 without errors, 1 with errors, 2 if something could not be checked.
"""

import argparse
import gc
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lint import options as opt
from lint import output, suppression
from lint.facts import Facts
from lint.findings import Finding, Severity
from lint.objects import Manifests, Object
from lint.output import Result
from lint.reading import Reading, read
from lint.reading.content import UnreadableError
from lint.reading.deployments import deployments
from lint.reading.live import facts_of_stack, objects_of_cluster, without_replaced
from lint.registry import chosen_codes, examine, in_order, rules_of

OK, FAULTY, UNCHECKED = range(3)


def main(arguments: Sequence[str] | None = None) -> int:
    _print_anything()
    options = opt.parse(arguments)
    try:
        facts = opt.facts(options, facts_of_stack(options.stack) if options.stack else {})
        live = objects_of_cluster() if options.cluster else []
    except UnreadableError as error:
        print(f"lint: {error}", file=sys.stderr)
        return UNCHECKED
    reading = read(options.files, default_namespace=options.namespace, renders=not options.no_render)
    for line in reading.unreadable:
        print(f"lint: {line}", file=sys.stderr)
    result = _checked(reading, live, facts, options)
    for name, file in options.formats:
        in_colour = file is None and sys.stdout.isatty() and "NO_COLOR" not in os.environ
        text = output.text.written(result, in_colour=in_colour) if name == "text" else output.FORMATS[name](result)
        if file is None:
            sys.stdout.write(text)
        else:
            try:
                Path(file).write_text(text, encoding="utf-8")
            except OSError as error:
                print(f"lint: {file}: {error.strerror}", file=sys.stderr)
                return UNCHECKED
    return _exit_code(result, options)


def _checked(reading: Reading, live: Sequence[Object], facts: Facts, options: argparse.Namespace) -> Result:
    """Check each deployment by itself; of the cluster's objects, alone, only what concerns the files is reported."""
    chosen = chosen_codes(options.select, options.ignore)
    rules = rules_of(chosen)
    parts = deployments(reading.objects)
    objects = list(reading.objects or live)
    found: list[Finding] = []
    read_by_a_rule: set[int] = set()
    for part in parts:
        manifests = Manifests((*part, *without_replaced(live, part)))
        found.extend(examine(manifests, facts, rules))
        read_by_a_rule |= manifests.read
    asked = set(map(id, objects))
    found = [finding for finding in found if id(finding.place.owner) in asked]
    # What belongs to several deployments is found in each.
    kept, suppressed = suppression.apply(in_order(found), objects, chosen)
    at_least = list(Severity)[: list(Severity).index(options.severity) + 1]
    return Result(
        findings=[finding for finding in in_order(kept) if finding.severity in at_least],
        suppressed=suppressed,
        objects=len(objects),
        sources=reading.sources,
        deployments=len(parts),
        unread=[obj for obj in objects if id(obj) not in read_by_a_rule],
        unreadable=reading.unreadable,
        left_out=reading.left_out,
    )


def _exit_code(result: Result, options: argparse.Namespace) -> int:
    if result.unreadable:
        return UNCHECKED
    if result.read == 0 and not options.allow_empty:
        print("lint: no check has read any of this: nothing is said about it", file=sys.stderr)
        return UNCHECKED
    counted = (Severity.ERROR, Severity.WARNING) if options.strict else (Severity.ERROR,)
    return FAULTY if any(finding.severity in counted for finding in result.findings) else OK


def _print_anything() -> None:
    """Print on a terminal that is not UTF-8 what it can show, and the rest as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    # What is read stays until the end, which is soon: to go through it again and again for what is not used any more
    # takes a tenth of the time.
    gc.disable()
    sys.exit(main())
