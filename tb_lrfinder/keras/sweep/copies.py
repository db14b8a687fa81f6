"""Copies of a finder: what they keep, and which of them may sweep."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Final, TypeVar

import keras

from tb_lrfinder.keras import internals
from tb_lrfinder.keras.sweep.other_callbacks import OtherCallbacks
from tb_lrfinder.keras.sweep.outcome import SweepOutcome
from tb_lrfinder.keras.sweep.settings import Settings
from tb_lrfinder.keras.sweep.sweep_fit import SweepFit
from tb_lrfinder.keras.sweep.then_train import ThenTrain

_ATTRIBUTES_OF_FIT: Final = frozenset({"_fit", "_other_callbacks", "_runs_last", "_then_train"})

Finder = TypeVar("Finder", bound="CopyableFinder")


class CopyableFinder(keras.callbacks.Callback):
    """The state of a finder: copies keep its arguments and results, but not the model and the `fit`.

    Args:
        settings: The arguments of `LRFinder`.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._outcome = SweepOutcome.none(settings.log_dir)
        self._is_deep_copy = False
        self._lost_validation_data = False
        self._forget_fit()

    def _forget_fit(self) -> None:
        self._fit: SweepFit | None = None  # while it runs
        self._other_callbacks = OtherCallbacks(None)
        self._runs_last = False  # whether the end of the sweep comes after all other callbacks
        self._then_train: ThenTrain | None = None  # with then="train"

    def _check_may_sweep(self) -> None:
        """Refuse copies whose results nobody would see.

        Raises:
            ValueError: If this is a deep copy, or was unpickled without its validation data.
        """
        if self._is_deep_copy and not self._settings.trains:
            raise ValueError(
                "This LRFinder is a deep copy, as created by `search(callbacks=...)` of KerasTuner and by "
                "`clone` and `cross_val_score` of scikit-learn. Each such fit would only run a sweep and not "
                "train the model, and the original finder would have no results. In a tuner, call "
                "`tb_lrfinder.find_lr(model, x, y)` in `HyperModel.fit`, or before the search, or pass "
                "LRFinder(..., then='train'), so that each fit trains the model after its sweep. For another "
                "sweep, create another LRFinder(...)."
            )
        if self._lost_validation_data:
            raise ValueError(
                "This LRFinder was unpickled without its `validation_data`, which is not pickled. "
                "Create a new one: LRFinder(..., validation_data=...)."
            )

    def __getstate__(self) -> dict[str, Any]:
        # Validation data may be of any size and type.
        lost = self._lost_validation_data or self._settings.validation_data is not None
        settings = replace(self._settings, validation_data=None)
        return self._state() | {"_settings": settings, "_lost_validation_data": lost}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        internals.detach_callback(self)
        self._forget_fit()

    def __copy__(self: Finder) -> Finder:
        twin = type(self).__new__(type(self))
        twin.__setstate__(self._state())
        return twin

    def __deepcopy__(self: Finder, memo: dict[int, Any]) -> Finder:
        memo[id(self._settings)] = self._settings  # with the validation data, which is shared
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__setstate__(copy.deepcopy(self._state(), memo) | {"_is_deep_copy": True})
        return twin

    def _state(self) -> dict[str, Any]:
        attributes = internals.attributes_without_fit(self)
        return {name: value for name, value in attributes.items() if name not in _ATTRIBUTES_OF_FIT}
