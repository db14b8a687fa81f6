"""Length of a sweep, and whether `fit` is long enough for it. Independent of Keras."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

SHORTEST_RAMP: Final = 30
"""Steps of the shortest ramp that is planned where the requested one does not fit."""

_SHORTEST_OF_ALL: Final = 2  # with num_steps=None, which asks for whatever there is
_RAMPS_PER_FIT: Final = 4  # a `fit` that also trains is at least that many times as long as the ramp


@dataclass(frozen=True)
class Plan:
    """The length of a sweep.

    Args:
        num_steps: Steps of the ramp.
        batches_per_step: Batches with the same learning rate.
        first_position: Number of batches of the first step that were already consumed by an unfinished
            gradient accumulation.
        requested_steps: The requested number of steps, if `fit` is too short for it.
    """

    num_steps: int
    batches_per_step: int
    first_position: int = 0
    requested_steps: int | None = None

    @property
    def num_batches(self) -> int:
        """Number of batches of the whole sweep."""
        return self.num_steps * self.batches_per_step - self.first_position


def plan_batches(
    num_steps: int | None,
    batches_per_step: int,
    first_position: int,
    batches_per_epoch: int | None,
    first_epoch: int,
    epochs: int,
    *,
    then_train: bool = False,
) -> Plan:
    """The plan of a sweep with one step every `batches_per_step` batches.

    If `fit` is too short for the ramp, the ramp becomes shorter, but not shorter than `SHORTEST_RAMP`.

    Args:
        num_steps: Steps of the ramp; None uses all batches that it may use.
        batches_per_step: Batches with the same learning rate.
        first_position: Batches of the first step that were already consumed.
        batches_per_epoch: None if unknown.
        first_epoch: Index of the first epoch, greater than 0 with `initial_epoch`.
        epochs: Index after that of the last epoch.
        then_train: Whether `fit` also trains the model, so that the ramp may only use a quarter of it.

    Raises:
        ValueError: If `fit` is too short, or `num_steps` is None and its length is unknown.
    """
    if not batches_per_epoch:
        if num_steps is None:
            raise ValueError(
                "`num_steps=None` requires data with a known number of batches. "
                "Pass `num_steps` to `LRFinder`, or `steps_per_epoch` to `fit()`."
            )
        return Plan(num_steps, batches_per_step, first_position)
    available = batches_per_epoch * (epochs - first_epoch)
    usable = available // _RAMPS_PER_FIT if then_train else available
    steps = _steps(num_steps, (usable + first_position) // batches_per_step, then_train)
    if steps is not None:
        return Plan(steps, batches_per_step, first_position, _requested(num_steps, steps, then_train))
    if num_steps is None and not then_train:
        raise ValueError(
            f"`num_steps=None` uses all batches of `fit()`, but {available} batches are too few for a "
            f"ramp with {batches_per_step} batches per step. Pass a larger `epochs` to `fit()`."
        )
    required = Plan(_required(num_steps, then_train), batches_per_step, first_position)
    each = f" of {batches_per_step} batches" if batches_per_step > 1 else ""
    needed = required.num_batches * (_RAMPS_PER_FIT if then_train else 1)
    advice = f"Pass epochs={first_epoch + math.ceil(needed / batches_per_epoch)} to `fit()`"
    if then_train:
        raise ValueError(
            "With then='train', the ramp may use a quarter of the batches of `fit()`. A ramp of "
            f"{required.num_steps} steps{each} needs {needed} batches in all, but `fit()` only has "
            f"{available} ({batches_per_epoch} per epoch). {advice}."
        )
    raise ValueError(
        f"The ramp needs {needed} batches ({num_steps} steps{each}), but `fit()` only has "
        f"{available} ({batches_per_epoch} per epoch). {advice}, or num_steps=None to `LRFinder` to use all "
        "available batches."
    )


def plan_epochs(num_steps: int | None, first_epoch: int, epochs: int, *, then_train: bool = False) -> Plan:
    """The plan of a sweep with one step per epoch. See `plan_batches`.

    Raises:
        ValueError: If `fit` has too few epochs.
    """
    available = epochs - first_epoch
    possible = available // _RAMPS_PER_FIT if then_train else available
    steps = _steps(num_steps, possible, then_train)
    if steps is not None:
        return Plan(steps, batches_per_step=1, requested_steps=_requested(num_steps, steps, then_train))
    required = _required(num_steps, then_train)
    if then_train:
        needed = required * _RAMPS_PER_FIT
        raise ValueError(
            "With then='train', the ramp may use a quarter of the epochs of `fit()`. With per='epoch', "
            f"a ramp of {required} steps needs {needed} epochs in all, but `fit()` only has {available}. "
            f"Pass epochs={first_epoch + needed} to `fit()`."
        )
    raise ValueError(
        f"With per='epoch' the ramp needs {required} epochs, but `fit()` only has {available}. "
        f"Pass epochs={first_epoch + required} to `fit()`."
    )


def _steps(num_steps: int | None, possible: int, then_train: bool) -> int | None:
    """The steps of the ramp if `possible` ones are; None if these are too few."""
    if num_steps is not None and num_steps <= possible:
        return num_steps
    return possible if possible >= _least(num_steps, then_train) else None


def _least(num_steps: int | None, then_train: bool) -> int:
    """Steps of the shortest ramp that may replace the requested one."""
    return _SHORTEST_OF_ALL if num_steps is None and not then_train else SHORTEST_RAMP


def _required(num_steps: int | None, then_train: bool) -> int:
    """Steps of the ramp for which the error names the length of `fit`."""
    if not then_train:
        return num_steps or _SHORTEST_OF_ALL
    return min(num_steps or SHORTEST_RAMP, SHORTEST_RAMP)


def _requested(num_steps: int | None, steps: int, then_train: bool) -> int | None:
    """The requested steps, if only a short `fit` is the reason for fewer steps."""
    return None if then_train or num_steps == steps else num_steps
