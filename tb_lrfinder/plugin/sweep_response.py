"""The response for one sweep: its settings, columns, suggestions and diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.averaging import Floats
from tb_lrfinder.analysis.curve import (
    DEFAULT_DELTA_WINDOW,
    DEFAULT_SMOOTHING,
    loss_delta,
    slope_per_decade,
    smooth,
)
from tb_lrfinder.analysis.downsampling import rows_to_draw
from tb_lrfinder.checks import check_delta_window, check_number, check_smoothing
from tb_lrfinder.plugin.request_params import MAX_INTEGER, SweepsParams
from tb_lrfinder.storage.recorded import RecordedSweep

Number = TypeVar("Number", int, float)
Default = TypeVar("Default", int, float, None)

_ANALYSIS_FIELDS: Final = (
    "suggestion",
    "suggestions",
    "diagnosis",
    "minimum_learning_rate",
    "divergence_learning_rate",
)
"""Stored in the result of a sweep, and recomputed for other settings."""

_NULLABLE: Final = ("minimum_learning_rate", "divergence_learning_rate")
_NO_SUGGESTION: Final = {"rule": None, "learning_rate": None, "reason": None, "ranges": None}


def sweep_fields(recorded: RecordedSweep, params: SweepsParams) -> dict[str, Any]:
    """Return the fields of a sweep in `GET sweeps`, with its columns as NumPy arrays.

    A column is `None` if it has no values.
    """
    config, result, sweep = recorded.config, recorded.result or {}, recorded.sweep
    smoothing, delta_window = params.smoothing, params.delta_window
    if smoothing is None:
        smoothing = _recorded(config, "smoothing", check_smoothing, DEFAULT_SMOOTHING)
    if delta_window is None:
        delta_window = _recorded(config, "delta_window", check_delta_window, DEFAULT_DELTA_WINDOW)
    fields = _stored_fields(result) if params.is_as_recorded else {}
    smoothed = None
    if len(fields) < len(_ANALYSIS_FIELDS):
        analysis = analyze(
            sweep,
            smoothing=smoothing,
            delta_window=delta_window,
            skip_start=params.skip_start,
            skip_end=params.skip_end,
            stop_reason=result.get("stop_reason"),
            planned_steps=recorded.planned_steps,
            chance_loss=_recorded(config, "chance_loss", check_number, None),
        )
        smoothed = analysis.smoothed_loss
        # Stored fields take precedence, even if this version would compute different ones.
        fields = analysis.to_json() | fields
    columns = _columns(recorded, params.columns, smoothing, delta_window, smoothed)
    if params.buckets is not None:
        rows = rows_to_draw(
            sweep.learning_rate,
            [values for name, values in columns.items() if name not in ("step", "learning_rate")],
            params.buckets,
            marked=_marked_learning_rates(fields),
        )
        columns = {name: values[rows] for name, values in columns.items()}
    return {
        "config": config,
        "settings": {
            "smoothing": smoothing,
            "delta_window": delta_window,
            "skip_start": params.skip_start,
            "skip_end": params.skip_end,
        },
        "columns": {
            name: values if name != "validation_loss" or np.isfinite(values).any() else None
            for name, values in columns.items()
        },
        **fields,
    }


def _recorded(
    config: Mapping[str, Any], name: str, check: Callable[[str, Any], Number], default: Default
) -> Number | Default:
    """Return a setting of the sweep, or the default if it is missing or out of range."""
    try:
        value = check(name, config.get(name))
    except (TypeError, ValueError):
        return default
    return value if value <= MAX_INTEGER else default


def _stored_fields(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the analysis stored in the result; missing fields are computed."""
    stored = {
        name: result[name]
        for name in _ANALYSIS_FIELDS
        if name in result and (name in _NULLABLE or result[name] is not None)
    }
    if "suggestion" in stored:
        stored["suggestion"] = _NO_SUGGESTION | stored["suggestion"]
    if "suggestions" in stored:
        stored["suggestions"] = {
            rule: _NO_SUGGESTION | (suggestion or {}) for rule, suggestion in stored["suggestions"].items()
        }
    return stored


def _columns(
    recorded: RecordedSweep,
    names: Sequence[str],
    smoothing: float,
    delta_window: int,
    smoothed: Floats | None,
) -> dict[str, NDArray[Any]]:
    """Return the named columns; only these are computed."""
    sweep = recorded.sweep
    if smoothed is None and ("smoothed_loss" in names or "slope" in names):
        smoothed = smooth(sweep.learning_rate, sweep.loss, smoothing)
    columns: dict[str, NDArray[Any]] = {}
    for name in names:
        if name == "smoothed_loss" and smoothed is not None:
            columns[name] = smoothed
        elif name == "slope" and smoothed is not None:
            columns[name] = slope_per_decade(sweep.learning_rate, smoothed)
        elif name == "loss_delta" and delta_window != recorded.delta_window:
            columns[name] = loss_delta(sweep.loss, delta_window)
        else:
            columns[name] = sweep[name]
    return columns


def _marked_learning_rates(fields: Mapping[str, Any]) -> list[float]:
    """Return the learning rates that a chart of the sweep may mark."""
    suggested = [suggestion["learning_rate"] for suggestion in fields["suggestions"].values()]
    rates = [*suggested, fields["minimum_learning_rate"], fields["divergence_learning_rate"]]
    return [rate for rate in rates if rate is not None]
