"""Sets a suggested learning rate on the optimizer of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tb_lrfinder.analysis.suggestion import DEFAULT_RULE, Suggestion
from tb_lrfinder.checks import check_boolean, check_choice
from tb_lrfinder.formatting import rate_text
from tb_lrfinder.keras import backend
from tb_lrfinder.keras.sweep.optimizers import COMPILED, find_optimizer
from tb_lrfinder.keras.sweep.set_learning_rate import set_learning_rate


def apply_suggestion(
    model: Any | None,
    names: Sequence[str],
    suggestions: Mapping[str, Suggestion],
    rule: str | None,
    scale_schedule: bool = True,
    verbose: int = 1,
) -> float:
    """Set the suggested learning rate and return it, see `LRFinder.apply`.

    Args:
        model: The swept model; None if there is none.
        names: Names of the swept optimizers, the reference first.
        suggestions: By rule; empty before the end of a sweep.
        rule: Name of a rule; None for the default rule.
        scale_schedule: Whether a schedule may be scaled.
        verbose: Whether to print that it was.
    """
    check_boolean("scale_schedule", scale_schedule)
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
    change = set_learning_rate(
        model, _named(model, names), suggestion.learning_rate, scale_schedule=scale_schedule
    )
    if change.message and verbose and backend.is_first_process():
        print(change.message)
    return change.learning_rate


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
