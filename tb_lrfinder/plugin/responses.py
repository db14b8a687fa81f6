"""Turns recorded runs into the answers of http_api.md. No HTTP here."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import numpy as np

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.averaging import Floats
from tb_lrfinder.analysis.curve import (
    DEFAULT_DELTA_WINDOW,
    DEFAULT_SMOOTHING,
    Sweep,
    loss_delta,
    slope_per_decade,
    smooth,
)
from tb_lrfinder.analysis.downsampling import rows_to_draw
from tb_lrfinder.analysis.suggestion import DEFAULT_RULE, RULES
from tb_lrfinder.plugin.csv_cells import text_cell
from tb_lrfinder.plugin.request_params import (
    DELTA_WINDOW_RANGE,
    SMOOTHING_RANGE,
    BadParameterError,
    DownloadQuery,
    SweepsQuery,
    TrialsQuery,
    quoted,
)
from tb_lrfinder.storage.boundary import contained
from tb_lrfinder.storage.reader import Kind, Recorded
from tb_lrfinder.storage.strict_json import finite, well_formed

# What a finished sweep said of itself, and what is computed anew for other settings.
_SAID = ("suggestion", "suggestions", "diagnosis", "minimum_learning_rate", "divergence_learning_rate")
_NO_SUGGESTION: Final = {"rule": None, "learning_rate": None, "reason": None, "ranges": None}

MOST_CHARACTERS: Final = 512_000_000
"""Of one answer: nine columns of five million rows."""


@dataclass(frozen=True)
class File:
    """A download."""

    text: str
    content_type: str
    content_disposition: str


def runs(recorded: Iterable[Recorded], notice: str | None = None) -> str:
    """The answer of `GET runs`."""
    listed = ", ".join(_answered(one, _run) for one in recorded)
    return f'{{"runs": [{listed}], "notice": {json.dumps(notice)}}}'


def rules() -> str:
    """The answer of `GET rules`."""
    described = [
        {
            "name": rule.name,
            "label": rule.label,
            "description": rule.description,
            "formula": rule.formula,
            "source": rule.source,
        }
        for rule in RULES.values()
    ]
    return _dump({"default": DEFAULT_RULE, "rules": described})


def sweeps(recorded: Iterable[Recorded], asked: SweepsQuery) -> str:
    """The answer of `GET sweeps`."""
    return _of_kind(recorded, asked.runs, "sweep", lambda one: _sweep(one, asked))


def trials(recorded: Iterable[Recorded], asked: TrialsQuery) -> str:
    """The answer of `GET trials`."""
    return _of_kind(recorded, asked.runs, "trial", _trial)


def download(recorded: Recorded | None, asked: DownloadQuery) -> File:
    """The file that `GET download` answers with."""
    if recorded is None:
        raise BadParameterError(
            f"There is no sweep or trial in {_listed([asked.run])}. The route runs lists those that hold one."
        )
    # The browser names the file after the run; what is no plain name is left to the encoded form.
    name = well_formed(f"{asked.run.replace('/', '-') or recorded.kind}.{asked.format}")
    plain = re.sub(r"[^\w.=+-]", "_", name, flags=re.ASCII)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    if asked.format == "json":
        return File(_answered(recorded, _in_full), "application/json", disposition)
    return File(_answered(recorded, _table, str), "text/csv", disposition)


def _answered(
    recorded: Recorded, answer: Callable[[Recorded], Any], dump: Callable[[Any], str] | None = None
) -> str:
    """The answer about one run as text, or else about a run that cannot be read."""
    dump = dump or _dump
    return contained(
        lambda: dump(answer(recorded)),
        lambda why: dump(answer(Recorded.unreadable(recorded.run, why, recorded.kind, rows=True))),
    )


def _in_full(recorded: Recorded) -> dict[str, Any]:
    return {
        "run": recorded.run,
        "config": recorded.config,
        "result": recorded.result,
        "message": recorded.message,
        "columns": {name: _listing(values) for name, values in recorded.columns().items()},
    }


def _table(recorded: Recorded) -> str:
    columns = recorded.columns()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(text_cell, columns))
    writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))
    return text.getvalue()


def _run(recorded: Recorded) -> dict[str, Any]:
    config, result = recorded.config, recorded.result or {}
    status = recorded.status()
    severities = {
        finding.get("severity") for finding in result.get("diagnosis") or () if isinstance(finding, dict)
    }
    answer = {
        "run": recorded.run,
        "id": config.get("id"),
        "kind": recorded.kind,
        "status": status,
        "message": recorded.message,
        "steps": recorded.steps,
        "planned_steps": recorded.planned_steps,
        "learning_rate": config.get("learning_rate") if recorded.kind == "trial" else None,
        "start_time": config.get("start_time"),
        "optimizer": config.get("optimizer"),
        "model": config.get("model"),
        "parameters": config.get("parameters"),
        "batch_size": config.get("batch_size"),
        "stop_reason": result.get("stop_reason"),
        "suggestion": result.get("suggestion"),
        "severity": next((s for s in ("severe", "mild") if s in severities), None),
    }
    return answer | {"version": _version(recorded, status)}


def _version(recorded: Recorded, status: str) -> str:
    known = json.dumps([recorded.config, recorded.result, recorded.steps, status], sort_keys=True)
    return hashlib.blake2b(known.encode(), digest_size=8).hexdigest()


def _sweep(recorded: Recorded, asked: SweepsQuery) -> dict[str, Any]:
    config, result = recorded.config, recorded.result or {}
    sweep = recorded.sweep
    assert sweep is not None, "the reader reads rows when runs are named"
    smoothing, window = asked.smoothing, asked.delta_window
    if smoothing is None:
        smoothing = _recorded_number(config, "smoothing", *SMOOTHING_RANGE, DEFAULT_SMOOTHING)
    if window is None:
        window = int(_recorded_number(config, "delta_window", *DELTA_WINDOW_RANGE, DEFAULT_DELTA_WINDOW))
    said = _said(result) if asked.as_recorded else {}
    smoothed = None
    if len(said) < len(_SAID):
        analysis = analyze(
            sweep,
            smoothing=smoothing,
            delta_window=window,
            skip_start=asked.skip_start,
            skip_end=asked.skip_end,
            stop_reason=result.get("stop_reason"),
            planned_steps=config.get("num_steps"),
        )
        smoothed = analysis.smoothed_loss
        # What the sweep itself said counts, even where this version would say something else.
        said = analysis.to_json() | said
    columns = _columns(sweep, asked.columns, smoothing, window, smoothed)
    if asked.buckets is not None:
        rows = rows_to_draw(
            sweep.learning_rate,
            [values for name, values in columns.items() if name not in ("step", "learning_rate")],
            asked.buckets,
            marked=_marked(said),
        )
        columns = {name: values[rows] for name, values in columns.items()}
    status = recorded.status()
    return {
        "run": recorded.run,
        "id": config.get("id"),
        "kind": recorded.kind,
        "status": status,
        "message": recorded.message,
        "version": _version(recorded, status),
        "steps": recorded.steps,
        "stop_reason": result.get("stop_reason"),
        "config": config,
        "settings": {
            "smoothing": smoothing,
            "delta_window": window,
            "skip_start": asked.skip_start,
            "skip_end": asked.skip_end,
        },
        "columns": _encoded(columns, asked),
        **said,
    }


def _said(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the sweep itself said, in full; the rest is computed."""
    said = {
        key: result[key]
        for key in _SAID
        if key in result and (key.endswith("_learning_rate") or result[key] is not None)
    }
    if "suggestion" in said:
        said["suggestion"] = _NO_SUGGESTION | said["suggestion"]
    if "suggestions" in said:
        said["suggestions"] = {
            rule: _NO_SUGGESTION | (one or {}) for rule, one in said["suggestions"].items()
        }
    return said


