"""What is measured of a sweep, by its definition in the docstrings."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tb_lrfinder.analysis.curve import smooth
from tb_lrfinder.analysis.shape import Shape
from tb_lrfinder.analysis.usable_rows import UsableRows

SMOOTHING = 0.3
RATES = np.geomspace(1e-7, 10, 400)
X = np.log10(RATES)


def measure(losses):
    return Shape.measure(UsableRows.of(RATES, losses), smooth(RATES, losses, SMOOTHING), SMOOTHING)


def test_the_depth_is_from_the_rows_that_the_smoothing_keeps_apart_down_to_the_minimum():
    losses = 2.3 - 1.5 * np.exp(-0.5 * (X / 0.8 + 2) ** 2)  # a valley at 10 ** -1.6
    smoothed = smooth(RATES, losses, SMOOTHING)
    shape = measure(losses)
    low = int(smoothed.argmin())
    apart = slice(0, int(np.searchsorted(X, X[low] - 3 * SMOOTHING)))
    assert shape.depth == pytest.approx(smoothed[apart].mean() - smoothed[low], rel=0.01)
    assert shape.initial == np.median(losses[: np.searchsorted(X, -7 + 8 / 5)])
    assert shape.minimum_loss == smoothed[low]
    assert shape.divergence is None


def test_what_noise_leaves_in_the_depth():
    rng = np.random.default_rng(1)
    depths, depth_noise = [], []
    for _ in range(100):
        losses = 2.3 - 1.5 * np.exp(-0.5 * (X / 0.8 + 2) ** 2) + rng.normal(0, 0.05, 400)
        shape = measure(losses)
        depths.append(shape.depth)
        depth_noise.append(shape.depth_noise)
    assert shape.noise == pytest.approx(0.05, rel=0.2)
    assert np.mean(depth_noise) == pytest.approx(np.std(depths), rel=0.35)


@pytest.mark.parametrize("losses", [np.full(400, np.nan), np.full(400, np.inf)])
def test_of_losses_that_are_never_a_number_nothing_is_measured(losses):
    shape = measure(losses)
    for column in (shape.learning_rate, shape.log_rate, shape.loss, shape.smoothed):
        assert column.shape == (0,)
    assert math.isnan(shape.initial)
    assert math.isnan(shape.minimum_loss)
    assert (shape.initial_rows, shape.minimum_row, shape.gaps) == (0, 0, 0)
    assert (shape.noise, shape.smoothed_noise, shape.depth, shape.depth_noise) == (0.0, 0.0, 0.0, 0.0)
    assert shape.divergence == RATES[0]
    assert shape.ends_high is True
    assert shape.delta_window == 20


def test_a_divergence_cuts_the_sweep_off():
    losses = np.where(X < -3, 2.0, np.where(X < -1, 1.0, 50.0))
    shape = measure(losses)
    assert shape.divergence == pytest.approx(0.1, rel=0.5)
    assert shape.learning_rate[-1] < shape.divergence
    assert len(shape.learning_rate) == len(shape.loss) == len(shape.smoothed) == len(shape.log_rate)
    assert shape.ends_high is True
    assert measure(np.where(X < -3, 2.0, 1.0)).ends_high is False
