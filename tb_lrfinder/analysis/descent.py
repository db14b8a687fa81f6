"""Whether the loss of a sweep decreases, and where it increases. Depends only on NumPy."""

from __future__ import annotations

from typing import Final

import numpy as np

from tb_lrfinder.analysis.shape import MIN_CLARITY, Shape

# Noise that can hide a descent of these fractions of the loss may hide what an untrained model learns. With
# more noise, the loss itself is hardly more than noise, like that of an already trained model.
HIDDEN_DESCENT: Final = (0.02, 0.2)


def descends(shape: Shape) -> bool:
    """Whether the loss decreases by more than noise and rounding."""
    return _is_visible(shape) and shape.clarity >= MIN_CLARITY


def visible_depth(shape: Shape) -> float:
    """Depth from which a descent can be distinguished from noise."""
    return MIN_CLARITY * shape.depth_noise


def is_hidden(shape: Shape) -> bool:
    """Whether noise may hide a descent while the loss ends above its initial level.

    The learning rate then has an effect, and the suggestion is to the left of where that effect is harmful.
    """
    least, most = HIDDEN_DESCENT
    scale = abs(shape.initial)
    return _is_visible(shape) and least * scale < visible_depth(shape) <= most * scale and shape.ends_high


def above_noise(shape: Shape) -> float:
    """Loss that exceeds the initial level by more than noise and rounding."""
    return shape.initial + max(4 * shape.noise, 1e-6 * abs(shape.initial))


def first_increase(shape: Shape) -> float | None:
    """The learning rate from which the loss stays above its initial level by more than its noise."""
    above = shape.loss > above_noise(shape)
    first = len(above) - int(np.argmin(above[::-1])) if not above.all() else 0
    return float(shape.learning_rate[first]) if first < len(above) else shape.divergence


def _is_visible(shape: Shape) -> bool:
    least = 1e-6 * max(abs(shape.initial), abs(shape.minimum_loss))  # about the precision of float32
    return shape.descent > least
