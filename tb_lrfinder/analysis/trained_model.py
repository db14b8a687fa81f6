"""Recognition of an already trained model, whose loss only increases. Depends only on NumPy."""

from __future__ import annotations

from typing import Final

from tb_lrfinder.analysis.descent import descends, first_increase, is_hidden
from tb_lrfinder.analysis.shape import Shape

BELOW_INCREASE: Final = 1 / 300
"""Suggested fraction of the learning rate from which the loss increases, see docs/suggestion.md."""

# A loss that has come this far below that of a classifier that has learned nothing was trained before.
_LEARNED: Final = 0.8


def increase_of_trained_model(shape: Shape, chance_loss: float | None = None) -> float | None:
    """Return the learning rate from which the loss of an already trained model increases.

    Args:
        shape: The `Shape` of the sweep.
        chance_loss: Loss of a model that has learned nothing; `None` if unknown.

    Returns:
        The learning rate; `None` if the loss decreases or never increases, or the model is not trained.
    """
    if not len(shape.loss) or descends(shape) or not _may_be_trained(shape, chance_loss):
        return None
    if chance_loss is None and is_hidden(shape):
        return None
    increase = first_increase(shape)
    if increase is None or increase < 10 * shape.learning_rate[0]:
        return None
    return increase


def suggestion_below(increase: float) -> float:
    """Return the learning rate that is suggested for a model whose loss increases from `increase` on."""
    return increase * BELOW_INCREASE


def _may_be_trained(shape: Shape, chance_loss: float | None) -> bool:
    """Whether the initial level of the loss is below that of a model that has learned nothing, if known."""
    return chance_loss is None or shape.initial < _LEARNED * chance_loss
