"""``python -m tests.corpus fetch --into DIR`` brings public manifests, ``score --files DIR`` measures lint on them."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.corpus import fetching, labels, scoring

_TEN_MINUTES = 600


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    return int(options.run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.corpus", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    fetch = commands.add_parser("fetch", help="bring the files that are not there yet")
    fetch.add_argument("--into", type=Path, required=True, metavar="DIR")
    fetch.add_argument(
        "--mirror", type=Path, metavar="DIR", help="git directories called owner+name, instead of the host"
    )
    fetch.add_argument("--seconds", type=float, default=_TEN_MINUTES, help="the most that it may take; default: 600")
    _add_labels(fetch)
    fetch.set_defaults(run=_fetch)
    score = commands.add_parser("score", help="compare what lint says with the labels")
    score.add_argument("--files", type=Path, required=True, metavar="DIR", help="where fetch has put them")
    score.add_argument("--json", action="store_true")
    _add_labels(score)
    score.set_defaults(run=_score)
    return parser


def _add_labels(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--labels", type=Path, default=labels.LABELS, metavar="FILE", help="what is labelled; default: labels.yaml"
    )


def _fetch(options: argparse.Namespace) -> int:
    source = fetching.from_mirror(options.mirror) if options.mirror else fetching.from_host
    absent = fetching.fetch(labels.read(options.labels).files, options.into, source, seconds=options.seconds)
    for line in absent:
        print(line, file=sys.stderr)
    return 1 if absent else 0


def _score(options: argparse.Namespace) -> int:
    everything = labels.read(options.labels)
    verdicts = scoring.judge(everything, options.files)
    if not verdicts:
        print(f"{options.files}: none of the labelled files is there; fetch them first", file=sys.stderr)
        return 1
    result = _result(verdicts, len(everything.files))
    print(json.dumps(result, indent=2) if options.json else "\n".join(_lines(result)))
    return 0


def _result(verdicts: Sequence[scoring.Verdict], labelled: int) -> dict[str, Any]:
    known = scoring.known_codes()
    named = {code for one in verdicts for fault in one.label.faults for code in fault.codes}
    faults = [(one, fault) for one in verdicts for fault in one.label.faults]
    return {
        "files": len(verdicts),
        "absent": labelled - len(verdicts),
        "all": _counted(scoring.count(verdicts)),
        "known": _counted(scoring.count(verdicts, known)),
        "codes": {code: _counted(scoring.count(verdicts, {code})) for code in sorted(known | named, key=_order)},
        "missed": [
            {"file": str(one.label), "codes": fault.codes, "fault": fault.fault, "objects": fault.objects}
            for one, fault in faults
            if not one.reports_of(fault)
        ],
        "false alarms": [
            {"file": str(one.label), "code": report.code, "severity": report.severity, "object": report.object}
            for one in verdicts
            for report in one.false_alarms
        ],
        "other severity": [
            {"file": str(one.label), "code": report.code, "severity": report.severity, "labelled": fault.severity}
            for one, fault in faults
            for report in one.reports_of(fault)
            if report.severity != fault.severity
        ],
    }


def _counted(count: scoring.Count) -> dict[str, Any]:
    return {
        "reports": count.reports,
        "right": count.right,
        "faults": count.faults,
        "found": count.found,
        "precision": round(count.precision, 3),
        "recall": round(count.recall, 3),
    }


def _order(code: str) -> tuple[int, str]:
    """Sort N2 before N10, and codes of another form last."""
    return (int(code[1:]) if code[1:].isdecimal() else sys.maxsize, code)


def _lines(result: dict[str, Any]) -> list[str]:
    total, known = result["all"], result["known"]
    lines = [
        f"{result['files']} files, {result['absent']} of the labelled ones are not there",
        f"precision {total['precision']:.1%}: {total['right']} of {total['reports']} reports are right",
        f"recall    {known['recall']:.1%} of the kinds that lint knows: {known['found']} of {known['faults']} faults",
        f"          {total['recall']:.1%} of all: {total['found']} of {total['faults']} faults",
        "",
        "code        reports  right  faults  found",
    ]
    lines += [
        f"{code:<12}{one['reports']:>7}{one['right']:>7}{one['faults']:>8}{one['found']:>7}"
        for code, one in result["codes"].items()
        if one["reports"] or one["faults"]
    ]
    lines += ["", "missed"]
    lines += [f"  {one['file']}: {' '.join(one['codes']) or 'no check'}: {one['fault']}" for one in result["missed"]]
    lines += ["", "false alarms"]
    lines += [f"  {one['file']}: {one['code']} {one['severity']}: {one['object']}" for one in result["false alarms"]]
    lines += ["", "right, with another severity than labelled"]
    lines += [
        f"  {one['file']}: {one['code']} {one['severity']}, labelled {one['labelled']}"
        for one in result["other severity"]
    ]
    return lines


if __name__ == "__main__":
    sys.exit(main())
