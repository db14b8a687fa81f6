"""Whether the loss of a sweep decreases, and where it increases. Depends only on NumPy."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from tb_lrfinder.analysis.averaging import despike, gaussian_average
from tb_lrfinder.analysis.shape import MIN_CLARITY, Shape

# Noise that can hide a descent of these fractions of the loss may hide what an untrained model learns. With
# more noise, the loss itself is hardly more than noise, like that of an already trained model.
HIDDEN_DESCENT: Final = (0.02, 0.2)

_WIDTH: Final = 0.1  # decades; standard deviation of the Gaussian that locates an increase


def descends(shape: Shape) -> bool:
    """Whether the loss decreases by more than noise and rounding."""
    return _is_visible(shape) and shape.clarity >= MIN_CLARITY


def visible_depth(shape: Shape) -> float:
    """Depth from which a descent can be distinguished from noise."""
    return MIN_CLARITY * shape.depth_noise


def hides_much(shape: Shape) -> bool:
    """Whether noise could hide a descent by a large part of the loss."""
    return visible_depth(shape) > HIDDEN_DESCENT[1] * abs(shape.initial)


def is_hidden(shape: Shape) -> bool:
    """Whether noise may hide a descent while the loss ends above its initial level.

    The learning rate then has an effect, and the suggestion is to the left of where that effect is harmful.
    """
    hides_something = visible_depth(shape) > HIDDEN_DESCENT[0] * abs(shape.initial)
    return _is_visible(shape) and hides_something and not hides_much(shape) and shape.ends_high


def above_noise(shape: Shape) -> float:
    """Loss that exceeds the initial level by more than noise and rounding."""
    return shape.initial + max(4 * shape.noise, 1e-6 * abs(shape.initial))


def first_increase(shape: Shape) -> float | None:
    """The learning rate from which the loss stays above its initial level by more than its noise.

    The loss is smoothed less than for the rules, which look for a minimum and not for an edge.
    """
    usable = shape.usable
    x, losses = usable.log_rate, usable.all_losses[usable.rows]
    if len(x) < 2 or not x[-1] > x[0]:
        return shape.divergence
    smoothed = gaussian_average(x, despike(losses), _WIDTH)
    averaged = max(2 * math.sqrt(math.pi) * _WIDTH * (len(x) - 1) / float(x[-1] - x[0]), 1.0)
    above = smoothed > shape.initial + max(4 * shape.noise / math.sqrt(averaged), 1e-6 * abs(shape.initial))
    first = len(above) - int(np.argmin(above[::-1])) if not above.all() else 0
    return float(usable.all_rates[usable.rows][first]) if first < len(above) else shape.divergence


def _is_visible(shape: Shape) -> bool:
    least = 1e-6 * max(abs(shape.initial), abs(shape.minimum_loss))  # about the precision of float32
    return shape.descent > least
