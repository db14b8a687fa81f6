import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from tb_lrfinder.analysis.curve import COLUMNS, Sweep, loss_delta, slope_per_decade, smooth
from tb_lrfinder.analysis.shape import Shape
from tb_lrfinder.analysis.usable_rows import UsableRows

RATES = np.geomspace(1e-7, 10, 200)


def descent(rates, at=1e-2):
    """From 2.3 down to 0.3, half way at `at`."""
    return 2.3 - 2.0 / (1 + (at / rates) ** 2)


def test_a_sweep_has_its_columns_in_the_order_in_which_they_are_written():
    sweep = Sweep.from_losses([1e-3, 1e-2, 1e-1], [3.0, 2.0, 2.5], [np.nan, 2.1, np.nan])
    assert tuple(sweep.columns()) == COLUMNS
    assert sweep.step.dtype == np.int64
    assert sweep.step.tolist() == [0, 1, 2]
    assert sweep.loss.tolist() == [3.0, 2.0, 2.5]
    np.testing.assert_array_equal(sweep.validation_loss, [np.nan, 2.1, np.nan])
    np.testing.assert_allclose(sweep.loss_delta, [0.0, -1.0, -0.25])
    assert len(sweep) == 3


def test_the_learning_rates_of_a_sweep_are_exactly_those_of_a_float32_optimizer():
    sweep = Sweep.from_losses([0.1, 0.3], [1.0, 1.0])
    assert sweep.learning_rate.dtype == np.float64
    assert sweep.learning_rate.tolist() == [float(np.float32(0.1)), float(np.float32(0.3))]
    assert sweep.learning_rate[0] != 0.1


def test_a_sweep_can_be_pickled_compared_and_not_changed():
    sweep = Sweep.from_losses(RATES, descent(RATES), step=np.arange(200) * 5)
    copy = pickle.loads(pickle.dumps(sweep))
    for name, column in sweep.columns().items():
        np.testing.assert_array_equal(copy.columns()[name], column)
    assert sweep.step[-1] == 995
    assert sweep == sweep
    assert sweep != copy  # comparing by identity never asks for the truth of an array
    assert len({sweep, copy}) == 2
    with pytest.raises(FrozenInstanceError):
        sweep.loss = copy.loss


def test_a_sweep_prints_in_one_short_line():
    assert repr(Sweep.from_losses([1e-7, 10], [2.5, 0.125])) == (
        "Sweep(2 steps, learning rate 1e-7 to 10, loss 0.125 to 2.5)"
    )
    assert repr(Sweep.from_losses([0.5], [np.nan])) == (
        "Sweep(1 step, learning rate 0.5 to 0.5, no finite loss)"
    )
    assert repr(Sweep.from_losses([], [])) == "Sweep(0 steps)"


