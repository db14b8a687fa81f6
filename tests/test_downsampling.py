"""A downsampled sweep looks the same."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tb_lrfinder.analysis.downsampling import rows_to_draw


def noisy(steps, seed=0):
    return np.geomspace(1e-7, 10, steps), np.random.default_rng(seed).normal(size=steps)


def pixels(rate, values, width, rate_range=(1e-7, 10)):
    """The range that is covered in each pixel column of a chart."""
    low, high = np.log10(rate_range)
    column = np.clip((np.log10(rate) - low) / (high - low) * width, 0, width - 1e-9).astype(int)
    return {int(one): (values[column == one].min(), values[column == one].max()) for one in np.unique(column)}


def test_few_rows_stay_as_they_are():
    rate, loss = noisy(400)
    np.testing.assert_array_equal(rows_to_draw(rate, [loss], 100), np.arange(400))


def test_each_pixel_covers_what_it_covered_before():
    rate, loss = noisy(20_000)
    other = np.cumsum(loss)
    rows = rows_to_draw(rate, [loss, other], 200)
    assert len(rows) <= 200 * 6
    for values in (loss, other):
        assert pixels(rate[rows], values[rows], 200) == pixels(rate, values, 200)


def test_a_single_spike_is_never_lost():
    rate, _ = noisy(100_000)
    for spike in (0, 1, 55_555, 99_999):
        loss = np.zeros(len(rate))
        loss[spike] = 1.0
        assert spike in rows_to_draw(rate, [loss], 50)


def test_marked_rates_keep_the_rows_on_both_sides():
    rate, loss = noisy(10_000)
    between = float(np.sqrt(rate[1234] * rate[1235]))
    assert {1234, 1235} <= set(rows_to_draw(rate, [loss], 10, [between, 1e9, 0.0, float("nan")]))


def test_a_long_gap_stays_a_gap_and_an_infinite_value_an_extreme():
    rate, loss = noisy(10_000)
    loss[3_000:5_000] = np.nan
    loss[6_000] = np.inf
    rows = rows_to_draw(rate, [loss], 100)
    assert np.isnan(loss[rows][(rows > 3_200) & (rows < 4_800)]).all()
    assert ((rows > 3_200) & (rows < 4_800)).any()
    assert 6_000 in rows


@pytest.mark.parametrize("rate", [np.zeros(1000), np.full(1000, 0.1), np.linspace(0, 1, 1000)])
def test_malformed_ramps_do_not_fail(rate):
    rows = rows_to_draw(rate, [np.arange(1000.0)], 20)
    assert (rows[0], rows[-1]) == (0, 999)


def test_a_million_rows_are_quick():
    rate, loss = noisy(1_000_000)
    start = time.perf_counter()
    rows = rows_to_draw(rate, [loss], 2_000)
    assert time.perf_counter() - start < 2
    assert len(rows) <= 8_000
