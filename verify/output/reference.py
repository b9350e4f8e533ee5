"""Writes the table of all codes into a page: ``python -m verify.output.reference docs/verify.md``."""

import argparse
from pathlib import Path

from verify.causes import Code

_BEGIN = "<!-- Written from verify/causes.py by `make docs`; do not edit. -->\n"
_END = "<!-- The end of what `make docs` writes. -->\n"


def table() -> str:
    """Every code with its meaning, as Markdown."""
    rows = "".join(f"| `{code}` | {code.meaning} |\n" for code in Code)
    return f"| code | meaning |\n| --- | --- |\n{rows}"


def written(page: str) -> str:
    """``page`` with the present table; raises ``ValueError`` if it has no place for one."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError("the page has no place for the table")
    return f"{before}{begin}\n{table()}\n{end}{after}"


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description="Write the table of all codes into a page.")
    parser.add_argument("page", type=Path)
    page: Path = parser.parse_args().page
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