def test_columns_of_different_lengths_are_named():
    with pytest.raises(ValueError, match=r"`loss` must have 3 values.*Received: loss.shape=\(2,\)"):
        Sweep.from_losses([1, 2, 3], [1.0, 2.0])
    with pytest.raises(ValueError, match="`validation_loss`"):
        Sweep.from_losses([1, 2], [1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match=r"`loss` must .* with one dimension.*\(1, 2\)"):
        Sweep.from_losses([1, 2], [[1.0, 2.0]])


@pytest.mark.parametrize("window", [1, 2, 20, 49, 50, 51, 500])
def test_the_loss_delta_is_the_difference_over_the_window(window):
    loss = np.random.default_rng(0).normal(size=50)
    expected = [0.0]
    for i in range(1, 50):
        back = min(i, window)
        expected.append((loss[i] - loss[i - back]) / back)
    np.testing.assert_allclose(loss_delta(loss, window), expected, rtol=1e-12)


def test_a_sweep_takes_its_loss_delta_over_the_given_window():
    sweep = Sweep.from_losses(RATES, descent(RATES), delta_window=7)
    np.testing.assert_array_equal(sweep.loss_delta, loss_delta(sweep.loss, 7))
    np.testing.assert_array_equal(sweep.with_delta_window(3).loss_delta, loss_delta(sweep.loss, 3))


def test_the_loss_delta_of_nothing_is_nothing():
    assert loss_delta([], 20).tolist() == []
    assert loss_delta([2.0], 20).tolist() == [0.0]


@pytest.mark.parametrize(
    ("window", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_a_window_that_is_no_number_of_steps_is_refused(window, error):
    with pytest.raises(error, match="`window` must be an integer of at least 1"):
        loss_delta([1.0, 2.0], window)


def test_no_smoothing_returns_the_losses():
    loss = np.array([1.0, np.nan, 5.0])
    np.testing.assert_array_equal(smooth([1, 2, 3], loss, 0), loss)
    assert smooth([1, 2, 3], loss, 0) is not loss


@pytest.mark.parametrize("decades", [0.05, 0.2, 1.0])
def test_smoothing_is_a_gaussian_average_in_decades(decades):
    x = np.log10(RATES)
    loss = descent(RATES)  # free of spikes and of divergence, so that only the Gaussian acts
    weights = np.exp(-0.5 * ((x[:, None] - x) / decades) ** 2)
    expected = weights @ loss / weights.sum(1)
    np.testing.assert_allclose(smooth(RATES, loss, decades), expected, atol=0.004)


def test_smoothing_means_the_same_whatever_the_number_of_steps():
    few, many = np.geomspace(1e-7, 10, 100), np.geomspace(1e-7, 10, 10_000)
    at_few = np.interp(np.log10(few), np.log10(many), smooth(many, descent(many)))
    np.testing.assert_allclose(smooth(few, descent(few)), at_few, atol=0.01)


def test_smoothing_means_the_same_on_a_linear_ramp():
    linear, exponential = np.linspace(1e-4, 1, 2000), np.geomspace(1e-4, 1, 2000)
    smoothed = smooth(linear, descent(linear))
    expected = np.interp(np.log10(linear), np.log10(exponential), smooth(exponential, descent(exponential)))
    dense = linear > 5e-3  # below it the linear ramp has fewer rows than the Gaussian is wide
    np.testing.assert_allclose(smoothed[dense], expected[dense], atol=0.01)


def test_a_flat_loss_stays_flat_to_the_last_digits():
    for level in (0.0, 2.3, -1e9):
        np.testing.assert_allclose(smooth(RATES, np.full(200, level)), level, rtol=1e-12)


def test_smoothing_follows_the_scale_and_the_offset_of_the_loss():
    loss = descent(RATES) + np.random.default_rng(1).normal(size=200) * 0.1
    loss[-5:] = [5, 20, 80, 300, 1e4]
    np.testing.assert_allclose(smooth(RATES, 7 * loss - 50), 7 * smooth(RATES, loss) - 50, rtol=1e-9)


def test_smoothing_removes_noise():
    noise = np.random.default_rng(2).normal(size=1000) * 0.1
    rates = np.geomspace(1e-7, 10, 1000)
    noise_after = smooth(rates, 2.0 + noise) - 2.0
    assert noise_after.std() < 0.02


@pytest.mark.parametrize("spike", [1e6, -1e6, 50.0])
@pytest.mark.parametrize("rows", [[60], [60, 61], [0], [10, 150]])
def test_spikes_do_not_count(spike, rows):
    loss = descent(RATES)
    spiky = loss.copy()
    spiky[rows] = spike
    np.testing.assert_allclose(smooth(RATES, spiky), smooth(RATES, loss), atol=0.02)


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_losses_that_are_not_finite_are_gaps(hole):
    loss = descent(RATES)
    holed = loss.copy()
    holed[[20, 21, 120, 199]] = hole
    smoothed = smooth(RATES, holed)
    assert np.flatnonzero(np.isnan(smoothed)).tolist() == [20, 21, 120, 199]
    kept = np.isfinite(smoothed)
    np.testing.assert_allclose(smoothed[kept], smooth(RATES, loss)[kept], atol=0.01)


@pytest.mark.parametrize("tail", [10.0, 1e30])
def test_a_divergent_tail_does_not_drag_the_curve(tail):
    rates = np.geomspace(1e-7, 1, 300)
    loss = 2.3 - 2.0 * np.exp(-0.5 * ((np.log10(rates) + 2) / 0.6) ** 2)
    cut = rates < 0.3
    diverged = np.where(cut, loss, tail)
    smoothed = smooth(rates, diverged)
    # Three standard deviations of the Gaussian before the tail begins it is hardly felt.
    left = rates < 0.3 / 10**0.9
    np.testing.assert_allclose(smoothed[left], smooth(rates[cut], loss[cut])[left[cut]], atol=0.02)
    assert abs(np.log10(rates[smoothed.argmin()] / 1e-2)) < 0.03
    assert smoothed.max() < 5


def test_short_and_empty_curves_are_smoothed_too():
    assert smooth([], []).tolist() == []
    assert smooth([1e-3], [2.0]).tolist() == [2.0]
    assert np.isnan(smooth([1e-3, 1e-2], [np.nan, np.nan])).all()
    assert np.isfinite(smooth([1e-3, 1e-2], [2.0, 1.0])).all()
    np.testing.assert_allclose(smooth(np.full(9, 1e-3), np.arange(9.0)), 4.0)  # no ramp at all


def test_bad_smoothing_is_refused():
    for decades in (-0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match="`decades` must be a finite number of decades, at least 0"):
            smooth([1, 2], [1.0, 2.0], decades)


def test_the_slope_is_per_decade():
    np.testing.assert_allclose(slope_per_decade(RATES, 5 - 3 * np.log10(RATES)), -3.0)
    linear = np.linspace(1e-3, 1, 50)
    np.testing.assert_allclose(slope_per_decade(linear, np.log10(linear) * 2), 2.0)


def test_the_slope_has_gaps_where_it_is_not_known():
    slope = slope_per_decade(RATES[:6], [1.0, 2.0, np.nan, 4.0, 5.0, 6.0])
    assert np.flatnonzero(np.isnan(slope)).tolist() == [2]
    assert np.isnan(slope_per_decade([1e-3, 1e-3, 1e-3], [1.0, 2.0, 3.0])).all()
    assert slope_per_decade([], []).tolist() == []
    assert np.isnan(slope_per_decade([1e-3], [1.0])).all()


def test_a_sweep_gives_its_columns_by_name():
    sweep = Sweep.from_losses([1e-3, 1e-2], [2.0, 1.0])
    assert list(dict(sweep)) == ["step", "learning_rate", "loss", "loss_delta", "validation_loss"]
    assert dict(sweep)["loss"] is sweep["loss"] is sweep.loss
    with pytest.raises(KeyError, match=r"Unknown column 'losses'.*loss_delta"):
        sweep["losses"]


@pytest.mark.parametrize("seed", range(20))
def test_the_last_low_row_is_at_the_end_of_a_wide_valley_wherever_noise_has_put_the_lowest(seed):
    """Down from 1e-4 to 1e-3, flat up to 0.3, and then a wall."""
    rates = np.geomspace(1e-7, 10, 400)
    x = np.log10(rates)
    losses = 2.3 - np.clip(2 * (x + 4), 0, 2) + np.where(rates > 0.3, 9.0, 0.0)
    losses += np.random.default_rng(seed).normal(size=len(x)) * 0.3
    shape = Shape.measure(UsableRows.of(rates, losses), smooth(rates, losses, 0.3), 0.3)
    assert -2 < shape.log_rate[shape.last_low_row] < -0.4
    assert shape.last_low_row >= shape.minimum_row


def test_without_noise_the_last_low_row_is_the_lowest():
    rates = np.geomspace(1e-7, 10, 400)
    losses = np.abs(np.log10(rates) + 2)
    shape = Shape.measure(UsableRows.of(rates, losses), losses, 0.0)
    assert shape.last_low_row == shape.minimum_row == losses.argmin()


def test_a_share_has_fallen_where_the_loss_does_not_return_above_it():
    rates = np.geomspace(1e-4, 1, 9)  # two rows a decade
    losses = np.array([4.0, 4.0, 1.0, 4.0, 4.0, 2.0, 0.0, 5.0, 5.0])
    shape = Shape.measure(UsableRows.of(rates, losses), losses, 0.0)
    assert shape.initial == 4.0
    assert shape.minimum_loss == 0.0
    np.testing.assert_allclose(
        np.log10([shape.learning_rate_at(0.25), shape.learning_rate_at(0.75)]), [-1.75, -1.25]
    )
    # From 1e-2 to 1e-1 on a straight line: the mean over 20 % to 100 % is at 60 %.
    np.testing.assert_allclose(np.log10(shape.mean_learning_rate_from(0.2)), -1.4)


def test_what_is_low_again_after_the_divergence_is_not_the_end_of_the_valley():
    """As in a saturated network: the loss increases by less than its descent, and decreases again."""
    rates = np.geomspace(1e-7, 10, 400)
    x = np.log10(rates)
    losses = 2.3 - np.clip(2 * (x + 4), 0, 2) + np.where((x > -1.5) & (x < 0), 1.5, 0.0)
    losses += np.random.default_rng(0).normal(size=len(x)) * 0.05
    shape = Shape.measure(UsableRows.of(rates, losses), smooth(rates, losses, 0.3), 0.3)
    assert -3 < shape.log_rate[shape.last_low_row] < -1.5
