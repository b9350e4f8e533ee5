"""Metrics are found by the beginning of their names, and counters may restart from 0."""

import httpx
import pytest
from verify_world import StubCluster, pod

from verify.programs.metrics import Samples, growth, growth_by, scrape

ACCEPTED = "otelcol_receiver_accepted_spans"


def test_buckets_of_histograms_are_left_out_and_their_sums_are_not() -> None:
    text = '# TYPE a histogram\na_bucket{le="1"} 3\na_bucket{le="+Inf"} 4\na_sum{} 9\na_count{} 4\n'
    assert Samples.parse(text).pods[""] == {("a_sum", ()): 9.0, ("a_count", ()): 4.0}


@pytest.mark.parametrize("suffix", ["", "_total", "__spans_total"])
def test_a_counter_is_found_by_what_its_name_begins_with(suffix: str) -> None:
    samples = Samples.parse(f'# TYPE {ACCEPTED}{suffix} counter\n{ACCEPTED}{suffix}{{transport="grpc"}} 7\n')
    assert samples.total(ACCEPTED) == 7


def test_the_values_of_one_metric_are_added() -> None:
    samples = Samples.parse(f'{ACCEPTED}{{transport="grpc"}} 7\n{ACCEPTED}{{transport="http"}} 2\nother 50\n')
    assert samples.total(ACCEPTED) == 9


def test_a_label_chooses_among_the_values() -> None:
    samples = Samples.parse(f'{ACCEPTED}{{transport="grpc"}} 7\n{ACCEPTED}{{transport="http"}} 2\n')
    assert samples.total(ACCEPTED, transport="grpc") == 7


def test_a_metric_that_is_not_there_has_no_total() -> None:
    assert Samples.parse("other 1\n").total(ACCEPTED) is None


def test_a_metric_that_is_zero_has_a_total() -> None:
    assert Samples.parse(f"{ACCEPTED} 0\n").total(ACCEPTED) == 0


def test_what_is_no_exposition_is_an_error() -> None:
    with pytest.raises(ValueError, match="invalid metric name"):
        Samples.parse("<html><body>404 page not found</body></html>\n")


def of(value: float | None) -> Samples:
    return Samples.parse("other 1\n" if value is None else f"{ACCEPTED} {value}\n")


@pytest.mark.parametrize(
    ("before", "after", "grown"),
    [
        (of(5), of(8), 3),
        (of(5), of(5), 0),
        (of(500), of(8), 8),
        (of(None), of(8), 8),
        (of(5), of(None), 0),
        (None, of(8), None),
        (of(5), None, None),
        (None, None, None),
    ],
    ids=[
        "it grew",
        "it stood still",
        "it began anew",
        "it was not there",
        "it is no longer there",
        "nothing answered before",
        "nothing answers",
        "nothing ever answered",
    ],
)
def test_a_counter_grows(before: Samples | None, after: Samples | None, grown: float | None) -> None:
    assert growth(before, after, ACCEPTED) == grown


def pods(**values: float) -> Samples:
    """The counter of each pod."""
    return Samples({name: next(iter(of(value).pods.values())) for name, value in values.items()})


@pytest.mark.parametrize(
    ("before", "after", "grown"),
    [
        (pods(a=5), pods(a=8, b=4000), 3),
        (pods(a=5, b=4000), pods(a=8), 3),
        (pods(a=5, b=4000), pods(a=8, b=2), 5),
        (pods(a=5), pods(b=4000), None),
    ],
    ids=["a pod has come", "a pod has gone", "a pod has begun anew", "all pods were replaced"],
)
def test_growth_is_that_of_the_pods_that_were_seen_twice(before: Samples, after: Samples, grown: float | None) -> None:
    assert growth(before, after, ACCEPTED) == grown


def test_growth_is_told_apart_by_a_label() -> None:
    def exporters(tempo: int, other: int) -> Samples:
        return Samples.parse(f'sent_total{{exporter="otlp"}} {tempo}\nsent_total{{exporter="jaeger"}} {other}\n')

    assert growth_by("exporter", exporters(1, 9), exporters(6, 9), "sent") == {"otlp": 5, "jaeger": 0}


def test_a_series_without_the_label_is_told_apart_too() -> None:
    assert growth_by("exporter", of(1), of(4), ACCEPTED) == {"": 3}


def answering(**answers: httpx.Response) -> tuple[StubCluster, list[dict[str, object]]]:
    """A cluster whose pods return these texts at port 8888; an underscore in a name stands for a dash."""
    names = {name.replace("_", "-"): answer for name, answer in answers.items()}
    cluster = StubCluster(answers={(name, 8888): lambda _, found=found: found for name, found in names.items()})
    return cluster, [pod(name) for name in names]


def test_the_metrics_of_all_pods_are_added() -> None:
    cluster, pods = answering(
        a=httpx.Response(200, text=f"{ACCEPTED} 3\n"), b=httpx.Response(200, text=f"{ACCEPTED} 4\n")
    )
    found = scrape(cluster, pods, 8888)
    assert found is not None
    assert found.total(ACCEPTED) == 7


@pytest.mark.parametrize("answer", [httpx.Response(503), httpx.Response(200, text="<html><body>no</body></html>\n")])
def test_a_pod_that_answers_something_else_is_left_out(answer: httpx.Response) -> None:
    cluster, pods = answering(a=answer, b=httpx.Response(200, text=f"{ACCEPTED} 4\n"))
    found = scrape(cluster, pods, 8888)
    assert found is not None
    assert found.total(ACCEPTED) == 4


def test_without_a_pod_that_answers_there_are_no_metrics() -> None:
    assert scrape(StubCluster(), [pod("a")], 8888) is None


def test_without_pods_there_are_no_metrics() -> None:
    assert scrape(StubCluster(), [], 8888) is None


def test_a_pod_that_took_the_name_of_another_is_not_that_one() -> None:
    cluster = StubCluster(answers={("tempo-0", 3200): lambda _: httpx.Response(200, text=f"{ACCEPTED} 9\n")})
    old, new = (
        [{**one, "metadata": {**one["metadata"], "uid": uid}}] for one, uid in ((pod("tempo-0"), uid) for uid in "ab")
    )
    assert growth(scrape(cluster, old, 3200), scrape(cluster, new, 3200), ACCEPTED) is None
