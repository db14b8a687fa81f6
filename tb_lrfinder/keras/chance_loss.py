"""The loss of a classifier that has learned nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from keras import losses

_CATEGORICAL: Final = {
    losses.CategoricalCrossentropy: losses.categorical_crossentropy,
    losses.SparseCategoricalCrossentropy: losses.sparse_categorical_crossentropy,
}
_BINARY: Final = {losses.BinaryCrossentropy: losses.binary_crossentropy}


def chance_loss(model: Any) -> float | None:
    """Return the loss of a compiled model whose classes all have the same probability.

    It is only known for the mean crossentropy of a single output; `None` otherwise. Class weights, sample
    weights and regularization are not taken into account.
    """
    if _is_mean(model.loss, _BINARY):
        return math.log(2)
    if not _is_mean(model.loss, _CATEGORICAL):
        return None
    try:
        shape = model.output_shape
    except Exception:  # not built, or a subclass of Model, which may define anything
        return None
    classes = shape[-1] if isinstance(shape, tuple) and shape else None  # otherwise several outputs
    return math.log(classes) if isinstance(classes, int) and classes > 1 else None


def _is_mean(loss: Any, known: Mapping[type, Callable[..., Any]]) -> bool:
    """Whether a loss is one of these, as its name, function or object, averaged over the last axis."""
    if isinstance(loss, str):
        try:
            loss = losses.get(loss)
        except ValueError:
            return False
    if type(loss) not in known:
        return loss in known.values()
    config = loss.get_config()
    return config.get("reduction") in ("sum_over_batch_size", "mean") and config.get("axis", -1) == -1
