"""The page of verify says what verify does."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from verify import __main__ as command
from verify.causes import Code
from verify.output import reference

PAGE = (Path(command.__file__).parents[1] / "docs" / "verify.md").read_text()


def test_the_table_of_codes_is_what_the_codes_say() -> None:
    assert reference.written(PAGE) == PAGE, "run `make docs`"


def test_every_code_is_in_the_table() -> None:
    assert re.findall(r"^\| `([a-z0-9-]+)` \| ", reference.table(), re.MULTILINE) == [str(code) for code in Code]


def test_a_page_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        reference.written("# A page\n")


def test_every_option_is_on_the_page() -> None:
    options = {name for one in get_command(command.app).params for name in one.opts if name.startswith("--")}
    assert {name for name in options if f"`{name}" not in PAGE} == set()
