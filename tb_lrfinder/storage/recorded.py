"""One run as it was recorded: put together from the values of its tags."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from tensorboard.data.provider import TensorDatum, TensorTimeSeries

from tb_lrfinder.analysis.curve import COLUMNS, DEFAULT_DELTA_WINDOW, Sweep
from tb_lrfinder.analysis.trial import TRIAL_COLUMNS, Trial
from tb_lrfinder.storage import json_validation, schema

Kind = Literal["sweep", "trial"]
Status = Literal["running", "finished", "interrupted", "failed"]
Texts = Mapping[str, dict[str, Any] | str]

_HEADER_TAGS: Final[dict[Kind, str]] = {"sweep": schema.SWEEP_TAG, "trial": schema.TRIAL_TAG}
JSON_TAGS: Final = (*_HEADER_TAGS.values(), schema.RESULT_TAG)

_MOST_VALUES: Final = 50_000_000  # of all columns of a run: ten million steps of a sweep
_MOST_STEPS: Final = 2**53  # above, a float does not hold each integer


@dataclass(frozen=True)
class Recorded:
    """What one run directory holds of a sweep or trial; `sweep` or `trial` only with the rows asked for."""

    run: str
    kind: Kind
    config: dict[str, Any]
    result: dict[str, Any] | None
    steps: int
    last_event_time: float
    problem: str | None = None
    sweep: Sweep | None = None
    trial: Trial | None = None

    @classmethod
    def unreadable(cls, run: str, why: str, kind: Kind = "sweep", *, rows: bool = False) -> Recorded:
        """A run of which nothing can be told but what is wrong with it.

        Args:
            run: Its name.
            why: What is wrong, as the end of a sentence.
            kind: Of the run, where it is known.
            rows: Whether it takes the place of one with its rows.
        """
        return cls(
            run=run,
            kind=kind,
            config={},
            result=None,
            steps=0,
            last_event_time=0.0,
            problem=f"The run cannot be read: {why}",
            sweep=Sweep.from_losses([], []) if rows and kind == "sweep" else None,
            trial=Trial.from_columns({}) if rows and kind == "trial" else None,
        )

    @property
    def planned_steps(self) -> int | None:
        """How many rows it was to have: the steps of the ramp, or the epochs of the trial."""
        return self.config.get("num_steps" if self.kind == "sweep" else "epochs")

    def columns(self) -> dict[str, np.ndarray[Any, Any]]:
        """The rows as columns by name; none where the rows were not asked for."""
        rows = self.sweep if self.kind == "sweep" else self.trial
        return {} if rows is None else rows.columns()

    def status(self, now: float | None = None) -> Status:
        """How it stands; `now` in seconds since the epoch, the present when None."""
        if self.problem is not None:
            return "failed"
        if self.result is None:
            silent = (time.time() if now is None else now) - self.last_event_time
            return "running" if silent <= schema.INTERRUPTED_AFTER_SECONDS else "interrupted"
        ending = {"failed": "failed", "refused": "failed", "interrupted": "interrupted"}
        return ending.get(str(self.result.get("stop_reason")), "finished")  # type: ignore[return-value]

    @property
    def message(self) -> str | None:
        """What is wrong, in a sentence, or None."""
        return self.problem or (self.result or {}).get("message")


def wall_time(value: float) -> float:
    """A wall time that can be compared: 0 for one that is no number."""
    return float(value) if math.isfinite(value) else 0.0


def kind_of(texts: Mapping[str, Any]) -> Kind:
    """Whether the tags are those of a sweep or of a trial."""
    return "trial" if schema.TRIAL_TAG in texts else "sweep"


def started(texts: Texts, times: Mapping[str, float]) -> float:
    """When a trial of `run_trials` began, which may have taken the place of one that was cut short.

    A TensorBoard that has read the earlier one still holds its rows and its result. A trial does not begin
    after its own header was written, whatever the header says.

    Args:
        texts: The JSON by tag.
        times: The wall times of the tags.
    """
    config = texts.get(schema.TRIAL_TAG)
    if not isinstance(config, dict) or "fingerprint" not in config:
        return -math.inf
    return min(float(config.get("start_time") or -math.inf), times[schema.TRIAL_TAG])


def assemble(run: str, values: Mapping[str, TensorDatum | Exception]) -> Recorded | None:
    """One run from the last value of each of its tags, or from why a value could not be read."""
    texts: Texts = {tag: json_validation.parse(values[tag], tag) for tag in JSON_TAGS if tag in values}
    times = {
        tag: 0.0 if isinstance(value, Exception) else wall_time(value.wall_time)
        for tag, value in values.items()
    }
    since = started(texts, times)
    times = {tag: when for tag, when in times.items() if when >= since}
    texts = {tag: text for tag, text in texts.items() if tag in times}
    # Longer ones last: 100000 comes after 99999.
    chunks = sorted((tag for tag in times if tag.startswith(schema.ROWS_TAG_PREFIX)), key=_length_first)
    last = max(times.values(), default=0.0)
    kind = kind_of(texts)
    header = texts.get(_HEADER_TAGS[kind])
    config = header if isinstance(header, dict) else {}
    known = COLUMNS if kind == "sweep" else TRIAL_COLUMNS
    names = config.get("columns") or known
    problem = header if isinstance(header, str) else None
    try:
        if problem is not None:
            raise ValueError(problem)  # what its rows mean is not known
        if names[0] != known[0]:
            raise ValueError(
                f"The rows cannot be read: their first column is {names[0]!r}, not {known[0]!r}."
            )
        columns = _join(((tag, values[tag]) for tag in chunks), names, may_widen=kind == "trial")
        if kind == "sweep" and not _are_learning_rates(columns.get("learning_rate")):
            raise ValueError("The rows cannot be read: a chunk has learning rates that are not positive.")
    except ValueError as error:
        problem, columns = str(error), _join([], known, may_widen=False)
    steps = len(columns[known[0]])
    sweep = _sweep(columns, steps, config) if kind == "sweep" else None
    trial = _trial(columns, config) if kind == "trial" else None
    return recorded(run, texts, steps, last, sweep=sweep, trial=trial, problem=problem)


def recorded(
    run: str,
    texts: Texts,
    steps: int,
    last_event_time: float,
    sweep: Sweep | None = None,
    trial: Trial | None = None,
    problem: str | None = None,
) -> Recorded | None:
    """One run; None where its tags are others under our plugin name, and nothing could be shown."""
    kind = kind_of(texts)
    config = texts.get(_HEADER_TAGS[kind])
    result = texts.get(schema.RESULT_TAG)
    if config is None:
        if not steps and problem is None:
            return None
        problem = problem or f"The run has rows, but no {schema.SWEEP_TAG!r} that says what they are."
    for text in (config, result):
        if isinstance(text, str):
            problem = problem or text
    return Recorded(
        run=run,
        kind=kind,
        config=config if isinstance(config, dict) else {},
        result=result if isinstance(result, dict) else None,
        steps=steps,
        last_event_time=last_event_time,
        problem=problem,
        sweep=sweep,
        trial=trial,
    )


def summarise(run: str, tags: Mapping[str, TensorTimeSeries], texts: Texts) -> Recorded | None:
    """One run without its rows, as far as the list of its tags tells.

    Args:
        run: Its name.
        tags: Every tag of the run.
        texts: Those of `JSON_TAGS`.
    """
    times = {tag: wall_time(series.max_wall_time) for tag, series in tags.items()}
    since = started(texts, times)
    times = {tag: when for tag, when in times.items() if when >= since}
    texts = {tag: text for tag, text in texts.items() if tag in times}
    rows = (tags[tag].max_step for tag in times if tag.startswith(schema.ROWS_TAG_PREFIX))
    last = max(times.values(), default=0.0)
    return recorded(run, texts, steps=max(0, max(rows, default=-1) + 1), last_event_time=last)


def _length_first(tag: str) -> tuple[int, str]:
    return len(tag), tag


def _trial(columns: Mapping[str, np.ndarray[Any, Any]], config: Mapping[str, Any]) -> Trial:
    initial = config.get("initial_loss")
    if not isinstance(initial, int | float) or isinstance(initial, bool):
        initial = None
    return Trial.from_columns(columns, initial_loss=initial)


def _are_learning_rates(rates: np.ndarray[Any, Any] | None) -> bool:
    return rates is None or bool(((rates > 0) & (rates < math.inf)).all())


def _sweep(columns: Mapping[str, np.ndarray[Any, Any]], steps: int, config: Mapping[str, Any]) -> Sweep:
    """The columns that this version knows; others are ignored."""
    missing = np.full(steps, np.nan)
    step, learning_rate, loss, _, validation_loss = (columns.get(name, missing) for name in COLUMNS)
    return Sweep.from_losses(
        learning_rate,
        loss,
        validation_loss,
        max(config.get("delta_window") or DEFAULT_DELTA_WINDOW, 1),
        step=step.astype(np.int64),
    )


def _join(
    chunks: Iterable[tuple[str, TensorDatum | Exception]], names: Sequence[str], *, may_widen: bool
) -> dict[str, np.ndarray[Any, Any]]:
    """The columns of all chunks.

    Args:
        chunks: With their tags, in their order.
        names: Of the columns.
        may_widen: Whether columns may have come later than some of the rows, which have NaN there.
    """
    parts: list[np.ndarray[Any, Any]] = []
    for tag, chunk in chunks:
        if isinstance(chunk, Exception):
            raise ValueError(f"The rows cannot be read: TensorBoard does not give {tag!r}.")
        part = np.asarray(chunk.numpy)
        narrow = len(names) - part.shape[1] if part.ndim == 2 else -1
        if part.dtype.kind != "f" or not (narrow == 0 or (may_widen and 0 < narrow < len(names))):
            raise ValueError(
                f"The rows cannot be read: a chunk is {part.dtype} {list(part.shape)} and should be "
                f"float32 [rows, {len(names)}]."
            )
        if not (np.abs(part[:, 0]) < _MOST_STEPS).all():
            raise ValueError("The rows cannot be read: a chunk has steps that are no numbers.")
        parts.append(part)
    count = sum(map(len, parts))
    if count * len(names) > _MOST_VALUES:
        raise ValueError(
            f"The rows cannot be read: {count} rows of {len(names)} columns are more than "
            f"{_MOST_VALUES:,} numbers."
        )
    # One column after the other in memory: each is used on its own.
    joined = np.full((len(names), count), np.nan)
    row = 0
    for part in parts:
        joined[: part.shape[1], row : row + len(part)] = part.T
        row += len(part)
    return dict(zip(names, joined, strict=True))