def _columns(
    sweep: Sweep, names: Sequence[str], smoothing: float, delta_window: int, smoothed: Floats | None
) -> dict[str, np.ndarray[Any, Any]]:
    """The named columns; only these are computed."""
    if smoothed is None and ("smoothed_loss" in names or "slope" in names):
        smoothed = smooth(sweep.learning_rate, sweep.loss, smoothing)
    columns: dict[str, np.ndarray[Any, Any]] = {}
    for name in names:
        if name == "smoothed_loss" and smoothed is not None:
            columns[name] = smoothed
        elif name == "slope" and smoothed is not None:
            columns[name] = slope_per_decade(sweep.learning_rate, smoothed)
        elif name == "loss_delta":
            columns[name] = loss_delta(sweep.loss, delta_window)
        else:
            columns[name] = sweep[name]
    return columns


def _marked(said: Mapping[str, Any]) -> list[float]:
    """The learning rates that a picture of the sweep may mark."""
    suggested = [
        one.get("learning_rate") for one in (said["suggestions"] or {}).values() if isinstance(one, dict)
    ]
    rates = [*suggested, said["minimum_learning_rate"], said["divergence_learning_rate"]]
    return [rate for rate in rates if isinstance(rate, int | float)]


def _encoded(columns: Mapping[str, np.ndarray[Any, Any]], asked: SweepsQuery) -> dict[str, Any]:
    encoded: dict[str, Any] = {}
    for name, values in columns.items():
        if name == "validation_loss" and not np.isfinite(values).any():
            encoded[name] = None
        elif asked.encoding == "json":
            encoded[name] = _listing(values)
        elif name == "step" and np.array_equal(values, np.arange(len(values))):
            encoded[name] = None
        else:
            encoded[name] = _packed(values)
    return encoded


