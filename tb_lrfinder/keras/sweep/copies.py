"""Copies of a finder: what travels with them, and which of them may sweep."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tb_lrfinder.keras.sweep.lr_finder import LRFinder

_OF_THE_FIT: Final = frozenset(
    {"_model", "params", "validation_data", "_fit", "_neighbours", "_has_last_word"}
)


def without_fit(finder: LRFinder) -> dict[str, Any]:
    """The arguments and results of a finder, without the model and the fit they came from."""
    return {name: value for name, value in vars(finder).items() if name not in _OF_THE_FIT}


def for_pickling(finder: LRFinder) -> dict[str, Any]:
    """The same without the validation data, which may be of any size and kind."""
    settings = finder._settings
    lost = finder._lost_validation_data or settings.validation_data is not None
    changed = {"_settings": replace(settings, validation_data=None), "_lost_validation_data": lost}
    return without_fit(finder) | changed


def shallow(finder: LRFinder) -> LRFinder:
    """For `copy.copy`: a finder of its own, with the same data."""
    twin = type(finder).__new__(type(finder))
    twin.__setstate__(without_fit(finder))
    return twin


def deep(finder: LRFinder, memo: dict[int, Any]) -> LRFinder:
    """For `copy.deepcopy`: results to keep. The validation data are shared, not copied."""
    memo[id(finder._settings)] = finder._settings
    twin = type(finder).__new__(type(finder))
    memo[id(finder)] = twin
    twin.__setstate__(copy.deepcopy(without_fit(finder), memo) | {"_is_deep_copy": True})
    return twin


def check_may_sweep(finder: LRFinder) -> None:
    """Refuse copies that nobody would see the results of.

    Raises:
        ValueError: Says why, and what to do instead.
    """
    if finder._is_deep_copy:
        raise ValueError(
            "This LRFinder is a deep copy, as KerasTuner's `search(callbacks=...)` and scikit-learn's "
            "`clone` and `cross_val_score` make of callbacks. Each such fit would only sweep and "
            "train nothing, and the finder that you hold would stay empty. In a tuner, call "
            "`tb_lrfinder.find_lr(model, x, y)` inside of `HyperModel.fit`, or before the search; for "
            "another sweep of your own, create another LRFinder(...)."
        )
    if finder._lost_validation_data:
        raise ValueError(
            "This LRFinder was unpickled, and the `validation_data` that it had do not travel with it. "
            "Create it anew: LRFinder(..., validation_data=...)."
        )
