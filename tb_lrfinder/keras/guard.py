"""Notices the next `fit` of a model whose sweep was cut short, also when it is one without the finder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def guard(model: Any, restore: Callable[[], None]) -> None:
    """Have `restore` called before the model's next `fit`, or `train_on_batch`, does anything to it.

    `make_train_function` is what every backend's `fit` calls first. After an error outside of the train
    step, or a Ctrl-C there, nothing else tells a callback that its fit is over.
    """

    def guarded_make_train_function(force: bool = False) -> Any:
        unguard(model)
        restore()
        return model.make_train_function(force=force)

    object.__setattr__(model, "make_train_function", guarded_make_train_function)


def unguard(model: Any) -> None:
    """Take the guard away again. May be called without one."""
    vars(model).pop("make_train_function", None)
