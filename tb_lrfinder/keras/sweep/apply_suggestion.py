"""Sets a suggested learning rate on the optimizer of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from tb_lrfinder.analysis.suggestion import DEFAULT_RULE, Suggestion
from tb_lrfinder.checks import check_choice
from tb_lrfinder.formatting import rate_text
from tb_lrfinder.keras import internals
from tb_lrfinder.keras.learning_rate import leaf_optimizers, reference_optimizer, relative_rates
from tb_lrfinder.keras.sweep.optimizers import COMPILED, find_optimizer


def apply_suggestion(
    model: Any | None, names: Sequence[str], suggestions: Mapping[str, Suggestion], rule: str | None
) -> float:
    """Set the suggested learning rate and return it, see `LRFinder.apply`.

    Args:
        model: The swept model; None if there is none.
        names: Names of the swept optimizers, the reference first.
        suggestions: By rule; empty before the end of a sweep.
        rule: Name of a rule; None for the default rule.
    """
    if not suggestions:
        raise ValueError("There is no suggestion to apply. Run `model.fit(..., callbacks=[finder])` first.")
    suggestion = suggestions[DEFAULT_RULE if rule is None else check_choice("rule", rule, list(suggestions))]
    if suggestion.learning_rate is None:
        raise ValueError(
            f"There is no suggestion to apply: {suggestion.reason} "
            f"To set a learning rate manually, use `model.{names[0]}.learning_rate = 1e-3`."
        )
    if model is None:
        raise ValueError(
            "This finder has no model because it was unpickled or has not been run. Set the learning rate "
            f"with `model.{names[0]}.learning_rate = {rate_text(suggestion.learning_rate)}`."
        )
    optimizers = _named(model, names)
    leaves, factors = leaf_optimizers(*optimizers), relative_rates(*optimizers)
    for leaf in leaves:
        _check_settable(leaf, suggestion.learning_rate)
    for leaf, factor in zip(leaves, factors, strict=True):
        leaf.learning_rate = suggestion.learning_rate * factor
    return internals.current_learning_rate(reference_optimizer(optimizers[0]))


def _named(model: Any, names: Sequence[str]) -> list[Any]:
    if tuple(names) == (COMPILED,):
        return [model.optimizer]
    optimizers = {name: find_optimizer(model, name) for name in names}
    for name, optimizer in optimizers.items():
        if optimizer is None:
            raise ValueError(
                f"{type(model).__name__} no longer has the optimizer {name!r} that was swept. Run "
                "another sweep with the new optimizers."
            )
    return list(optimizers.values())


def _check_settable(optimizer: Any, rate: float) -> None:
    own = internals.own_learning_rate(optimizer)
    kind = f"keras.optimizers.{type(optimizer).__name__}"
    if isinstance(own, keras.optimizers.schedules.LearningRateSchedule):
        schedule = type(own).__name__
        raise TypeError(
            f"The learning rate of {optimizer.name!r} is a schedule, {schedule}, and LRFinder cannot map the "
            "suggestion onto a schedule. For a schedule that starts at the suggested learning rate, create "
            "the optimizer with "
            f"{kind}(learning_rate=keras.optimizers.schedules.{schedule}({rate_text(rate)}, ...)). "
            f"For a constant learning rate, use {kind}(learning_rate={rate_text(rate)})"
        )
    if not isinstance(own, keras.Variable):
        raise TypeError(
            f"The learning rate of {optimizer.name!r} is a callable, which LRFinder cannot set. Make it "
            f"return {rate_text(rate)}, or create the optimizer with {kind}(learning_rate={rate_text(rate)})"
        )
