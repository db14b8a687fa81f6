"""Sets the suggested learning rate in the middle of a `fit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tb_lrfinder.analysis.suggestion import Suggestion
from tb_lrfinder.keras.sweep.apply_suggestion import apply_suggestion


def apply_in_fit(model: Any, names: Sequence[str], suggestions: Mapping[str, Suggestion]) -> float:
    """Set the suggestion of the default rule and return it.

    Args:
        model: A model whose `fit` is running.
        names: Names of the swept optimizers, the reference first.
        suggestions: By rule; that of the default rule has a learning rate.
    """
    rate = apply_suggestion(model, names, suggestions, None)
    if model.train_function is None:  # it was traced with another schedule
        model.make_train_function()
    return rate
