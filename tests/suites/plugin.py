"""The part of pytest in a suite: leaves out what has passed before, and writes down what each test says."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.suites.record import VARIABLE, Outcome, Record


def pytest_configure(config: pytest.Config) -> None:
    record = Record.of_this_process()
    if record is None:
        return
    config.pluginmanager.register(_Resume(record.passed()))
    # Workers of xdist report to the process that started them, which writes.
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Recorder(record))
        # As with Ctrl-C, fixtures end what they started.
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Keep the record from what the tests start; by now each worker of xdist has read its own variable."""
    os.environ.pop(VARIABLE, None)


class _Resume:
    def __init__(self, passed: set[str]) -> None:
        self._passed = passed

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        before = [item for item in items if item.nodeid in self._passed]
        if before:
            config.hook.pytest_deselected(items=before)
            items[:] = [item for item in items if item.nodeid not in self._passed]


class _Recorder:
    def __init__(self, record: Record) -> None:
        self._record = record
        self._outcomes: dict[str, tuple[Outcome, str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Iterator[None]:
        worst, reason = self._outcomes.get(report.nodeid, ("passed", ""))
        if report.failed:
            worst = "failed"
        elif report.skipped and worst == "passed":
            worst, reason = "skipped", _reason(report)
        self._outcomes[report.nodeid] = worst, reason
        if report.when == "teardown":
            self._record.add(report.nodeid, *self._outcomes.pop(report.nodeid))
        yield


def _reason(report: pytest.TestReport) -> str:
    """Why a test was skipped, in its own words."""
    said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return said.removeprefix("Skipped: ")