def _trial(recorded: Recorded) -> dict[str, Any]:
    config, result = recorded.config, recorded.result or {}
    trial = recorded.trial
    assert trial is not None, "the reader reads rows when runs are named"
    status = recorded.status()
    return {
        "run": recorded.run,
        "id": config.get("id"),
        "kind": recorded.kind,
        "status": status,
        "message": recorded.message,
        "version": _version(recorded, status),
        "epochs": recorded.steps,
        "planned_epochs": recorded.planned_steps,
        "stop_reason": result.get("stop_reason"),
        "learning_rate": config.get("learning_rate"),
        "diverged": trial.diverged or result.get("stop_reason") == "diverged",
        "config": config,
        "columns": {
            **{name: _listing(values) for name, values in trial.columns().items()},
            **({"validation_loss": None} if trial.validation_loss is None else {}),
        },
        "final": trial.final,
    }


def _of_kind(
    recorded: Iterable[Recorded],
    runs: Sequence[str],
    kind: Kind,
    answer: Callable[[Recorded], dict[str, Any]],
) -> str:
    """The answers about those of the named runs that are of a kind, and a sentence for each of the others.

    Each run becomes text as soon as it is read, and its rows are let go.
    """
    found: dict[str, str] = {}
    size = 0
    for one in recorded:
        if one.kind != kind:
            continue
        found[one.run] = _answered(one, answer)
        size += len(found[one.run])
        if size > MOST_CHARACTERS:
            raise BadParameterError(
                f"The answer would be longer than {MOST_CHARACTERS:,} characters. Name fewer runs, ask for "
                "fewer columns, or thin them with buckets=1000."
            )
    missing = [run for run in runs if run not in found]
    if not found:
        raise BadParameterError(
            f"There is no {kind} in {_listed(missing)}. The route runs lists those that hold one."
        )
    errors = [{"run": run, "message": f"There is no {kind} in the run {json.dumps(run)}."} for run in missing]
    return f'{{"{kind}s": [{", ".join(found.values())}], "errors": {json.dumps(errors)}}}'


def _recorded_number(config: Mapping[str, Any], name: str, low: float, high: float, default: float) -> float:
    value = config.get(name)
    return value if value is not None and low <= value <= high else default


def _listing(values: np.ndarray[Any, Any]) -> list[Any]:
    listed: list[Any] = values.tolist()
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return [_finite(value) for value in listed]
    return listed


def _packed(values: np.ndarray[Any, Any]) -> str:
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()


def _finite(value: Any) -> Any:
    """As TensorBoard writes numbers that JSON does not have."""
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _dump(answer: dict[str, Any]) -> str:
    try:
        return json.dumps(answer, allow_nan=False)
    except ValueError:  # rare: a NaN in somebody's optimizer settings
        return json.dumps(_finite(answer), allow_nan=False)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(quoted(name) for name in names[:3])
    return (
        f"the run {shown}"
        if len(names) == 1
        else f"the runs {shown}" + (" and others" if len(names) > 3 else "")
    )
