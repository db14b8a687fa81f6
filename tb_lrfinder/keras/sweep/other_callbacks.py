"""The other callbacks of the same `fit`: which cannot share it with a sweep, and the last word at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from tb_lrfinder.keras import internals


class Neighbours:
    """The callbacks that run beside the finder.

    Args:
        callbacks: The list that Keras made of them; None where it could not be found, as in a training
            loop of one's own.
    """

    def __init__(self, callbacks: Any | None) -> None:
        self.callbacks = callbacks

    @classmethod
    def of(cls, finder: Any) -> Neighbours:
        """Those of the list that is calling `finder.set_model()` right now."""
        callbacks = internals.callback_list(finder)
        if callbacks is not None:
            internals.call_in_this_thread(callbacks)
        return cls(callbacks)

    def take_last_place(self, on_train_end: Callable[[], None]) -> bool:
        """Have `on_train_end` called when every other callback has had its turn; False where it cannot be."""
        if self.callbacks is None:
            return False
        self.callbacks.callbacks[:] = [c for c in self.callbacks.callbacks if not isinstance(c, _LastWord)]
        self.callbacks.callbacks.append(_LastWord(on_train_end))
        return True

    def check(self, finder: Any, *, one_epoch: bool = True) -> None:
        """Refuse the callbacks that would harm the sweep, or be harmed by it.

        Args:
            finder: The callback that asks.
            one_epoch: Whether the sweep is sure to end within the first epoch, so that the model is as
                before whenever an epoch ends. True also where that is not known yet.

        Raises:
            ValueError: Names each callback, says why, and what to do.
        """
        objections = [
            f"Take {type(callback).__name__} out of the callbacks of this fit(): {why}"
            for callback in self._others(finder)
            if (why := _objection(callback, one_epoch, finder))
        ]
        if objections:
            raise ValueError("\n".join(objections))

    def _others(self, finder: Any) -> list[Any]:
        if self.callbacks is None:
            return []
        return [callback for callback in self.callbacks.callbacks if callback is not finder]


class _LastWord(keras.callbacks.Callback):
    """Called after all callbacks that the user has listed, whatever their order."""

    def __init__(self, on_train_end: Callable[[], None]) -> None:
        super().__init__()
        self._on_train_end = on_train_end

    def on_train_end(self, logs: Any = None) -> None:
        self._on_train_end()


def _objection(callback: Any, one_epoch: bool, finder: Any) -> str | None:
    kinds = keras.callbacks
    if type(callback) is type(finder) or isinstance(callback, type(finder)):
        return "two sweeps cannot change the learning rate of one model at once. Run them in one fit() each."
    if isinstance(callback, kinds.BackupAndRestore):
        return (
            "it would count the sweep as training that is done, start it from an older backup, and delete "
            "that backup afterwards. Put it into the fit() that trains."
        )
    if isinstance(callback, kinds.ModelCheckpoint) or "OrbaxCheckpoint" in _class_names(callback):
        if not finder.restores:
            return "with restore=False it would save the swept model. Put it into the fit() that trains."
        if getattr(callback, "save_freq", "epoch") != "epoch":
            return "it saves between batches, and would save a model in the middle of the sweep."
        if not one_epoch:
            return (
                "this sweep may take more than one epoch, and it would save a swept model at the end of "
                "each. Put it into the fit() that trains."
            )
    if isinstance(callback, kinds.EarlyStopping) and not one_epoch:
        return (
            "this sweep may take more than one epoch, and as soon as the loss rises, which a sweep is meant "
            "to reach, it would end it. The sweep stops by itself."
        )
    return None


def _class_names(callback: Any) -> list[str]:
    return [kind.__name__ for kind in type(callback).__mro__]
