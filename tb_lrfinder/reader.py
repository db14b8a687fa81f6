"""Reads sweeps and trials: from a TensorBoard data provider, or straight from a log directory."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from tensorboard.context import RequestContext
from tensorboard.data.provider import DataProvider, RunTagFilter, TensorDatum, TensorTimeSeries

from tb_lrfinder import json_tags, metadata
from tb_lrfinder.curve import DEFAULT_DELTA_WINDOW, Sweep
from tb_lrfinder.kept_runs import KeptRuns
from tb_lrfinder.natural_order import natural_order
from tb_lrfinder.trial import Trial

Kind = Literal["sweep", "trial"]
Status = Literal["running", "finished", "interrupted", "failed"]

_HEADER_TAGS: dict[Kind, str] = {"sweep": metadata.SWEEP_TAG, "trial": metadata.TRIAL_TAG}
_JSON_TAGS = (*_HEADER_TAGS.values(), metadata.RESULT_TAG)


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
            return "running" if silent <= metadata.INTERRUPTED_AFTER_SECONDS else "interrupted"
        ending = {"failed": "failed", "interrupted": "interrupted"}
        return ending.get(str(self.result.get("stop_reason")), "finished")  # type: ignore[return-value]

    @property
    def message(self) -> str | None:
        """What is wrong, in a sentence, or None."""
        return self.problem or (self.result or {}).get("message")


@dataclass
class RunReader:
    """Reads through a data provider, and keeps what cannot have changed.

    Args:
        provider: TensorBoard's data provider.
    """

    provider: DataProvider
    _texts: dict[tuple[str, str, str], tuple[float, dict[str, Any] | str]] = field(default_factory=dict)
    _texts_lock: threading.Lock = field(default_factory=threading.Lock)  # requests come in threads
    _kept: KeptRuns[Recorded] = field(default_factory=KeptRuns)

    def list(self, ctx: RequestContext, experiment: str) -> list[Recorded]:
        """Every run that holds a sweep or a trial, without rows, in natural order of the names."""
        series = self._ask(
            self.provider.list_tensors, ctx, experiment_id=experiment, plugin_name=metadata.PLUGIN_NAME
        )
        with self._texts_lock:
            self._read_new_texts(ctx, experiment, series)
            found = [
                self._summarise(experiment, run, series[run]) for run in sorted(series, key=natural_order)
            ]
        return [recorded for recorded in found if recorded is not None]

    def read(self, ctx: RequestContext, experiment: str, runs: Sequence[str]) -> dict[str, Recorded]:
        """The named runs with every row, in one read; one that holds neither sweep nor trial is left out."""
        asked = {"experiment_id": experiment, "plugin_name": metadata.PLUGIN_NAME}
        series = self._ask(self.provider.list_tensors, ctx, **asked, run_tag_filter=RunTagFilter(runs=runs))
        # Asked for before the rows: if more is written in between, the next look reads it again.
        states = {run: _state(tags) for run, tags in series.items()}
        found = {run: self._kept.get((experiment, run), state) for run, state in states.items()}
        new = [run for run, recorded in found.items() if recorded is None]
        if new:
            data = self._ask(
                self.provider.read_tensors,
                ctx,
                **asked,
                downsample=1,  # exactly the last value of each tag, and that is the one that counts
                run_tag_filter=RunTagFilter(runs=new),
            )
            for run in data:
                recorded = _assemble(run, {tag: d[-1] for tag, d in data[run].items() if d})
                found[run] = recorded
                if recorded is not None and run in states:
                    self._kept.keep((experiment, run), states[run], recorded.steps, recorded)
        return {run: recorded for run in runs if (recorded := found.get(run)) is not None}

    def _ask(self, method: Callable[..., Any], ctx: RequestContext, **what: Any) -> Any:
        """What the provider answers, also while its slow loader adds to what it answers from.

        That loader knows of a tag for a moment before it knows its values, and shares both with the requests
        without a lock: an answer that meets this moment fails with one of these errors.
        """
        for _ in range(_MOST_TRIES):
            with contextlib.suppress(*_MET_THE_LOADER):
                return method(ctx, **what)
            time.sleep(0.01)
        # A tag of somebody else that never gets a value must not hide the other runs.
        asked = what.get("run_tag_filter")
        if asked is None:
            listed = self.provider.list_runs(ctx, experiment_id=what["experiment_id"])
            asked = RunTagFilter(runs=[run.run_name for run in listed])
        answer: dict[str, Any] = {}
        for run in asked.runs:
            what["run_tag_filter"] = RunTagFilter(runs=[run], tags=asked.tags)
            with contextlib.suppress(*_MET_THE_LOADER):
                answer.update(method(ctx, **what))
        return answer

    def _read_new_texts(
        self, ctx: RequestContext, experiment: str, series: Mapping[str, Mapping[str, TensorTimeSeries]]
    ) -> None:
        """Read the JSON of the runs where it is new; the second look at a thousand runs reads nothing."""
        wanted = {
            (experiment, run, tag): tags[tag].max_wall_time
            for run, tags in series.items()
            for tag in _JSON_TAGS
            if tag in tags
        }
        for key in [key for key in self._texts if key[0] == experiment and key not in wanted]:
            del self._texts[key]
        new = [key for key, when in wanted.items() if key not in self._texts or self._texts[key][0] != when]
        if not new:
            return
        data = self._ask(
            self.provider.read_tensors,
            ctx,
            experiment_id=experiment,
            plugin_name=metadata.PLUGIN_NAME,
            downsample=1,
            run_tag_filter=RunTagFilter(runs=sorted({key[1] for key in new}), tags=_JSON_TAGS),
        )
        for key in new:
            values = data.get(key[1], {}).get(key[2])
            if values:
                self._texts[key] = (wanted[key], json_tags.parse(values[-1], key[2]))

    def _summarise(self, experiment: str, run: str, tags: Mapping[str, TensorTimeSeries]) -> Recorded | None:
        texts = {
            tag: self._texts[experiment, run, tag][1]
            for tag in _JSON_TAGS
            if (experiment, run, tag) in self._texts
        }
        started = _started(texts)
        tags = {tag: series for tag, series in tags.items() if series.max_wall_time >= started}
        texts = {tag: text for tag, text in texts.items() if tag in tags}
        rows = [series.max_step for tag, series in tags.items() if tag.startswith(metadata.ROWS_TAG_PREFIX)]
        last = max(series.max_wall_time for series in tags.values())
        return _recorded(run, texts, steps=max(rows, default=-1) + 1, last_event_time=last)


_MOST_TRIES, _MET_THE_LOADER = 20, (RuntimeError, KeyError)


def _state(tags: Mapping[str, TensorTimeSeries]) -> tuple[tuple[str, int, float], ...]:
    """Changes with everything that is written to a run."""
    return tuple(sorted((tag, series.max_step, series.max_wall_time) for tag, series in tags.items()))


def read_log_dir(log_dir: str, progress: Callable[[int, int], None] | None = None) -> list[Recorded]:
    """Every sweep and trial below a log directory, with every row.

    Example:
    ```python
    for recorded in read_log_dir("logs"):
        print(recorded.run, recorded.status(), recorded.sweep)
    ```

    Args:
        log_dir: The directory that `tensorboard --logdir` is given.
        progress: Called with the runs that have been loaded, and with all that there are.

    Returns:
        A list of `Recorded`, in natural order of the runs' names.
    """
    # The same code path as in TensorBoard itself; imported here because it is slow to load.
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider

    from tb_lrfinder.run_files import RunFiles

    multiplexer = RunFiles(log_dir)
    runs = multiplexer.Runs()
    for done, run in enumerate(runs, 1):
        multiplexer.GetAccumulator(run).Reload()
        if progress is not None:
            progress(done, len(runs))
    reader = RunReader(MultiplexerDataProvider(multiplexer, log_dir))
    ctx = RequestContext()
    read = reader.read(ctx, "", [recorded.run for recorded in reader.list(ctx, "")])
    return list(read.values())


def _assemble(run: str, values: Mapping[str, TensorDatum]) -> Recorded | None:
    """One run from the last value of each of its tags."""
    texts = {tag: json_tags.parse(values[tag], tag) for tag in _JSON_TAGS if tag in values}
    started = _started(texts)
    values = {tag: value for tag, value in values.items() if value.wall_time >= started}
    texts = {tag: text for tag, text in texts.items() if tag in values}
    chunks = [values[tag] for tag in sorted(values) if tag.startswith(metadata.ROWS_TAG_PREFIX)]
    last = max((value.wall_time for value in values.values()), default=0.0)
    kind = _kind(texts)
    header = texts.get(_HEADER_TAGS[kind])
    config = header if isinstance(header, dict) else {}
    known = metadata.COLUMNS if kind == "sweep" else metadata.TRIAL_COLUMNS
    names = config.get("columns") or known
    problem = header if isinstance(header, str) else None
    try:
        if problem is not None:
            raise ValueError(problem)  # what its rows mean is not known
        if names[0] != known[0]:
            raise ValueError(
                f"The rows cannot be read: their first column is {names[0]!r}, not {known[0]!r}."
            )
        columns = _join(chunks, names, may_widen=kind == "trial")
        if kind == "sweep" and not _are_learning_rates(columns.get("learning_rate")):
            raise ValueError("The rows cannot be read: a chunk has learning rates that are not positive.")
    except ValueError as error:
        problem, columns = str(error), _join([], known, may_widen=False)
    steps = len(columns[known[0]])
    sweep = _sweep(columns, steps, config) if kind == "sweep" else None
    trial = _trial(columns, config) if kind == "trial" else None
    return _recorded(run, texts, steps, last, sweep=sweep, trial=trial, problem=problem)


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
    step, learning_rate, loss, _, validation_loss = (columns.get(name, missing) for name in metadata.COLUMNS)
    return Sweep.from_losses(
        learning_rate,
        loss,
        validation_loss,
        max(config.get("delta_window") or DEFAULT_DELTA_WINDOW, 1),
        step=step.astype(np.int64),
    )


def _started(texts: Mapping[str, dict[str, Any] | str]) -> float:
    """When a trial of `run_trials` began, which may have taken the place of one that was cut short.

    A TensorBoard that has read the earlier one still holds its rows and its result.
    """
    config = texts.get(metadata.TRIAL_TAG)
    if not isinstance(config, dict) or "fingerprint" not in config:
        return -math.inf
    return float(config.get("start_time") or -math.inf)


def _kind(texts: Mapping[str, Any]) -> Kind:
    return "trial" if metadata.TRIAL_TAG in texts else "sweep"


def _recorded(
    run: str,
    texts: Mapping[str, dict[str, Any] | str],
    steps: int,
    last_event_time: float,
    sweep: Sweep | None = None,
    trial: Trial | None = None,
    problem: str | None = None,
) -> Recorded | None:
    kind = _kind(texts)
    config = texts.get(_HEADER_TAGS[kind])
    result = texts.get(metadata.RESULT_TAG)
    if config is None:
        if not steps:
            return None  # other tags under our plugin name; nothing that could be shown
        problem = problem or f"The run has rows, but no {metadata.SWEEP_TAG!r} that says what they are."
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


def _join(
    chunks: Iterable[TensorDatum], names: Sequence[str], *, may_widen: bool
) -> dict[str, np.ndarray[Any, Any]]:
    """The columns of all chunks.

    Args:
        chunks: In their order.
        names: Of the columns.
        may_widen: Whether columns may have come later than some of the rows, which have NaN there.
    """
    parts = [np.empty((0, len(names)))]
    for part in (np.asarray(chunk.numpy) for chunk in chunks):
        narrow = len(names) - part.shape[1] if part.ndim == 2 else -1
        if part.dtype.kind != "f" or not (narrow == 0 or (may_widen and 0 < narrow < len(names))):
            raise ValueError(
                f"The rows cannot be read: a chunk is {part.dtype} {list(part.shape)} and should be "
                f"float32 [rows, {len(names)}]."
            )
        if not np.isfinite(part[:, 0]).all():
            raise ValueError("The rows cannot be read: a chunk has steps that are no numbers.")
        parts.append(np.pad(part.astype(np.float64), ((0, 0), (0, narrow)), constant_values=np.nan))
    return dict(zip(names, np.concatenate(parts).T, strict=True))
