"""The first learning rate of a ramp, for `start_lr=None`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tb_lrfinder.keras.learning_rate import reference_optimizer
from tb_lrfinder.keras.schedules import highest_rate
from tb_lrfinder.keras.sweep.optimizers import SweptOptimizers
from tb_lrfinder.keras.sweep.settings import Settings

_DIVISOR: Final = 1000


def with_start_lr(settings: Settings, optimizers: SweptOptimizers) -> Settings:
    """The settings with a number in place of `start_lr=None`.

    It is a thousandth of the learning rate of the reference optimizer, or of the peak of its schedule: at the
    present step, the schedule may be in its warmup.

    Raises:
        ValueError: If the optimizer has no positive learning rate, or one that is too large for `end_lr`.
    """
    if settings.start_lr is not None:
        return settings
    optimizer = reference_optimizer(optimizers.all[0])
    rate = highest_rate(optimizer)
    if not rate > 0:
        raise ValueError(
            "`start_lr` must be a number if the optimizer has no positive learning rate, of which None is a "
            f"thousandth. Received: start_lr=None, with a learning rate of {rate:g} for {optimizer.name!r}"
        )
    start = rate / _DIVISOR
    if not start < settings.end_lr:
        raise ValueError(
            f"`start_lr` must be less than `end_lr`. Received: start_lr=None, which is {start:g} (a "
            f"thousandth of the learning rate of {optimizer.name!r}), end_lr={settings.end_lr!r}"
        )
    return replace(settings, start_lr=start)
