"""Assembles a run from the last values of its tags."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from tensorboard.data.provider import TensorDatum, TensorTimeSeries

from tb_lrfinder.analysis.curve import COLUMNS
from tb_lrfinder.analysis.trial import TRIAL_COLUMNS
from tb_lrfinder.storage import json_validation, schema
from tb_lrfinder.storage.recorded import Columns, Kind, Recorded, RunSummary, with_rows
from tb_lrfinder.storage.row_tensors import join_chunks, row_tags

ParsedJson = Mapping[str, dict[str, Any] | str]
"""The JSON by tag; a string is an error message."""

_CONFIG_TAGS: Final[Mapping[Kind, str]] = {"sweep": schema.SWEEP_TAG, "trial": schema.TRIAL_TAG}
_KNOWN_COLUMNS: Final[Mapping[Kind, tuple[str, ...]]] = {"sweep": COLUMNS, "trial": TRIAL_COLUMNS}
JSON_TAGS: Final = (*_CONFIG_TAGS.values(), schema.RESULT_TAG)


def kind_of(tags: Mapping[str, Any]) -> Kind:
    """Return whether the tags are those of a sweep or of a trial."""
    return "trial" if schema.TRIAL_TAG in tags else "sweep"


def summarize(run: str, tags: Mapping[str, TensorTimeSeries], parsed: ParsedJson) -> RunSummary | None:
    """Summarize a run from the list of its tags; `None` if it has neither a sweep nor a trial.

    Args:
        run: Name of the run.
        tags: All tags of the run.
        parsed: The JSON of those in `JSON_TAGS`.
    """
    times, parsed = _current({tag: _comparable(series.max_wall_time) for tag, series in tags.items()}, parsed)
    last_row = max((tags[tag].max_step for tag in row_tags(times)), default=-1)
    return _summary(run, times, parsed, steps=max(0, last_row + 1))


def assemble(run: str, values: Mapping[str, TensorDatum | Exception]) -> Recorded | None:
    """Read a run from the last value of each of its tags; `None` if it has neither a sweep nor a trial.

    Args:
        run: Name of the run.
        values: Last value by tag, or the error raised by reading it.
    """
    times, parsed = _current(
        {
            tag: 0.0 if isinstance(value, Exception) else _comparable(value.wall_time)
            for tag, value in values.items()
        },
        {tag: json_validation.parse(values[tag], tag) for tag in JSON_TAGS if tag in values},
    )
    kind = kind_of(parsed)
    problem = None
    columns: Columns = {}
    try:
        columns = _columns(
            kind, parsed.get(_CONFIG_TAGS[kind]), {tag: values[tag] for tag in row_tags(times)}
        )
    except ValueError as error:
        problem = str(error)
    steps = len(next(iter(columns.values()), ()))
    summary = _summary(run, times, parsed, steps, problem)
    return None if summary is None else with_rows(summary, columns)


def _current(times: Mapping[str, float], parsed: ParsedJson) -> tuple[dict[str, float], ParsedJson]:
    """Drop the tags that an earlier run left in the same directory.

    A trial of `run_trials` may replace an interrupted one, and a TensorBoard that has read the earlier one
    still has its rows and its result.

    Args:
        times: Wall times by tag.
        parsed: The JSON by tag.
    """
    config = parsed.get(schema.TRIAL_TAG)
    if not isinstance(config, dict) or "fingerprint" not in config:
        return dict(times), parsed
    # A trial starts before its configuration is written, even if the configuration says otherwise.
    start = min(float(config.get("start_time") or -math.inf), times[schema.TRIAL_TAG])
    current = {tag: time for tag, time in times.items() if time >= start}
    return current, {tag: value for tag, value in parsed.items() if tag in current}


def _comparable(wall_time: float) -> float:
    return float(wall_time) if math.isfinite(wall_time) else 0.0


def _summary(
    run: str, times: Mapping[str, float], parsed: ParsedJson, steps: int, problem: str | None = None
) -> RunSummary | None:
    kind = kind_of(parsed)
    config, result = parsed.get(_CONFIG_TAGS[kind]), parsed.get(schema.RESULT_TAG)
    if config is None:
        if not steps and problem is None:
            return None  # other tags with our plugin name
        problem = problem or (
            f"The run has rows, but the tag {schema.SWEEP_TAG!r} with its configuration is missing."
        )
    errors = [value for value in (problem, config, result) if isinstance(value, str)]
    return RunSummary(
        run=run,
        kind=kind,
        config=config if isinstance(config, dict) else {},
        result=result if isinstance(result, dict) else None,
        steps=steps,
        last_event_time=max(times.values(), default=0.0),
        problem=errors[0] if errors else None,
    )


def _columns(
    kind: Kind, config: dict[str, Any] | str | None, chunks: Mapping[str, TensorDatum | Exception]
) -> Columns:
    """Read the rows.

    Raises:
        ValueError: If they cannot be read.
    """
    if isinstance(config, str):
        raise ValueError(config)  # without a configuration, the meaning of the columns is unknown
    known = _KNOWN_COLUMNS[kind]
    names = (config or {}).get("columns") or known
    if names[0] != known[0]:
        raise ValueError(
            f"The rows cannot be read: expected the first column to be {known[0]!r}, got {names[0]!r}."
        )
    columns = join_chunks(chunks, names, may_widen=kind == "trial")
    rates = columns.get("learning_rate") if kind == "sweep" else None
    if rates is not None and not ((rates > 0) & np.isfinite(rates)).all():
        raise ValueError(
            "The rows cannot be read: a chunk contains learning rates that are not positive and finite."
        )
    return columns
