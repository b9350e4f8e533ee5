"""``python -m bench.rates``: how far the graph's rates are from what clients counted, at each share of sampling.

The requests, the programs and the figures are those of ``tests/programs/test_sampling.py``, which this runs; it needs
the programs that ``make test-programs`` builds. Exits with pytest's code: not 0 if a rate is off by more than 5 %.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

CHECKOUT = Path(__file__).parents[1]
TESTS = "tests/programs/test_sampling.py"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.xml"
        command = [sys.executable, "-m", "pytest", "--quiet", TESTS, "-k", "rate_is", f"--junitxml={found}"]
        code = subprocess.run(command, cwd=CHECKOUT, check=False).returncode
        if found.exists():
            print("\n".join(table(found.read_text())))
    return code


def table(report: str) -> list[str]:
    """The figures of a JUnit report as lines: the test, what was measured, and by how many percent it is off."""
    lines = []
    # The report is pytest's own.
    for case in ElementTree.fromstring(report).iter("testcase"):  # noqa: S314
        for one in case.iter("property"):
            lines.append(f"{one.attrib['name']:<48}{float(one.attrib['value']):>+9.2%}  {case.attrib['name']}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
