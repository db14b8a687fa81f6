"""Sets the suggested learning rate in the middle of a `fit`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tb_lrfinder.analysis.suggestion import Suggestion
from tb_lrfinder.keras.sweep.apply_suggestion import apply_suggestion


def apply_in_fit(
    model: Any, names: Sequence[str], suggestions: Mapping[str, Suggestion], verbose: int
) -> None:
    """Set the suggestion of the default rule, from the next batch on.

    Args:
        model: A model whose `fit` is running.
        names: Names of the swept optimizers, the reference first.
        suggestions: By rule; that of the default rule has a learning rate.
        verbose: Whether to print that a schedule was scaled.
    """
    apply_suggestion(model, names, suggestions, None, verbose=verbose)
    if model.train_function is None:  # it was traced with another schedule
        model.make_train_function()
