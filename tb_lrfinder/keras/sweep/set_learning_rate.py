"""Sets a learning rate on the optimizers of a model, also if they have schedules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras

from tb_lrfinder.formatting import number_text, rate_text
from tb_lrfinder.keras import internals
from tb_lrfinder.keras.learning_rate import (
    leaf_optimizers,
    reference_optimizer,
    relative_rates,
    schedule_name,
)
from tb_lrfinder.keras.nested_functions import forget_traces
from tb_lrfinder.keras.schedules import has_schedule, highest_rate, scaled

_ROUNDING: Final = 1e-6
"""A schedule whose peak is this close, relative to the learning rate, keeps its arguments."""


@dataclass(frozen=True)
class SetLearningRate:
    """What was set on the optimizers.

    Args:
        learning_rate: That of the reference optimizer, or the peak of its schedule.
        message: The line that tells about scaled schedules; empty if there is none.
    """

    learning_rate: float
    message: str = ""


def set_learning_rate(
    model: Any,
    optimizers: Sequence[Any],
    rate: float,
    *,
    num_steps: int | None = None,
    scale_schedule: bool = True,
) -> SetLearningRate:
    """Set the learning rate of the first optimizer, and keep the ratio of the others to it.

    A schedule is replaced by the same one with all its learning rates multiplied by a constant: that of the
    first optimizer has its peak at `rate` then. The next `fit` traces its train step anew to use it.

    Args:
        model: A compiled model.
        optimizers: Those of its optimizers whose learning rates are set, the reference first.
        rate: The learning rate of the reference, or the peak of its schedule.
        num_steps: Number of steps of the training, see `peak`.
        scale_schedule: Whether schedules may be replaced.

    Raises:
        TypeError: If a learning rate is a callable, or a schedule that may not be replaced. Nothing has been
            changed then.
        ValueError: If the learning rate of the reference is 0, so that there is no ratio, or if its schedule
            has no positive one.
    """
    leaves, reference = leaf_optimizers(*optimizers), reference_optimizer(optimizers[0])
    for leaf in leaves:
        _check_settable(leaf, rate, scale_schedule)
    if not any(map(has_schedule, leaves)):
        for leaf, ratio in zip(leaves, relative_rates(*optimizers), strict=True):
            leaf.learning_rate = rate * ratio
        return SetLearningRate(internals.current_learning_rate(reference))
    highest = highest_rate(reference, num_steps)
    if highest == 0:
        raise ValueError(
            "The learning rates of several optimizers are scaled relative to that of the first one, which "
            f"must be positive. Received: a learning rate of 0 for {reference.name!r}"
        )
    factor = rate / highest
    if math.isclose(factor, 1, rel_tol=_ROUNDING):
        return SetLearningRate(highest)
    names = [f"{schedule_name(leaf)} of {leaf.name!r}" for leaf in leaves if has_schedule(leaf)]
    for leaf in leaves:
        if has_schedule(leaf):
            leaf.learning_rate = scaled(internals.own_learning_rate(leaf), factor)
        else:
            leaf.learning_rate = highest_rate(leaf) * factor
    if any(map(internals.iterations, leaves)):  # a train step has been traced with the old schedules
        forget_traces(model)
    highest = highest_rate(reference, num_steps)
    return SetLearningRate(
        highest,
        f"LR Finder: multiplied the learning rates of the {'schedules' if len(names) > 1 else 'schedule'} "
        f"{' and '.join(names)} by {number_text(factor, 3)}; the highest one of {reference.name!r} is now "
        f"{rate_text(highest)}.",
    )


def _check_settable(optimizer: Any, rate: float, scale_schedule: bool) -> None:
    own = internals.own_learning_rate(optimizer)
    kind = f"keras.optimizers.{type(optimizer).__name__}"
    if has_schedule(optimizer):
        if scale_schedule:
            return
        schedule = type(own).__name__
        raise TypeError(
            f"The learning rate of {optimizer.name!r} is a schedule, {schedule}, which LRFinder only sets "
            "with scale_schedule=True. For a schedule that starts at the suggested learning rate, create "
            "the optimizer with "
            f"{kind}(learning_rate=keras.optimizers.schedules.{schedule}({rate_text(rate)}, ...)). "
            f"For a constant learning rate, use {kind}(learning_rate={rate_text(rate)})"
        )
    if not isinstance(own, keras.Variable):
        raise TypeError(
            f"The learning rate of {optimizer.name!r} is a callable, which LRFinder cannot set. Make it "
            f"return {rate_text(rate)}, or create the optimizer with {kind}(learning_rate={rate_text(rate)})"
        )
