"""How trials are ranked and shown."""

from __future__ import annotations

import math

import pytest

from tb_lrfinder.analysis.trial import Trial
from tb_lrfinder.analysis.trial_results import TrialOutcome, TrialResults


def outcome(learning_rate, *losses, validation=None, **about):
    columns = {"loss": losses} | ({} if validation is None else {"validation_loss": validation})
    return TrialOutcome(learning_rate, Trial.from_columns(columns), **about)


def test_the_lowest_final_validation_loss_is_the_best():
    overfit = outcome(0.1, 2.0, 0.1, validation=[2.0, 0.9])
    fit = outcome(0.01, 2.0, 0.5, validation=[2.0, 0.6])
    results = TrialResults([overfit, fit])
    assert results.best is results[0] is fit
    assert [each.learning_rate for each in results] == [0.01, 0.1]


def test_without_validation_data_it_is_the_lowest_final_loss():
    assert TrialResults([outcome(0.1, 2.0, 0.5), outcome(0.01, 2.0, 0.6)]).best.learning_rate == 0.1


def test_of_equals_the_lower_learning_rate_is_first():
    assert TrialResults([outcome(0.1, 2.0), outcome(0.01, 2.0)]).best.learning_rate == 0.01


@pytest.mark.parametrize(
    "bad",
    [
        outcome(1.0, 2.0, math.nan, stop_reason="diverged"),
        outcome(1.0, 2.0, 0.1, stop_reason="failed", message="ValueError: broken"),
        outcome(1.0, 2.0, 0.1, validation=[1.0, math.nan]),
        outcome(1.0, 2.0, 0.1, stop_reason="diverged"),
        outcome(1.0),
    ],
)
def test_what_diverged_or_failed_comes_last_and_is_never_the_best(bad):
    good = outcome(0.01, 2.0, 1.9, validation=[2.0, 1.9])
    assert list(TrialResults([bad, good])) == [good, bad]
    with pytest.raises(ValueError, match=r"No trial finished with a finite loss \(1: "):
        _ = TrialResults([bad]).best


def test_no_trials_have_no_best():
    with pytest.raises(ValueError, match="there are no trials"):
        _ = TrialResults([]).best


def test_the_table_has_a_line_for_each_and_says_what_went_wrong():
    good = outcome(0.01, 2.0, 1.5, validation=[2.0, 1.75], reused=True)
    failed = outcome(10.0, stop_reason="failed", message="ValueError: broken")
    header, first, second = repr(TrialResults([failed, good])).splitlines()
    assert header.split("  ")[0].strip() == "learning rate"
    assert "validation loss" in header
    assert "gap" in header
    assert first.split()[:4] == ["0.01", "1.5", "1.75", "0.25"]
    assert first.endswith("completed (reused)")
    assert second.endswith("failed: ValueError: broken")
    assert header.index("epochs") + len("epochs") == first.index("completed") - 2  # columns are aligned
