"""The report of each sample as a file, and a browser that shows it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.report import samples
from tests.report.chromium import PROGRAMS, Chromium, Page, program
from verify import pictures

AUDIT = (Path(__file__).parent / "audit.js").read_text(encoding="utf-8")
Show = Callable[..., Page]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The report of each sample, by the sample's name; ``graph.svg`` lies beside it."""
    written = {}
    for sample in (samples.small, samples.large, samples.hostile):
        folder = tmp_path_factory.mktemp(sample.__name__)
        pictures.write(sample(), folder)
        written[sample.__name__] = folder / "report.html"
    return written


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    path = program()
    if path is None:
        pytest.skip(f"none of {', '.join(PROGRAMS)} is on PATH: on Debian, make chromium installs the first one")
    with Chromium(path, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def show(browser: Chromium) -> Iterator[Show]:
    """Opens a file in a page of its own, with ``audit`` in it, and ``opened`` of its namespaces, or all."""
    page = browser.page()

    def shown(file: Path, width: int = 1280, *, dark: bool = False, opened: int | None = None) -> Page:
        page.open(file, width, dark=dark)
        page.evaluate(AUDIT)
        page.evaluate(f"audit.open({'' if opened is None else opened})")
        return page

    yield shown
    page.close()
