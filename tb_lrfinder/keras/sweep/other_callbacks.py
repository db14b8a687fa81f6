"""Other callbacks of the same `fit`: which are muted during a sweep, and callback order."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any, Final

import keras

from tb_lrfinder.keras import internals
from tb_lrfinder.keras.callback_order import run_first, run_last

# These act on the training: they would save swept weights, stop the sweep, or change its learning rate.
_MUTED_KINDS: Final = (
    "BackupAndRestore",
    "EarlyStopping",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "OrbaxCheckpoint",  # not in all supported versions of Keras
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TerminateOnNaN",
)
# The same kinds in other libraries: MLflow's MlflowModelCheckpointCallback, KerasTuner's SaveBestEpoch, ...
_MUTED_NAMES: Final = re.compile("checkpoint|early_?stop|save_?best", re.IGNORECASE)


class OtherCallbacks:
    """The callbacks of the same `fit` as the finder.

    Args:
        callbacks: The `CallbackList` of Keras; None if not found, as in a custom training loop.
    """

    def __init__(self, callbacks: Any | None) -> None:
        self.callbacks = callbacks
        self._muted: list[Any] = []
        self._order: list[Any] = []  # of all callbacks, before some were muted

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

    def run_around(
        self, finder: Any, first: dict[str, Callable[..., None]], last: dict[str, Callable[..., None]]
    ) -> None:
        """Call functions before and after all other callbacks, by the names of their hooks.

        Raises:
            ValueError: If the callbacks were not found.
        """
        if self.callbacks is None:
            raise ValueError(
                "LRFinder(then='train') must be one of the callbacks of `fit()`. In a custom training loop, "
                "run a sweep with `find_lr`, and call `finder.apply()`."
            )
        run_first(self.callbacks, finder, **first)
        run_last(self.callbacks, finder, **last)

    def check(self, finder: Any, kind: type) -> None:
        """Raise an error if another callback runs a sweep as well.

        Args:
            finder: The callback of the sweep.
            kind: Class of the callbacks that run a sweep.

        Raises:
            ValueError: If there is another one.
        """
        if any(isinstance(callback, kind) for callback in self._others(finder)):
            raise ValueError(
                "Remove one LRFinder from the callbacks of this fit(): only one sweep can run at a time. "
                "Use a separate fit() for each sweep."
            )

    def check_for_training(self, finder: Any) -> None:
        """Raise an error if another callback sets the learning rate of the training after the sweep.

        Raises:
            ValueError: If there is a `LearningRateScheduler`.
        """
        if any(isinstance(one, keras.callbacks.LearningRateScheduler) for one in self._others(finder)):
            raise ValueError(
                "LRFinder(then='train') and LearningRateScheduler cannot be used in the same fit(), because "
                "LearningRateScheduler would overwrite the suggested learning rate. Use a schedule of "
                "`keras.optimizers.schedules` as the learning rate of the optimizer, which is scaled to the "
                "suggestion, or run the sweep in a fit() of its own."
            )

    def mute(self, finder: Any) -> None:
        """Keep Keras from calling the callbacks that act on the training, in a `fit` that only sweeps.

        Not even `on_train_begin` and `on_train_end` are called, because `BackupAndRestore` loads a backup in
        the one and deletes it in the other. A warning names the muted callbacks.
        """
        muted = [callback for callback in self._others(finder) if _acts_on_training(callback)]
        if not muted:
            return
        names = ", ".join(dict.fromkeys(type(callback).__name__ for callback in muted))
        warnings.warn(
            f"This fit() only runs a learning-rate sweep, so LRFinder does not let it call: {names}.",
            UserWarning,
            stacklevel=2,
        )
        assert self.callbacks is not None
        self._muted, self._order = muted, self.callbacks.callbacks
        # A new list, because Keras is iterating over the old one.
        self.callbacks.callbacks = [each for each in self._order if not _is_in(each, muted)]

    def mute_until_training(self, finder: Any) -> None:
        """Keep Keras from calling the callbacks that act on the training or record it, until it starts.

        If this is called by a hook that comes before all others, that includes the rest of this hook.
        Idempotent.
        """
        if self.callbacks is None or self._muted:
            return
        self._muted = [one for one in self._others(finder) if _acts_on_training(one) or _is_trial(one)]
        self._order = [*self.callbacks.callbacks]
        # The same list, because Keras is iterating over it.
        self.callbacks.callbacks[:] = [each for each in self._order if not _is_in(each, self._muted)]

    def unmute(self) -> None:
        """Let Keras call all callbacks again, in their order. Idempotent."""
        if self.callbacks is None or not self._muted:
            return
        now = self.callbacks.callbacks
        self.callbacks.callbacks = [
            *(each for each in self._order if _is_in(each, now) or _is_in(each, self._muted)),
            *(each for each in now if not _is_in(each, self._order)),
        ]
        self._muted, self._order = [], []

    def wake(self, epoch: int, batch: int, logs: Any) -> None:
        """Unmute before a batch, with the hooks that were not called since the beginning of its epoch."""
        woken = self._muted
        self.wake_for_epoch(epoch)
        for callback in woken:
            callback.on_epoch_begin(epoch)
            callback.on_train_batch_begin(batch, logs)

    def wake_for_epoch(self, epoch: int) -> None:
        """Unmute before an epoch begins."""
        for callback in self._muted:
            if isinstance(callback, keras.callbacks.BackupAndRestore):
                internals.set_epoch_of_backup(callback, epoch)
        self.unmute()

    def clear_progress_bars(self) -> None:
        """Keep the losses of a sweep out of the mean that older versions of Keras show."""
        if self.callbacks is not None:
            internals.clear_progress_bars(self.callbacks)

    def makes_backups(self, finder: Any) -> bool:
        """Whether there is a `BackupAndRestore`."""
        return bool(self._backups(finder))

    def has_backup(self, finder: Any) -> bool:
        """Whether a `BackupAndRestore` resumes an earlier training run."""
        return any(map(internals.has_backup, self._backups(finder)))

    def _backups(self, finder: Any) -> list[Any]:
        return [one for one in self._others(finder) if isinstance(one, keras.callbacks.BackupAndRestore)]

    def _others(self, finder: Any) -> list[Any]:
        if self.callbacks is None:
            return []
        return [callback for callback in self.callbacks.callbacks if callback is not finder]


def _is_in(callback: Any, callbacks: list[Any]) -> bool:
    return any(callback is each for each in callbacks)


def _acts_on_training(callback: Any) -> bool:
    kinds = tuple(kind for name in _MUTED_KINDS if (kind := getattr(keras.callbacks, name, None)) is not None)
    return isinstance(callback, kinds) or any(
        _MUTED_NAMES.search(kind.__name__) for kind in type(callback).__mro__
    )


def _is_trial(callback: Any) -> bool:
    """Whether `callback` is an `LRTrial`, which this package may not import."""
    return any(kind.__name__ == "LRTrial" for kind in type(callback).__mro__)
