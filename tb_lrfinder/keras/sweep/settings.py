"""What `LRFinder` was asked for, checked."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any, Final

from tb_lrfinder.analysis.divergence import Divergence
from tb_lrfinder.analysis.ramp import RAMPS

PER: Final = ("batch", "epoch")


@dataclass(frozen=True)
class Settings:
    """The arguments of `LRFinder`, see there.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If it is out of its range. Both name the argument and what was received.
    """

    log_dir: str | None
    start_lr: float
    end_lr: float
    num_steps: int | None
    ramp: str
    per: str
    batches_per_step: int
    stop: Divergence | None
    validation_data: Any
    validation_samples: int
    monitor: str
    restore: bool
    smoothing: float
    delta_window: int
    seed: int | None
    verbose: int

    def __post_init__(self) -> None:
        for name in ("start_lr", "end_lr"):
            _check_number(name, getattr(self, name), "a positive number, such as 1e-7", above=0)
        if not self.start_lr < self.end_lr:
            raise ValueError(
                "`start_lr` must be below `end_lr`. "
                f"Received: start_lr={self.start_lr!r}, end_lr={self.end_lr!r}"
            )
        if self.num_steps is not None:
            _check_whole("num_steps", self.num_steps, 2, "or None for as many as fit() has batches for")
        if not isinstance(self.monitor, str):
            raise TypeError(f"`monitor` must be the name of a loss. Received: monitor={self.monitor!r}")
        _check_choice("ramp", self.ramp, RAMPS)
        _check_choice("per", self.per, PER)
        _check_whole("batches_per_step", self.batches_per_step, 1)
        if self.per == "epoch" and self.batches_per_step != 1:
            raise ValueError(
                "`batches_per_step` is for per='batch'; with per='epoch' a step is an epoch. "
                f"Received: batches_per_step={self.batches_per_step!r}"
            )
        _check_whole("validation_samples", self.validation_samples, 1)
        _check_number(
            "smoothing", self.smoothing, "a number of decades from 0 to 2, such as 0.2", above=-1e-300
        )
        if self.smoothing > 2:
            raise ValueError(f"`smoothing` must be at most 2 decades. Received: smoothing={self.smoothing!r}")
        _check_whole("delta_window", self.delta_window, 1)
        if self.seed is not None:
            _check_whole("seed", self.seed, 0, "or None")


def checked_stop(stop: Any) -> Divergence | None:
    """The divergence criterion that `stop` asks for; None to run on.

    Raises:
        ValueError: If it is something else.
    """
    if stop is None or isinstance(stop, Divergence):
        return stop
    if stop == "divergence":
        return Divergence()
    raise ValueError(
        "`stop` must be 'divergence', a tb_lrfinder.Divergence with settings of your own, or None to run on. "
        f"Received: stop={stop!r}"
    )


def _check_number(name: str, value: Any, what: str, above: float) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"`{name}` must be {what}. Received: {name}={value!r}")
    if not (math.isfinite(value) and float(value) > above):
        raise ValueError(f"`{name}` must be {what}. Received: {name}={value!r}")


def _check_whole(name: str, value: Any, at_least: int, also: str = "") -> None:
    allowed = f"a whole number of at least {at_least}{', ' + also if also else ''}"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"`{name}` must be {allowed}. Received: {name}={value!r}")
    if value < at_least:
        raise ValueError(f"`{name}` must be {allowed}. Received: {name}={value!r}")


def _check_choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, allowed))}. Received: {name}={value!r}"
        )
