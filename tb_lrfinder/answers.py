"""Turns queries into settings, and recorded runs into the answers of http_api.md. No HTTP here."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
from werkzeug.datastructures import MultiDict

from tb_lrfinder.analysis import analyze
from tb_lrfinder.curve import DEFAULT_DELTA_WINDOW, DEFAULT_SMOOTHING, Floats
from tb_lrfinder.reader import Kind, Recorded
from tb_lrfinder.suggestion import DEFAULT_RULE, RULES

MOST_RUNS = 5000
_SMOOTHING_RANGE = (0, 2)
_DELTA_WINDOW_RANGE = (1, 1000)

Query = MultiDict[str, str]


class BadParameterError(ValueError):
    """A query parameter that cannot be answered; the message goes to the user."""


@dataclass(frozen=True)
class SweepsQuery:
    """The parameters of `GET sweeps`; None means: as recorded."""

    runs: list[str]
    smoothing: float | None
    delta_window: int | None
    skip_start: int
    skip_end: int
    encoding: Literal["json", "base64"]

    @classmethod
    def parse(cls, args: Query) -> SweepsQuery:
        """Check every parameter, or raise `BadParameterError`."""
        return cls(
            runs=_named_runs(args, "sweeps"),
            smoothing=_number(args, "smoothing", *_SMOOTHING_RANGE),
            delta_window=_whole_number(args, "delta_window", *_DELTA_WINDOW_RANGE),
            skip_start=_whole_number(args, "skip_start", 0, 100_000) or 0,
            skip_end=_whole_number(args, "skip_end", 0, 100_000) or 0,
            encoding=_choice(args, "encoding", ("json", "base64"), "json"),  # type: ignore[arg-type]
        )

    @property
    def as_recorded(self) -> bool:
        """Whether the suggestions that a finished sweep wrote are the ones asked for."""
        return self.smoothing is None and self.delta_window is None and self.skip_start == self.skip_end == 0


@dataclass(frozen=True)
class TrialsQuery:
    """The parameters of `GET trials`."""

    runs: list[str]

    @classmethod
    def parse(cls, args: Query) -> TrialsQuery:
        """Check every parameter, or raise `BadParameterError`."""
        return cls(_named_runs(args, "trials"))


@dataclass(frozen=True)
class DownloadQuery:
    """The parameters of `GET download`."""

    run: str
    format: Literal["csv", "json"]

    @classmethod
    def parse(cls, args: Query) -> DownloadQuery:
        """Check every parameter, or raise `BadParameterError`."""
        runs = args.getlist("run")
        if len(runs) != 1:
            raise BadParameterError(
                f"The parameter run must be given once, as in download?run=NAME&format=csv. "
                f"It was given {len(runs)} times."
            )
        return cls(runs[0], _choice(args, "format", ("csv", "json"), "csv"))  # type: ignore[arg-type]


@dataclass(frozen=True)
class File:
    """A download."""

    text: str
    content_type: str
    content_disposition: str


def runs(recorded: Sequence[Recorded]) -> str:
    """The answer of `GET runs`."""
    return _dump({"runs": [_run(one) for one in recorded]})


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


def sweeps(recorded: Mapping[str, Recorded], asked: SweepsQuery) -> str:
    """The answer of `GET sweeps`."""
    found, errors = _of_kind(recorded, asked.runs, "sweep")
    return _dump({"sweeps": [_sweep(one, asked) for one in found], "errors": errors})


def trials(recorded: Mapping[str, Recorded], asked: TrialsQuery) -> str:
    """The answer of `GET trials`."""
    found, errors = _of_kind(recorded, asked.runs, "trial")
    return _dump({"trials": [_trial(one) for one in found], "errors": errors})


def download(recorded: Recorded | None, asked: DownloadQuery) -> File:
    """The file that `GET download` answers with."""
    if recorded is None:
        raise BadParameterError(
            f"There is no sweep or trial in {_listed([asked.run])}. The route runs lists those that hold one."
        )
    # The browser names the file after the run; what is no plain name is left to the encoded form.
    name = f"{asked.run.replace('/', '-') or recorded.kind}.{asked.format}"
    plain = re.sub(r"[^\w.=+-]", "_", name, flags=re.ASCII)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    columns = recorded.columns()
    if asked.format == "json":
        body = {
            "run": recorded.run,
            "config": recorded.config,
            "result": recorded.result,
            "columns": {name: _listing(values) for name, values in columns.items()},
        }
        return File(_dump(body), "application/json", disposition)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))
    return File(text.getvalue(), "text/csv", disposition)


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
        smoothing = _recorded_number(config, "smoothing", *_SMOOTHING_RANGE, DEFAULT_SMOOTHING)
    if window is None:
        window = int(_recorded_number(config, "delta_window", *_DELTA_WINDOW_RANGE, DEFAULT_DELTA_WINDOW))
    analysis = analyze(
        sweep,
        smoothing=smoothing,
        delta_window=window,
        skip_start=asked.skip_start,
        skip_end=asked.skip_end,
        stop_reason=result.get("stop_reason"),
        planned_steps=config.get("num_steps"),
    )
    said = analysis.to_json()
    if asked.as_recorded:
        # What the sweep itself said, even where a newer version would say something else.
        said |= {key: result[key] for key in said if key in result}
    columns: dict[str, Floats | None] = {
        **sweep.columns(),
        "smoothed_loss": analysis.smoothed_loss,
        "slope": analysis.slope,
        "loss_delta": sweep.with_delta_window(window).loss_delta,
    }
    if not np.isfinite(sweep.validation_loss).any():
        columns["validation_loss"] = None
    encode = _packed if asked.encoding == "base64" else _listing
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
        "columns": {name: None if values is None else encode(values) for name, values in columns.items()},
        **said,
    }


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
    recorded: Mapping[str, Recorded], runs: Sequence[str], kind: Kind
) -> tuple[list[Recorded], list[dict[str, str]]]:
    """Those of the named runs that are of a kind, and a sentence for each of the others."""
    found = {run: recorded[run] for run in runs if run in recorded and recorded[run].kind == kind}
    missing = [run for run in runs if run not in found]
    if not found:
        raise BadParameterError(
            f"There is no {kind} in {_listed(missing)}. The route runs lists those that hold one."
        )
    errors = [{"run": run, "message": f"There is no {kind} in the run {json.dumps(run)}."} for run in missing]
    return list(found.values()), errors


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
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
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


def _named_runs(args: Query, route: str) -> list[str]:
    runs = list(dict.fromkeys(args.getlist("run")))
    if not runs:
        raise BadParameterError(
            f"The parameter run is missing: name at least one, as in {route}?run=NAME&run=OTHER."
        )
    if len(runs) > MOST_RUNS:
        raise BadParameterError(
            f"The parameter run was given {len(runs)} times; {MOST_RUNS} at most in one request."
        )
    return runs


def _number(args: Query, name: str, low: float, high: float) -> float | None:
    text = _single(args, name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise BadParameterError(
            f"The parameter {name} must be a number from {low} to {high}. Received {_shown(text)}."
        )
    return value


def _whole_number(args: Query, name: str, low: int, high: int) -> int | None:
    text = _single(args, name)
    if text is None:
        return None
    value = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else -1
    if not low <= value <= high:
        raise BadParameterError(
            f"The parameter {name} must be a whole number from {low} to {high}. Received {_shown(text)}."
        )
    return value


def _choice(args: Query, name: str, allowed: tuple[str, ...], default: str) -> str:
    text = _single(args, name)
    if text is None:
        return default
    if text not in allowed:
        raise BadParameterError(
            f"The parameter {name} must be {' or '.join(allowed)}. Received {_shown(text)}."
        )
    return text


def _single(args: Query, name: str) -> str | None:
    values = args.getlist(name)
    if len(values) > 1:
        raise BadParameterError(f"The parameter {name} must be given once. It was given {len(values)} times.")
    return values[0] if values else None


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(_shown(name) for name in names[:3])
    return (
        f"the run {shown}"
        if len(names) == 1
        else f"the runs {shown}" + (" and others" if len(names) > 3 else "")
    )


def _shown(text: str) -> str:
    """A user's text in a sentence: quoted, on one line and not too long."""
    return json.dumps(text if len(text) <= 100 else text[:100] + "…")
