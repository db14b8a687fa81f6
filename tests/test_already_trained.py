"""Already trained models: the loss increases without a descent, and the suggestion is below that."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.analysis.suggestion import RULES, suggest
from tb_lrfinder.analysis.trained_model import BELOW_INCREASE

TEN_CLASSES = math.log(10)


def rates(steps=200, start=1e-7, end=10.0):
    return np.geomspace(start, end, steps)


def noise(scale, steps=200, seed=0):
    return np.random.default_rng(seed).normal(size=steps) * scale


def only_increasing(initial=0.4, start=1e-3, steps=200, scale=0.002):
    increase = 3 * np.maximum(np.log10(rates(steps) / start), 0)
    return initial + increase + noise(scale, steps)


def diagnose(losses, learning_rates=None, **known):
    return analyze(
        Sweep.from_losses(rates(len(losses)) if learning_rates is None else learning_rates, losses), **known
    )


def codes(analysis):
    return [finding.code for finding in analysis.diagnosis]


def test_the_suggestion_is_below_the_increase():
    analysis = diagnose(only_increasing())
    assert codes(analysis) == ["already_trained"]
    assert analysis.severity == "mild"
    assert analysis.suggestion.learning_rate == pytest.approx(1e-3 * BELOW_INCREASE, rel=0.5)
    assert analysis.suggestion.rule == "mid_descent"
    assert analysis.suggestion.reason is analysis.suggestion.ranges is None


def test_the_other_rules_cannot_be_applied():
    analysis = diagnose(only_increasing())
    for name in set(RULES) - {"mid_descent"}:
        assert analysis.suggestions[name].learning_rate is None
        assert "cannot be applied" in analysis.suggestions[name].reason
    sweep = Sweep.from_losses(rates(), only_increasing())
    assert {name: suggest(sweep.learning_rate, sweep.loss, name) for name in RULES} == analysis.suggestions


@pytest.mark.parametrize("start", [1e-5, 1e-3, 1e-1])
@pytest.mark.parametrize("steps", [50, 100, 1000])
def test_the_suggestion_follows_the_increase(start, steps):
    losses = only_increasing(start=start, steps=steps)
    suggested = diagnose(losses).suggestion.learning_rate
    assert suggested == pytest.approx(start * BELOW_INCREASE, rel=0.6)


@pytest.mark.parametrize("offset", [-100.0, 0.0, 100.0])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_suggestion_does_not_depend_on_the_scale_and_the_offset_of_the_loss(scale, offset):
    analysis = diagnose(only_increasing() * scale + offset)
    assert codes(analysis) == ["already_trained"]
    expected = diagnose(only_increasing()).suggestion.learning_rate
    assert analysis.suggestion.learning_rate == pytest.approx(expected, rel=1)  # 1e-3 of 100 is coarse


def test_losses_of_nothing_but_noise_before_the_increase():
    """As with a trained model: its losses are nearly 0, and what is left of them is noise."""
    for seed in range(10):
        before = np.random.default_rng(seed).gamma(0.5, 0.02, 100)
        analysis = diagnose(before + np.maximum(rates(100) - 0.3, 0))
        assert codes(analysis) == ["already_trained", "too_noisy"]
        assert 0.1 * BELOW_INCREASE < analysis.suggestion.learning_rate < 1.5 * BELOW_INCREASE


@pytest.mark.parametrize(
    "losses",
    [
        0.02 + noise(0.01),  # never increases
        np.random.default_rng(1).gamma(0.5, 0.02, 200),
        np.r_[0.4 + noise(0.01, 199), 4.0],  # the last batch alone
        0.4 + 4 * np.isin(np.arange(200), [150, 160]),  # two outliers
        np.geomspace(0.4, 400, 200),  # increases from the start
    ],
    ids=["flat", "noise", "last_row", "outliers", "at_once"],
)
@pytest.mark.parametrize("chance", [None, TEN_CLASSES])
def test_no_suggestion_without_an_increase_that_the_sweep_shows(losses, chance):
    analysis = diagnose(losses, chance_loss=chance)
    assert analysis.severity == "severe"
    assert analysis.suggestion.learning_rate is None


def test_a_model_that_has_learned_nothing_is_not_trained():
    losses = only_increasing(initial=2.3)
    assert codes(diagnose(losses)) == ["already_trained"]
    analysis = diagnose(losses, chance_loss=TEN_CLASSES)
    assert codes(analysis) == ["no_descent"]
    assert "can learn from this data" in analysis.suggestion.reason
    assert codes(diagnose(losses, chance_loss=math.log(100))) == ["already_trained"]


def test_a_descent_is_answered_by_the_rules_whatever_the_loss_of_chance():
    losses = 2.3 - 2.0 / (1 + (1e-2 / rates()) ** 2) + 2 * np.maximum(rates() - 0.2, 0) ** 2 + noise(0.01)
    expected = diagnose(losses)
    for chance in (0.1, 2.3, 23.0):
        analysis = diagnose(losses, chance_loss=chance)
        assert analysis.suggestions == expected.suggestions
        assert analysis.diagnosis == expected.diagnosis


def test_noise_that_may_hide_a_descent_hides_none_of_a_trained_model():
    losses = 1.5 + noise(0.2, 100, seed=5) + np.maximum(rates(100) - 0.3, 0)
    assert codes(diagnose(losses)) == ["too_noisy"]
    assert codes(diagnose(losses, chance_loss=math.log(96)))[0] == "already_trained"


def test_other_findings_stay():
    losses = only_increasing()
    losses[[20, 30]] = np.nan
    analysis = diagnose(losses[:160], rates()[:160], stop_reason="interrupted", planned_steps=200)
    assert codes(analysis) == ["already_trained", "nan_gaps", "incomplete"]
    few = diagnose(only_increasing(steps=40), rates(40))
    assert codes(few) == ["already_trained", "too_few_steps"]


@pytest.mark.parametrize("value", ["2.3", True, [2.3]])
def test_the_loss_of_chance_is_a_number(value):
    with pytest.raises(TypeError, match="`chance_loss` must be a finite number, or None"):
        diagnose(only_increasing(), chance_loss=value)
