"""Edge cases of curves: two rows, three rows, equal learning rates, the last rows.

Each test detects a mutation of the code that no other test detected.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tb_lrfinder.analysis.averaging import (
    cap_divergence,
    despike,
    gaussian_average,
    initial_rows,
    noise_level,
)
from tb_lrfinder.analysis.curve import Sweep, loss_delta, slope_per_decade, smooth

SQUARE = np.ones((2, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Sweep.from_losses(SQUARE, [1.0]), r"`learning_rate` must be .* one dimension.*\(2, 2\)"),
        (
            lambda: Sweep.from_losses([1.0], [1.0], step=[0, 1]),
            r"`step` must have 1 value, one .*step.shape=\(2,\)",
        ),
        (lambda: loss_delta(SQUARE), "`loss` must be .* one dimension"),
        (lambda: smooth(SQUARE, [1.0]), "`learning_rate` must be .* one dimension"),
        (lambda: smooth([1.0, 2.0], [1.0]), "`loss` must have 2 values, one for each learning rate"),
        (lambda: slope_per_decade(SQUARE, [1.0]), "`learning_rate` must be .* one dimension"),
        (
            lambda: slope_per_decade([1.0, 2.0], [1.0]),
            r"`smoothed` must have 2 values.*smoothed.shape=\(1,\)",
        ),
    ],
)
def test_columns_that_do_not_fit_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_another_delta_window_changes_nothing_else():
    sweep = Sweep.from_losses([1.0, 2.0, 4.0], [3.0, 2.0, 0.0], [9.0, 8.0, 7.0], step=[5, 6, 7])
    other = sweep.with_delta_window(1)
    assert other.loss_delta.tolist() == [0.0, -1.0, -2.0]
    for name in ("step", "learning_rate", "loss", "validation_loss"):
        np.testing.assert_array_equal(other[name], sweep[name])


def test_the_slope_of_two_rows_is_that_of_the_line_between_them():
    np.testing.assert_allclose(slope_per_decade([1e-3, 1e-1], [3.0, 1.0]), [-1.0, -1.0])
    np.testing.assert_allclose(slope_per_decade([1e-1, 1e-3], [1.0, 3.0]), [-1.0, -1.0])


def test_rows_at_the_same_learning_rate_count_as_one_for_the_slope():
    rates = [1e-3, 1e-3, 1e-3, 1e-2, 1e-1, 1e-1]
    np.testing.assert_allclose(slope_per_decade(rates, [5.0, 3.0, 4.0, 2.0, 1.0, -1.0]), [-2.0] * 6)
    np.testing.assert_allclose(slope_per_decade([1e-3, 1e-3, 1e-1], [3.0, 1.0, 0.0]), [-1.0] * 3)
    assert np.isnan(slope_per_decade([1e-3, 1e-3], [3.0, 1.0])).all()
    assert np.isnan(slope_per_decade([1e-3], [3.0])).all()


@pytest.mark.parametrize("rows", [3, 4, 49, 50, 200])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_one_spike_is_taken_out_wherever_it_is(rows, place):
    losses = np.linspace(2.0, 1.0, rows)
    at = {"first": 0, "middle": rows // 2, "last": rows - 1}[place]
    spiked = losses.copy()
    spiked[at] = 100.0
    denoised = despike(spiked)
    if place == "middle" or rows >= 50:  # in short sweeps an end has only one neighbor
        assert denoised.max() <= 2.0
    np.testing.assert_allclose(np.delete(denoised, at), np.delete(losses, at), atol=3 / rows)


def test_two_spikes_side_by_side_are_taken_out_of_long_sweeps_only():
    for rows, seen in ((49, True), (50, False)):
        losses = np.ones(rows)
        losses[20:22] = 100.0
        assert (despike(losses).max() > 1) == seen


def test_the_last_rows_are_denoised_with_their_own_neighbors():
    losses = np.linspace(2.0, 1.0, 60)
    assert despike(losses)[-1] == losses[-2]
    assert despike(losses)[0] == losses[1]


def test_where_there_is_no_descent_nothing_is_capped():
    flat = np.array([1.0, 0.99, 1.0, 50.0])
    np.testing.assert_array_equal(cap_divergence(np.arange(1.0, 5.0), 1), np.arange(1.0, 5.0))
    assert cap_divergence(flat[:2], 1).tolist() == flat[:2].tolist()


def test_the_divergence_is_capped_half_a_descent_above_the_initial_level():
    losses = np.r_[np.full(20, 2.0), np.linspace(2.0, 1.0, 20), np.linspace(1.0, 50.0, 20)]
    capped = cap_divergence(losses, 10)
    assert capped.max() == 2.5
    np.testing.assert_array_equal(capped[:40], losses[:40])


@pytest.mark.parametrize(
    ("x", "rows"),
    [
        (np.linspace(-7, 1, 100), 20),  # a fifth of the decades
        (np.log10(np.linspace(1e-3, 1, 100)), 5),  # a linear ramp has one row there
        (np.log10(np.linspace(1e-3, 1, 20)), 4),
        (np.array([-3.0, -2.0, -1.0]), 1),
        (np.array([-3.0]), 1),
    ],
)
def test_the_rows_of_the_initial_level(x, rows):
    assert initial_rows(x) == rows


def test_the_noise_of_three_rows_is_how_far_the_middle_one_is_off():
    assert noise_level(np.array([0.0, 1.0, 0.0])) == pytest.approx(1.4826 / math.sqrt(1.5))
    assert noise_level(np.array([0.0, 1.0])) == 0.0


def test_the_noise_of_normal_numbers_is_their_standard_deviation():
    losses = np.random.default_rng(1).normal(5.0, 0.3, 20_000) + np.linspace(0, 3, 20_000)
    assert noise_level(losses) == pytest.approx(0.3, rel=0.03)


def reference(x, y, deviation):
    """The average under a Gaussian, row by row, each row weighing as much as the stretch it stands for."""
    stretch = np.clip(np.abs(np.gradient(x)), 1e-3 * deviation, deviation)
    weights = np.exp(-0.5 * ((x[:, None] - x) / deviation) ** 2) * stretch
    return (weights * y).sum(axis=1) / weights.sum(axis=1)


@pytest.mark.parametrize("deviation", [0.1, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("rows", [12, 100])
@pytest.mark.parametrize("linear", [False, True])
def test_the_fast_average_is_the_average(deviation, rows, linear):
    x = np.log10(np.linspace(1e-4, 1, rows)) if linear else np.linspace(-4, 0, rows)
    y = np.random.default_rng(1).normal(size=rows).cumsum()
    np.testing.assert_allclose(
        gaussian_average(x, y, deviation), reference(x, y, deviation), atol=0.015 * np.ptp(y)
    )


def test_rows_at_the_same_learning_rate_share_its_stretch():
    x = np.repeat([-3.0, -2.0, -1.0], 4)
    y = np.tile([1.0, 2.0, 3.0, 6.0], 3)
    np.testing.assert_allclose(gaussian_average(x, y, 0.3), 3.0)
    # So that several rows at each learning rate say as much as their mean.
    rates, losses = np.linspace(-4, 0, 30), np.random.default_rng(1).normal(size=(30, 5))
    repeated = gaussian_average(np.repeat(rates, 5), losses.ravel(), 0.4)
    np.testing.assert_allclose(repeated[::5], gaussian_average(rates, losses.mean(axis=1), 0.4), atol=1e-3)
    count = np.arange(30) % 4 + 1
    repeated = gaussian_average(np.repeat(rates, count), np.repeat(losses[:, 0], count), 0.4)
    np.testing.assert_allclose(
        repeated, np.repeat(gaussian_average(rates, losses[:, 0], 0.4), count), atol=2e-3
    )


def test_a_row_far_from_all_others_weighs_no_more_than_a_deviation():
    x = np.r_[np.linspace(-4, -3, 50), -1.0]
    y = np.r_[np.zeros(50), 100.0]
    denoised = gaussian_average(x, y, 0.5)
    np.testing.assert_allclose(denoised, reference(x, y, 0.5), atol=1.0)
    assert denoised[0] < 0.01
