"""Length of a sweep, and whether `fit` is long enough for it. Independent of Keras."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The length of a sweep.

    Args:
        num_steps: Steps of the ramp.
        batches_per_step: Batches with the same learning rate.
        first_position: Number of batches of the first step that were already consumed by an unfinished
            gradient accumulation.
    """

    num_steps: int
    batches_per_step: int
    first_position: int = 0

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
) -> Plan:
    """The plan of a sweep with one step every `batches_per_step` batches.

    Args:
        num_steps: Steps of the ramp; None uses all batches of `fit`.
        batches_per_step: Batches with the same learning rate.
        first_position: Batches of the first step that were already consumed.
        batches_per_epoch: None if unknown.
        first_epoch: Index of the first epoch, greater than 0 with `initial_epoch`.
        epochs: Index after that of the last epoch.

    Raises:
        ValueError: If `fit` is too short for the ramp, or `num_steps` is None and its length is unknown.
    """
    available = None if batches_per_epoch is None else batches_per_epoch * (epochs - first_epoch)
    if num_steps is None:
        if available is None:
            raise ValueError(
                "`num_steps=None` requires data with a known number of batches. "
                "Pass `num_steps` to `LRFinder`, or `steps_per_epoch` to `fit()`."
            )
        num_steps = (available + first_position) // batches_per_step
        if num_steps < 2:
            raise ValueError(
                f"`num_steps=None` uses all batches of `fit()`, but {available} batches are too few for a "
                f"ramp with {batches_per_step} batches per step. Pass a larger `epochs` to `fit()`."
            )
    plan = Plan(num_steps, batches_per_step, first_position)
    if available is not None and batches_per_epoch and available < plan.num_batches:
        needed = first_epoch + math.ceil(plan.num_batches / batches_per_epoch)
        each = f" of {batches_per_step} batches" if batches_per_step > 1 else ""
        raise ValueError(
            f"The ramp needs {plan.num_batches} batches ({num_steps} steps{each}), but `fit()` only has "
            f"{available} ({batches_per_epoch} per epoch). Pass epochs={needed} to `fit()`, or "
            "num_steps=None to `LRFinder` to use all available batches."
        )
    return plan


def plan_epochs(num_steps: int | None, first_epoch: int, epochs: int) -> Plan:
    """The plan of a sweep with one step per epoch.

    Raises:
        ValueError: If `fit` has too few epochs for the ramp.
    """
    available = epochs - first_epoch
    num_steps = available if num_steps is None else num_steps
    if available < num_steps or num_steps < 2:
        raise ValueError(
            f"With per='epoch' the ramp needs {max(num_steps, 2)} epochs, but `fit()` only has {available}. "
            f"Pass epochs={first_epoch + max(num_steps, 2)} to `fit()`."
        )
    return Plan(num_steps, batches_per_step=1)
