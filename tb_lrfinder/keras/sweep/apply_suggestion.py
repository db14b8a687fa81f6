"""Setting a suggested learning rate on an optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from tb_lrfinder.keras import internals
from tb_lrfinder.keras.learning_rate import leaf_optimizers, reference_optimizer, relative_rates

if TYPE_CHECKING:
    from tb_lrfinder.keras.sweep.lr_finder import LRFinder


def apply(finder: LRFinder, rule: str | None) -> float:
    """See `LRFinder.apply`."""
    suggested = _suggested(finder, rule)
    if finder.model is None:
        raise ValueError(
            "This finder has no model: it was unpickled, or has not run. Set the learning rate yourself."
        )
    optimizer = finder.model.optimizer
    leaves, factors = leaf_optimizers(optimizer), relative_rates(optimizer)
    for leaf in leaves:
        _check_settable(leaf, suggested)
    for leaf, factor in zip(leaves, factors, strict=True):
        leaf.learning_rate = suggested * factor
    return internals.current_learning_rate(reference_optimizer(optimizer))


def _suggested(finder: LRFinder, rule: str | None) -> float:
    if finder.stop_reason is None:
        raise ValueError("There is no suggestion to apply yet: run model.fit(..., callbacks=[finder]) first.")
    if rule is not None and rule not in finder.suggestions:
        known = ", ".join(map(repr, finder.suggestions))
        raise ValueError(f"`rule` must be one of {known}. Received: rule={rule!r}")
    suggestion = finder.suggestion if rule is None else finder.suggestions[rule]
    if suggestion is None or suggestion.learning_rate is None:
        reason = suggestion.reason if suggestion is not None else None
        raise ValueError(
            f"There is no suggestion to apply: {reason} To set a learning rate of your own: "
            "model.optimizer.learning_rate = 1e-3"
        )
    return suggestion.learning_rate


def _check_settable(optimizer: Any, rate: float) -> None:
    own = internals.own_learning_rate(optimizer)
    if isinstance(own, keras.optimizers.schedules.LearningRateSchedule):
        kind = type(own).__name__
        raise TypeError(
            f"The learning rate of {optimizer.name!r} is a schedule, {kind}, and what the suggestion is to "
            "it only you can say. For a schedule that starts from the suggestion, build the optimizer with "
            f"it: keras.optimizers.{type(optimizer).__name__}(learning_rate=keras.optimizers.schedules.{kind}"
            f"({rate:.3g}, ...)); for a constant one: "
            f"keras.optimizers.{type(optimizer).__name__}(learning_rate={rate:.3g})"
        )
    if not isinstance(own, keras.Variable):
        raise TypeError(
            f"The learning rate of {optimizer.name!r} is a callable. Have it return {rate:.3g}, or build the "
            f"optimizer with keras.optimizers.{type(optimizer).__name__}(learning_rate={rate:.3g})"
        )
