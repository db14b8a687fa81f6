"""The arguments of `LRFinder`, checked and normalized."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tb_lrfinder import checks
from tb_lrfinder.analysis.divergence import Divergence
from tb_lrfinder.analysis.ramp import RAMPS

PER: Final = ("batch", "epoch")
THEN: Final = ("train",)


@dataclass(frozen=True)
class Settings:
    """The arguments of `LRFinder` as plain Python values, see there."""

    log_dir: str | None
    start_lr: float | None
    end_lr: float
    num_steps: int | None
    ramp: str
    per: str
    batches_per_step: int
    stop: Divergence | None
    validation_data: Any
    validation_samples: int
    monitor: str
    optimizer: str | None
    restore: bool
    smoothing: float
    delta_window: int
    seed: int | None
    verbose: int
    then: str | None

    @classmethod
    def checked(cls, **arguments: Any) -> Settings:
        """The settings for arguments as they were passed.

        NumPy scalars become Python numbers, a path becomes a string, and `stop` a `Divergence` or `None`.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If it is out of range. Both name the argument and what was received.
        """
        settings = cls(**{name: _CHECKS[name](name, value) for name, value in arguments.items()})
        if settings.start_lr is not None and not settings.start_lr < settings.end_lr:
            raise ValueError(
                "`start_lr` must be less than `end_lr`. "
                f"Received: start_lr={settings.start_lr!r}, end_lr={settings.end_lr!r}"
            )
        if settings.per == "epoch" and settings.batches_per_step != 1:
            raise ValueError(
                "`batches_per_step` must be 1 with per='epoch', where each step is one epoch. "
                f"Received: batches_per_step={settings.batches_per_step!r}"
            )
        if settings.then == "train" and not settings.restore:
            raise ValueError(
                "`restore` must be True with then='train', which trains the model from its state before the "
                f"sweep. Received: restore={settings.restore!r}"
            )
        return settings

    @property
    def trains(self) -> bool:
        """Whether the same `fit` trains the model after the sweep."""
        return self.then == "train"


def _or_none(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    return lambda name, value: None if value is None else check(name, value)


def _divergence(name: str, stop: Any) -> Divergence | None:
    if stop is None or isinstance(stop, Divergence):
        return stop
    if isinstance(stop, str) and stop == "divergence":
        return Divergence()
    kind = ValueError if isinstance(stop, str) else TypeError
    raise kind(
        f"`{name}` must be 'divergence', a tb_lrfinder.Divergence instance, or None to always complete the "
        f"ramp. Received: {name}={stop!r}"
    )


_CHECKS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "log_dir": lambda name, value: checks.check_log_dir(value),
    "start_lr": _or_none(partial(checks.check_number, above=0, or_none=True)),  # None: see `with_start_lr`
    "end_lr": partial(checks.check_number, above=0),
    "num_steps": _or_none(partial(checks.check_integer, at_least=2, or_none=True)),
    "ramp": partial(checks.check_choice, allowed=RAMPS),
    "per": partial(checks.check_choice, allowed=PER),
    "batches_per_step": partial(checks.check_integer, at_least=1),
    "stop": _divergence,
    "validation_data": lambda name, value: value,  # read when the sweep starts
    "validation_samples": partial(checks.check_integer, at_least=1),
    "monitor": partial(checks.check_string, expected="a string, the name of a loss"),
    "optimizer": _or_none(
        partial(checks.check_string, expected="a string, the name of an optimizer of the model, or None")
    ),
    "restore": checks.check_boolean,
    "smoothing": checks.check_smoothing,
    "delta_window": checks.check_delta_window,
    "seed": _or_none(partial(checks.check_integer, at_least=0, or_none=True)),
    "verbose": lambda name, value: checks.check_verbose(value),
    "then": _or_none(partial(checks.check_choice, allowed=THEN, or_none=True)),
}
