import numpy as np
import pytest

from tb_lrfinder.analysis.divergence import Divergence


def first_step_diverged(losses, **settings):
    watch = Divergence(**settings).watch(len(losses))
    return next((step for step, loss in enumerate(losses) if watch.diverged(loss)), None)


def descent_then_explosion(steps=100, *, noise=0.05, offset=0.0, seed=0):
    """Flat to 50%, down from 2.3 to 0.5 at 80%, then growing by a third at every step."""
    step = np.arange(steps)
    curve = np.interp(step, [0, 0.5 * steps, 0.8 * steps], [2.3, 2.3, 0.5])
    curve[step > 0.8 * steps] = 0.5 * 1.33 ** (100 / steps * np.arange(1, (step > 0.8 * steps).sum() + 1))
    return curve + np.random.default_rng(seed).normal(0, noise, steps) + offset


@pytest.mark.parametrize("steps", [100, 300, 1000])
@pytest.mark.parametrize("offset", [0.0, -10.0, -1e4, 1e4])
def test_an_explosion_is_seen_soon_after_the_minimum_and_not_before(steps, offset):
    """Differences only: the same steps are found for losses that are negative or far from zero."""
    diverged = first_step_diverged(descent_then_explosion(steps, offset=offset))
    assert 0.82 * steps < diverged < 0.95 * steps


def test_the_scale_of_the_losses_does_not_matter():
    losses = descent_then_explosion()
    assert (
        first_step_diverged(losses * 1e6) == first_step_diverged(losses) == first_step_diverged(losses * 1e-6)
    )


def test_a_single_spike_does_not_end_a_sweep():
    losses = np.linspace(2.3, 0.5, 100)
    losses[[40, 41, 70]] = 1e6
    assert first_step_diverged(losses) is None


@pytest.mark.parametrize(
    "losses",
    [
        np.full(100, 2.3),
        np.linspace(2.3, 0.1, 100),
        5 + np.random.default_rng(0).normal(0, 1, 300),
        # Data in order of their weight: the loss grows all through the epoch, or in every epoch anew.
        np.linspace(0.0, 1.0, 300) + np.random.default_rng(0).normal(0, 0.05, 300),
        np.arange(300) % 75 / 75 + np.random.default_rng(0).normal(0, 0.05, 300),
    ],
    ids=["constant", "falling", "noise", "drift", "sawtooth"],
)
def test_what_is_no_divergence_is_not_taken_for_one(losses):
    assert first_step_diverged(losses) is None


@pytest.mark.parametrize(("factor", "steps", "at_most"), [(2.5, 100, 0.02), (2.5, 30, 0.03), (1.2, 100, 0.2)])
def test_noise_is_rarely_taken_for_divergence(factor, steps, at_most):
    rng = np.random.default_rng(0)
    sweeps = [5 + rng.normal(0, 1, steps) for _ in range(200)]
    assert np.mean([first_step_diverged(losses, factor=factor) is not None for losses in sweeps]) <= at_most


def test_a_loss_that_is_back_above_its_start_for_long_has_diverged():
    """A classifier that has collapsed to a constant answer does not explode."""
    losses = np.concatenate([np.full(40, 2.3), np.linspace(2.3, 0.3, 20), np.full(40, 2.5)])
    losses += np.random.default_rng(0).normal(0, 0.02, 100)
    assert 62 < first_step_diverged(losses) < 85


def test_nothing_is_decided_during_the_burn_in():
    losses = 2.0 ** np.arange(60)
    assert first_step_diverged(losses, burn_in=30) >= 30
    assert first_step_diverged(losses, burn_in=5) < 15


def test_a_larger_factor_waits_longer():
    losses = descent_then_explosion(noise=0.0)
    assert first_step_diverged(losses, factor=1.2) < first_step_diverged(losses, factor=4)


@pytest.mark.parametrize("bad", [{"factor": 1.0}, {"factor": float("nan")}, {"burn_in": 0}, {"window": 0}])
def test_bad_settings_are_refused_by_name(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Divergence(**bad)
