"""The name that somebody may have meant."""

from lint.nearest import nearest


def test_the_name_with_most_letters_in_common_is_the_nearest() -> None:
    assert nearest("sampling_percent", ["percentage", "sampling_percentage", "sampling"]) == "sampling_percentage"


def test_names_that_are_not_alike_are_not_near() -> None:
    assert nearest("endpoint", ["timeout", "headers"]) is None


def test_how_much_alike_they_have_to_be_can_be_said() -> None:
    assert (nearest("hosts", ["host"], 0.8), nearest("hosts", ["host"], 0.9)) == ("host", None)
