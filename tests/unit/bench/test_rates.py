"""The figures that tests have written down are printed."""

from bench.rates import table

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite><testcase classname="a" name="test_rate_is_true[5]" time="1.0"><properties>
<property name="rate of web → api" value="-0.0123"/></properties></testcase>
<testcase classname="a" name="test_other" time="1.0"/></testsuite></testsuites>
"""


def test_each_figure_is_a_line_with_its_difference_in_percent() -> None:
    (line,) = table(REPORT)
    assert line.split() == ["rate", "of", "web", "→", "api", "-1.23%", "test_rate_is_true[5]"]
