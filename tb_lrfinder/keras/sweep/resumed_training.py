"""The learning rate of a training run that is resumed from a backup."""

from __future__ import annotations

import warnings
from typing import Any

import keras

from tb_lrfinder.analysis.suggestion import DEFAULT_RULE, Suggestion
from tb_lrfinder.formatting import rate_text
from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.learning_rate import leaf_optimizers, reference_optimizer
from tb_lrfinder.keras.sweep.apply_in_fit import apply_in_fit
from tb_lrfinder.keras.sweep.optimizers import SweptOptimizers
from tb_lrfinder.keras.sweep.prepared_sweep import check_model
from tb_lrfinder.keras.sweep.settings import Settings
from tb_lrfinder.storage.reader import read_log_dir


def check_learning_rates(model: Any, settings: Settings, *, is_resumable: bool) -> None:
    """Check that the suggestion can be set on the optimizers of a model, and kept if the training resumes.

    Args:
        model: A compiled model.
        settings: The arguments of `LRFinder`.
        is_resumable: Whether the suggestion of a schedule can be found if the training resumes.

    Raises:
        TypeError: If a learning rate is a callable other than a schedule.
        ValueError: If it is a schedule, and not `is_resumable`.
    """
    for optimizer in leaf_optimizers(*check_model(model, settings.optimizer).described):
        own = internals.own_learning_rate(optimizer)
        is_schedule = isinstance(own, keras.optimizers.schedules.LearningRateSchedule)
        if not is_schedule and not isinstance(own, keras.Variable):
            raise TypeError(
                "With then='train', the learning rate of the optimizer must be a number or a "
                "keras.optimizers.schedules.LearningRateSchedule, which LRFinder can set. Received: "
                f"a callable as the learning rate of {optimizer.name!r}"
            )
        if is_schedule and not is_resumable:
            raise ValueError(
                "`log_dir` must be a path with then='train' and BackupAndRestore if the learning rate is a "
                "schedule: the backup does not contain it, and a resumed fit() reads the suggestion from "
                f"`log_dir`. Received: log_dir={settings.log_dir!r}"
            )


def keep_learning_rate(model: Any, settings: Settings) -> None:
    """Keep the learning rate of a training run that has just been resumed, and print it.

    It is in the backup, with the variables of the optimizer, unless it is a schedule. Then the suggestion of
    the earlier sweep is set again.

    Args:
        model: A compiled model, restored from its backup.
        settings: The arguments of `LRFinder`.
    """
    optimizers = check_model(model, settings.optimizer)
    source = "from the backup"
    if not _is_in_backup(optimizers):
        source = _set_from_log_dir(model, settings, optimizers)
    if settings.verbose and backend.is_first_process():
        rate = internals.current_learning_rate(reference_optimizer(optimizers.described[0]))
        print(
            "LR Finder: this fit() resumes an earlier training run from its backup, so there is no sweep. "
            f"The training goes on at a learning rate of {rate_text(rate)}, {source}."
        )


def _is_in_backup(optimizers: SweptOptimizers) -> bool:
    """Whether the backup contains the learning rates: it then contains the iterations as well."""
    return all(
        isinstance(internals.own_learning_rate(leaf), keras.Variable) and internals.iterations(leaf) > 0
        for leaf in leaf_optimizers(*optimizers.described)
    )


def _set_from_log_dir(model: Any, settings: Settings, optimizers: SweptOptimizers) -> str:
    """Set the suggestion of the earlier sweep, and return where the learning rate is from."""
    rate = None if settings.log_dir is None else _latest_suggestion(settings.log_dir)
    if rate is None:
        warnings.warn(
            "This fit() resumes an earlier training run, whose learning rate is neither in the backup nor in "
            f"the log directory, so it stays as compiled. Received: log_dir={settings.log_dir!r}",
            UserWarning,
            stacklevel=2,
        )
        return "as compiled"
    suggestions = {DEFAULT_RULE: Suggestion(rate, DEFAULT_RULE)}
    apply_in_fit(model, optimizers.expected, suggestions, settings.verbose)
    return f"the suggestion of the sweep in {settings.log_dir}"


def _latest_suggestion(log_dir: str) -> float | None:
    """The suggestion of the latest sweep in `log_dir`, or in `log_dir/2`, `log_dir/3`, ..."""
    try:
        found = read_log_dir(log_dir)
    except FileNotFoundError:
        return None
    sweeps = [one for one in found if one.kind == "sweep" and (one.run == "." or one.run.isdecimal())]
    latest = max(sweeps, key=lambda one: one.config.get("start_time") or 0.0, default=None)
    suggestion = ((latest and latest.result) or {}).get("suggestion") or {}
    rate: float | None = suggestion.get("learning_rate")
    return rate
