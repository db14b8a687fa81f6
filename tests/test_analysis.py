import json
import time

import numpy as np
import pytest

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.curve import Sweep, smooth
from tb_lrfinder.analysis.suggestion import DEFAULT_RULE, RULES, suggest
from tb_lrfinder.storage.schema import SweepResult


def sweep_of(steps=300, noise=0.02, seed=0, start=1e-7, end=10.0):
    """Flat at 2.3, half way down at 1e-2, lowest between 0.1 and 0.5, diverging from 1 on."""
    rates = np.geomspace(start, end, steps)
    losses = 2.3 - 2.0 / (1 + (1e-2 / rates) ** 2) + np.maximum(rates - 0.5, 0) ** 2
    return Sweep.from_losses(rates, losses + np.random.default_rng(seed).normal(size=steps) * noise)


def test_everything_is_as_if_computed_by_itself():
    sweep = sweep_of()
    analysis = analyze(sweep, smoothing=0.3)
    np.testing.assert_array_equal(analysis.smoothed_loss, smooth(sweep.learning_rate, sweep.loss, 0.3))
    assert list(analysis.suggestions) == list(RULES)
    for name in RULES:
        assert analysis.suggestions[name] == suggest(sweep.learning_rate, sweep.loss, name, smoothing=0.3)
    assert analysis.suggestion == analysis.suggestions[DEFAULT_RULE]


def test_the_minimum_and_the_divergence_are_found():
    analysis = analyze(sweep_of(), stop_reason="completed")
    assert 0.08 < analysis.minimum_learning_rate < 0.6
    assert 1.5 < analysis.divergence_learning_rate < 3  # where the loss is back at 2.3
    assert analysis.severity is None
    assert analysis.diagnosis == ()


def test_a_sweep_stopped_before_the_curve_shows_it_diverged_where_it_was_stopped():
    sweep = sweep_of(end=0.9)
    assert analyze(sweep).divergence_learning_rate is None
    for reason in ("diverged", "non_finite"):
        assert analyze(sweep, stop_reason=reason).divergence_learning_rate == sweep.learning_rate[-1]
    assert analyze(sweep, stop_reason="completed").divergence_learning_rate is None


def test_nan_for_good_is_a_divergence():
    sweep = sweep_of(end=0.9)
    sweep.loss[-10:] = np.nan
    assert analyze(sweep).divergence_learning_rate == sweep.learning_rate[-10]


def test_skipped_rows_do_not_count():
    sweep = sweep_of(noise=0)
    sweep.loss[:90] = np.linspace(40, 2.3, 90)  # a start that has nothing to do with the learning rate
    rate = analyze(sweep, skip_start=90).suggestion.learning_rate
    assert rate == pytest.approx(analyze(sweep_of(noise=0)).suggestion.learning_rate, rel=0.06)
    assert analyze(sweep).suggestion.learning_rate != pytest.approx(rate, rel=0.5)
    assert len(analyze(sweep, skip_start=90).smoothed_loss) == len(sweep)
    assert analyze(sweep_of(), skip_end=290).suggestion.learning_rate is None


def test_the_delta_window_is_that_of_its_rule_only():
    narrow, wide = analyze(sweep_of(noise=0), delta_window=2), analyze(sweep_of(noise=0), delta_window=40)
    fallen = narrow.suggestions["lowest_delta"].learning_rate
    assert fallen < wide.suggestions["lowest_delta"].learning_rate
    assert narrow.suggestion == wide.suggestion


def test_the_json_has_the_keys_of_a_result():
    as_json = analyze(sweep_of(end=0.9), stop_reason="completed").to_json()
    assert set(as_json) == {
        "suggestion",
        "suggestions",
        "diagnosis",
        "minimum_learning_rate",
        "divergence_learning_rate",
    }
    assert set(as_json) <= set(SweepResult.__annotations__)
    assert json.loads(json.dumps(as_json, allow_nan=False)) == as_json
    assert as_json["suggestion"]["rule"] == DEFAULT_RULE
    assert as_json["diagnosis"][0]["code"] == "never_diverged"


NAN = float("nan")


@pytest.mark.parametrize(
    ("rates", "losses"),
    [
        ([], []),
        ([1e-3], [2.0]),
        ([1e-3], [NAN]),
        ([1e-3, 1e-2], [2.0, 1.0]),
        ([1e-3, 1e-2], [NAN, 1.0]),
        (np.geomspace(1e-7, 10, 100), np.full(100, NAN)),
        (np.geomspace(1e-7, 10, 100), np.full(100, np.inf)),
        (np.geomspace(1e-7, 10, 100), np.full(100, 2.3)),
        (np.geomspace(1e-7, 10, 100), np.zeros(100)),
        (np.geomspace(1e-7, 10, 100), np.where(np.arange(100) % 2, NAN, 2.3)),
        (np.geomspace(1e-7, 10, 100), np.geomspace(1, 1e300, 100)),
        (np.geomspace(1e-7, 10, 100), -np.geomspace(1e-300, 1e300, 100)),
        (np.geomspace(1e-7, 10, 100), np.where(np.arange(100) < 50, 1e308, -1e308)),
        (np.full(100, 1e-3), np.linspace(2, 1, 100)),
        (np.geomspace(10, 1e-7, 100), np.linspace(2, 1, 100)),
        (np.zeros(100), np.linspace(2, 1, 100)),
        (np.full(100, NAN), np.linspace(2, 1, 100)),
        (-np.geomspace(1e-7, 10, 100), np.linspace(2, 1, 100)),
        (np.r_[np.zeros(50), np.geomspace(1e-7, 10, 50)], np.linspace(2, 1, 100)),
        (np.geomspace(1e-45, 1e38, 100), np.linspace(2, 1, 100)),
        (np.repeat(np.geomspace(1e-7, 10, 20), 5), np.linspace(2, 1, 100)),
    ],
)
@pytest.mark.parametrize("smoothing", [0.0, 0.2, 2.0])
def test_malformed_data_is_analyzed(rates, losses, smoothing, recwarn):
    for skip in (0, 1, 1000):
        analysis = analyze(
            Sweep.from_losses(rates, losses),
            smoothing=smoothing,
            skip_start=skip,
            stop_reason="interrupted",
            planned_steps=100,
        )
        assert len(analysis.smoothed_loss) == len(rates)
        json.dumps(analysis.to_json(), allow_nan=False)
        for suggestion in analysis.suggestions.values():
            if suggestion.learning_rate is None:
                assert suggestion.reason
                assert analysis.severity == "severe"
            else:
                assert suggestion.reason is None
                assert np.isfinite(suggestion.learning_rate)
                assert suggestion.learning_rate > 0
    assert not [str(warning.message) for warning in recwarn]


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="`smoothing`"):
        analyze(sweep_of(), smoothing=-1)
    with pytest.raises(ValueError, match="`delta_window`"):
        analyze(sweep_of(), delta_window=0)
    with pytest.raises(ValueError, match="`skip_end`"):
        analyze(sweep_of(), skip_end=-1)


def test_it_is_fast_enough_to_answer_many_runs_at_once():
    sweep = sweep_of(steps=1000)
    took = []
    for _ in range(9):
        start = time.perf_counter()
        analyze(sweep)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.005  # it takes 1 ms; a busy machine must not fail the test


def test_learning_rates_in_any_order_do_not_raise():
    random = np.random.default_rng(0)
    for rows in range(60):
        learning_rates = 10 ** random.uniform(-7, 1, rows)
        analysis = analyze(Sweep.from_losses(learning_rates, random.normal(size=rows)))
        assert analysis.suggestion.learning_rate is not None or analysis.suggestion.reason
