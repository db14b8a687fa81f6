"""The median suggestion of several sweeps."""

import pytest

from tb_lrfinder import Ranges, Suggestion
from tb_lrfinder.analysis.repeated import geometric_median, median_suggestion

NONE = Suggestion(None, "valley", reason="The loss does not descend.")


def suggested(*rates):
    return [
        NONE
        if rate is None
        else Suggestion(rate, "valley", ranges=Ranges(rate / 3, rate * 3, (rate / 9, rate)))
        for rate in rates
    ]


@pytest.mark.parametrize(
    ("rates", "median"),
    [([0.1], 0.1), ([0.3, 0.1, 0.2], 0.2), ([0.1, 0.4], 0.2), ([1, 1e-4, 0.1, 10], 0.316)],
)
def test_the_median_on_a_logarithmic_scale(rates, median):
    assert geometric_median(rates) == pytest.approx(median, rel=1e-3)
    assert median_suggestion(suggested(*rates)).learning_rate == pytest.approx(median, rel=1e-3)


def test_its_ranges_are_medians_too():
    ranges = median_suggestion(suggested(0.1, 0.2, 0.3)).ranges
    assert ranges.long_training == pytest.approx(0.2 / 3)
    assert ranges.one_cycle_max == pytest.approx(0.6)
    assert ranges.cyclical == pytest.approx((0.2 / 9, 0.2))


@pytest.mark.parametrize("rates", [[0.1, None], [0.1, None, 0.3, None], [None, 0.2, 0.2]])
def test_half_of_the_sweeps_are_enough(rates):
    assert median_suggestion(suggested(*rates)).learning_rate is not None


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ([0.1, None, None], "only 1 of 3 sweeps has a suggestion. The loss does not descend."),
        ([None, None], "none of 2 sweeps have a suggestion. The loss does not descend."),
        ([0.1, 0.1, None, None, None], "only 2 of 5 sweeps have a suggestion. The loss does not descend."),
    ],
)
def test_fewer_have_none_with_the_reason(rates, words):
    suggestion = median_suggestion(suggested(*rates))
    assert suggestion.learning_rate is None
    assert suggestion.reason == words
