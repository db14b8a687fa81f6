"""The thresholds between signal and noise, on curves with known answers.

Each test detects a mutation of the code that no other test detected.
"""

from __future__ import annotations

import numpy as np
import pytest

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.averaging import gaussian_average
from tb_lrfinder.analysis.curve import Sweep, slope_per_decade, smooth
from tb_lrfinder.analysis.diagnosis import diagnose
from tb_lrfinder.analysis.shape import Shape
from tb_lrfinder.analysis.suggestion import suggest
from tb_lrfinder.analysis.usable_rows import UsableRows
from tb_lrfinder.formatting import number_text

SMOOTHING = 0.3
RATES = np.geomspace(1e-7, 10, 400)
X = np.log10(RATES)
SEEDS = range(40)


def measure(losses, rates=RATES):
    return Shape.measure(UsableRows.of(rates, losses), smooth(rates, losses, SMOOTHING), SMOOTHING)


def noise(seed, deviation):
    return np.random.default_rng(seed).normal(0, deviation, len(X))


def before_a_cliff(seed, deviation):
    """Falls by 0.8 a decade from 10 ** -4.5 on, to 0.7 at 10 ** -2, and is 3 from there on."""
    return np.where(X < -2, 2.7 - 0.8 * np.clip(X + 4.5, 0, None), 3.0) + noise(seed, deviation)


def in_a_flat_valley(seed, deviation):
    """Falls from 2.5 to 1, stays there for three decades, and rises slowly."""
    down = 1.5 / (1 + np.exp(-4 * (X + 4)))
    return 2.5 - down + 0.8 / (1 + np.exp(-6 * (X - 0.3))) + noise(seed, deviation)


@pytest.mark.parametrize(("deviation", "off"), [(0.001, 0.05), (0.03, 0.1), (0.1, 0.25)])
def test_the_minimum_before_a_cliff_is_found_near_its_edge_in_noise_too(deviation, off):
    found = [measure(before_a_cliff(seed, deviation)) for seed in SEEDS]
    assert np.median([shape.log_rate[shape.smoothed.argmin()] + 2 for shape in found]) < -0.4  # pushed away
    assert -off < np.median([shape.log_rate[shape.minimum_row] + 2 for shape in found]) < 0.02


@pytest.mark.parametrize("deviation", [0.05, 0.2])
def test_in_a_flat_valley_noise_alone_does_not_move_the_minimum(deviation):
    moved = 0
    for seed in SEEDS:
        shape = measure(in_a_flat_valley(seed, deviation))
        moved += shape.minimum_row != int(shape.smoothed.argmin())
    assert moved <= 0.15 * len(SEEDS)


@pytest.mark.parametrize("seed", range(5))
def test_a_rise_is_a_divergence_when_it_is_above_what_noise_leaves_in_the_smoothed_loss(seed):
    deviation = 0.3
    falls = 2.5 - 1.5 / (1 + np.exp(-4 * (X + 3)))
    above = np.where(X > -1, 0.6, 0) + falls + np.where(X > -1, 1.5, 0)  # 2 deviations above the start
    below = falls + np.where(X > -1, 1.4, 0)
    assert measure(above + noise(seed, deviation)).divergence == pytest.approx(0.1, rel=0.9)
    assert measure(below + noise(seed, deviation)).divergence is None


def test_where_noise_hides_the_descent_only_a_permanent_increase_is_a_divergence():
    deviation, found = 0.4, []
    for seed in SEEDS:
        bump = np.where((X > -3.2) & (X < -2.6), 0.8, 0)
        losses = 2.3 - np.where(X > -5, 0.05, 0) + bump + np.where(X > -0.5, 3.0, 0) + noise(seed, deviation)
        shape = measure(losses)
        if shape.depth_noise < shape.depth < 3.5 * shape.depth_noise:
            found.append(shape.divergence)
    assert len(found) > 5
    assert all(0.1 < rate < 0.8 for rate in found)


def test_the_message_of_a_hidden_descent_states_what_would_be_visible():
    found, expected = [], []
    for seed in SEEDS:
        losses = 2.3 - np.where(X > -4, 0.02, 0) + np.where(X > 0, 3.0, 0) + noise(seed, 0.3)
        messages = [finding.message for finding in analyze(Sweep.from_losses(RATES, losses)).diagnosis]
        found += [message for message in messages if "based on" in message]
        expected.append(
            "The loss is so noisy that a descent smaller than "
            f"{number_text(3.5 * measure(losses).depth_noise, 2)} is hidden: the suggestion is based on "
            "where the loss increases. Increase `num_steps` or `batches_per_step`, or use larger batches, "
            "and compare nearby learning rates in short training runs."
        )
    assert len(found) > 5
    assert set(found) <= set(expected)


@pytest.mark.parametrize("rows", range(40, 46))
def test_valley_is_a_third_and_a_sixth_into_the_longest_descent(rows):
    rates = np.geomspace(1e-6, 1, rows + 20)
    falling = np.linspace(3.0, 1.0, rows)
    losses = np.concatenate([falling, np.full(20, 1.0)])
    steps = rows - 1
    assert suggest(rates, losses, "valley").learning_rate == rates[int(steps / 3) + int(steps / 6)]


def test_the_steepest_row_may_be_the_one_before_the_minimum():
    rates = np.geomspace(1e-4, 1, 21)
    losses = 3.0 - np.linspace(0, 1.2, 21) ** 4
    losses[17:] = 2.6
    assert losses.argmin() == 16
    assert slope_per_decade(rates, losses)[:17].argmin() == 15
    assert suggest(rates, losses, "steepest", smoothing=0).learning_rate == rates[15]


def test_rows_at_one_learning_rate_weigh_as_one_also_where_the_others_lie_unevenly():
    random = np.random.default_rng(0)
    # Rows in heaps much closer than the Gaussian is wide, and heaps further apart than that.
    x = np.sort(np.concatenate([random.normal(center, 1e-5, 30) for center in (-6, -5.9, -3, -1)]))
    y = random.normal(2, 1, len(x))
    once = gaussian_average(x, y, SMOOTHING)
    twice = gaussian_average(np.repeat(x, 2), np.repeat(y, 2), SMOOTHING)
    np.testing.assert_allclose(twice[::2], once, atol=1e-9)


def test_slopes_are_numbers_where_there_are_none():
    assert slope_per_decade([1e-3], [3.0]).dtype == np.float64
    assert slope_per_decade([1e-3, 1e-3], [3.0, 1.0]).dtype == np.float64


def test_two_rules_are_enough_to_disagree():
    shape = measure(2.5 - 1.5 / (1 + np.exp(-4 * (X + 3))))
    apart = {"mid_descent": 1e-4, "valley": 1e-1, "steepest": None}
    assert "rules_disagree" in [finding.code for finding in diagnose(shape, apart)]


def test_the_steps_of_a_decade_are_counted_between_the_rows():
    rates = np.geomspace(1e-4, 10**-0.01, 33)  # 32 steps over 3.99 decades
    losses = 2.5 - 1.5 / (1 + np.exp(-4 * (np.log10(rates) + 2.5)))
    assert "too_few_steps" not in [
        finding.code for finding in analyze(Sweep.from_losses(rates, losses)).diagnosis
    ]
