"""Other callbacks of the same `fit`: conflicts with a sweep, and callback order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from tb_lrfinder.keras import internals
from tb_lrfinder.keras.callback_order import run_last

_USE_IT_TO_TRAIN = "Use it in the fit() that trains the model."


class OtherCallbacks:
    """The callbacks of the same `fit` as the finder.

    Args:
        callbacks: The `CallbackList` of Keras; None if not found, as in a custom training loop.
    """

    def __init__(self, callbacks: Any | None) -> None:
        self.callbacks = callbacks

    @classmethod
    def of(cls, finder: Any) -> OtherCallbacks:
        """The callbacks of the list that is calling `finder.set_model()`."""
        callbacks = internals.callback_list(finder)
        if callbacks is not None:
            internals.call_in_this_thread(callbacks)
        return cls(callbacks)

    def run_last(self, finder: Any, on_train_end: Callable[[], None]) -> bool:
        """Call `on_train_end` after all other callbacks; return False if that is not possible."""
        if self.callbacks is None:
            return False
        run_last(self.callbacks, finder, on_train_end=lambda logs: on_train_end())
        return True

    def check(self, finder: Any, kind: type, *, restore: bool, one_epoch: bool = True) -> None:
        """Raise an error if other callbacks conflict with the sweep.

        Args:
            finder: The callback of the sweep.
            kind: Class of the callbacks that run a sweep.
            restore: Whether the model is restored after the sweep.
            one_epoch: Whether the sweep ends within the first epoch, so that the model is restored at the
                end of each epoch. True also if that is not known yet.

        Raises:
            ValueError: Names each callback and the reason.
        """
        conflicts = [
            f"Remove {type(callback).__name__} from the callbacks of this fit(): {reason}"
            for callback in self._others(finder)
            if (reason := _conflict(callback, kind, restore, one_epoch))
        ]
        if conflicts:
            raise ValueError("\n".join(conflicts))

    def _others(self, finder: Any) -> list[Any]:
        if self.callbacks is None:
            return []
        return [callback for callback in self.callbacks.callbacks if callback is not finder]


def _conflict(callback: Any, kind: type, restore: bool, one_epoch: bool) -> str | None:
    kinds = keras.callbacks
    if isinstance(callback, kind):
        return "only one sweep can run at a time. Use a separate fit() for each sweep."
    if isinstance(callback, kinds.BackupAndRestore):
        return (
            "it would treat the sweep as training, start it from an existing backup, and delete that backup "
            f"afterward. {_USE_IT_TO_TRAIN}"
        )
    if isinstance(callback, kinds.ModelCheckpoint) or "OrbaxCheckpoint" in _class_names(callback):
        if not restore:
            return f"with restore=False it would save the swept model. {_USE_IT_TO_TRAIN}"
        if getattr(callback, "save_freq", "epoch") != "epoch":
            return (
                "it saves between batches and would save the model in the middle of the sweep. "
                f"{_USE_IT_TO_TRAIN}"
            )
        if not one_epoch:
            return (
                "this sweep may take more than one epoch, and it would save the swept model after each of "
                f"them. {_USE_IT_TO_TRAIN}"
            )
    if isinstance(callback, kinds.EarlyStopping) and not one_epoch:
        return (
            "this sweep may take more than one epoch, and it would stop the sweep as soon as the loss "
            "increases. The sweep stops on its own."
        )
    return None


def _class_names(callback: Any) -> list[str]:
    return [kind.__name__ for kind in type(callback).__mro__]
