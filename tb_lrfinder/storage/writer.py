"""Writes one sweep, or one trial, to the event file of its own run directory."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Final

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
from tensorboard.util import tensor_util

from tb_lrfinder.analysis.curve import COLUMNS, Sweep
from tb_lrfinder.analysis.downsampling import rows_to_draw
from tb_lrfinder.analysis.trial import TRIAL_COLUMNS
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.event_file import (
    EventFile,
    LostFileError,
    errors_name_log_dir,
    open_run_directory,
    within,
)
from tb_lrfinder.storage.row_chunks import Chunk, RowChunks
from tb_lrfinder.storage.schema import SweepConfig, SweepResult, TrialConfig

_LONGEST_PAUSE: Final = 30.0  # seconds between two attempts to write to a disk that is full
_MOST_SCALARS: Final = 10_000  # of a sweep that is written at once


class RunWriter:
    """Writes the rows of a run as they come, so that a live tab and a killed process show them.

    A thread of its own does the writing: `_append()` only appends to a list, and a row that takes
    minutes does not look like a dead process. What goes wrong after the start (a full disk, a lost
    network) becomes one warning, never an error in the training, and writing is tried again. A file that
    is removed, replaced or changed by somebody else is written again as a new one; that is said, too.

    Args:
        log_dir: Run directory, or the URL of one. When it already holds a sweep or a trial, the first free
            one of `log_dir/2`, `log_dir/3`, ... is used, and `log_dir` of the writer says which.
        config: What is run. Written at once.
        columns: Names of the columns, the number of the row first.
        scalars: Whether to write the plain scalars too, for readers that do not know the plugin; or the
            numbers of the rows that get them.
        goes_on: Asked now and then, by another thread, whether what is recorded still goes on. No signs of
            life are given when it does not, though its process lives.

    Raises:
        NotADirectoryError: If `log_dir` is a file.
        PermissionError: If nothing can be written to `log_dir`.
        OSError: If a remote `log_dir` cannot be reached.
        ImportError: If a remote `log_dir` needs a package that is not installed.
        ValueError: If a remote `log_dir` has a scheme that TensorBoard does not know.
    """

    _header_tag: str
    _scalar_tags: Mapping[str, str]
    _consolation: str  # what is said to those who lose their event file

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        config: Mapping[str, Any],
        columns: Sequence[str],
        *,
        scalars: bool | Container[int] = True,
        goes_on: Callable[[], bool] | None = None,
    ) -> None:
        self._events: EventFile = open_run_directory(os.fspath(log_dir))
        self.log_dir = self._events.directory
        self.error: Exception | None = None
        self._config = dict(config, schema_version=schema.SCHEMA_VERSION)
        self._columns = tuple(columns)
        self._rows = RowChunks(self._columns)
        self._held_rows = 0  # that the file holds
        self._held_header: dict[str, Any] = {}
        self._goes_on = goes_on
        self._scalars = scalars
        self._failures = 0  # one after the other, since the last success
        self._said: set[str] = set()
        self._saying_lock = threading.Lock()
        self._last_event = time.monotonic()
        self._wall_time = float(config.get("start_time") or 0.0)  # of the last event
        self._file_lock = threading.Lock()  # of all about the file; held while it is slow
        self._closing = threading.Event()
        if self._events.patience is None:  # a remote store gets the header with the first rows
            with errors_name_log_dir(self.log_dir):
                self._add_and_flush(sign_of_life=False, result=None)
        self._thread = threading.Thread(target=self._run, name="lr_finder_writer", daemon=True)
        self._thread.start()

    def _append(self, row: tuple[float, ...], columns: tuple[str, ...]) -> None:
        """Record one row. Never blocks on the disk and never raises.

        Args:
            row: The values of the columns.
            columns: All columns so far; those that are new come last.
        """
        self._columns = columns
        self._rows.append(row, columns)

    def close(self, result: Mapping[str, Any]) -> None:
        """Write what is left and how the run ended. A second call does nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        if self._events.patience is None:
            self._finish(result)
            return
        try:
            within(self._events.patience, lambda: self._finish(result))
        except TimeoutError as error:
            self._fail(error)

    def _finish(self, result: Mapping[str, Any]) -> None:
        self._thread.join()
        self._goes_on = None  # it may hold on to the data of the training
        self._write(result=result)
        # Closing after a failed write fails again in the same way; that was said already.
        with contextlib.suppress(Exception):
            self._events.close()

    def flush(self) -> None:
        """Write every row added so far, so that a reader of the file sees it."""
        self._write()

    def flush_nearby(self) -> None:
        """`flush()`, where nobody waits for it: a remote store gets the rows a little later."""
        if self._events.patience is None:
            self.flush()

    def _run(self) -> None:
        while not self._closing.wait(self._pause()):
            if self._goes_on is not None and not self._goes_on():
                self._goes_on = None
                self.flush()
                return
            silent = time.monotonic() - self._last_event
            self._write(sign_of_life=silent > schema.SIGN_OF_LIFE_SECONDS)

    def _pause(self) -> float:
        """How long to wait until the next write; ever longer while every one fails."""
        failing = min(2.0**self._failures, _LONGEST_PAUSE) if self._failures else 0.0
        return max(self._events.flush_seconds, failing)

    def _write(self, *, sign_of_life: bool = False, result: Mapping[str, Any] | None = None) -> None:
        """Bring the file up to date, or a new one if it is lost. Never raises.

        What cannot be written is tried again with the next rows, since all of them are kept.
        """
        lost: LostFileError | None = None
        try:
            with self._file_lock:
                try:
                    self._bring_up_to_date(sign_of_life, result)
                except LostFileError as error:
                    lost = error
                    self._reopen()
                    self._bring_up_to_date(sign_of_life, result)
        except Exception as error:
            self._fail(error)
            return
        self.error, self._failures = None, 0
        if lost is not None:
            self._say(
                "lost",
                f"LR Finder has written everything again, to {self.log_dir!r}, because {lost} while it was "
                "being written. What else is in the directory may be removed.",
            )

    def _reopen(self) -> None:
        self._events = self._events.reopened()
        self.log_dir = self._events.directory
        self._held_rows, self._held_header = 0, {}

    def _bring_up_to_date(self, sign_of_life: bool, result: Mapping[str, Any] | None) -> None:
        try:
            self._add_and_flush(sign_of_life, result)
        except BaseException:
            self._events.drop()  # all of it is added again by the next attempt
            raise

    def _add_and_flush(self, sign_of_life: bool, result: Mapping[str, Any] | None) -> None:
        new = self._rows.since(self._held_rows)
        if sign_of_life or self._header(new.columns) != self._held_header:
            self._add_header(new.columns)
        for number, chunk in enumerate(new.chunks, new.first_chunk):
            first = number * schema.ROWS_PER_CHUNK
            if self._scalars is not False:
                self._add_scalars(chunk[max(self._held_rows - first, 0) :], new.columns)
            # The step is the row's place: readers count rows by it, without reading them.
            self._add_tensor(schema.rows_tag(number), chunk, step=first + len(chunk) - 1)
            if self._events.is_due:
                self._events.flush()
                self._held_rows = first + len(chunk)
        if result is not None:
            ending = dict(result, schema_version=schema.SCHEMA_VERSION)
            self._add_json(schema.RESULT_TAG, ending, step=max(new.total - 1, 0))
        self._events.flush()
        self._held_rows, self._held_header = new.total, self._header(new.columns)

    def _header(self, columns: Sequence[str]) -> dict[str, Any]:
        return self._config | {"columns": list(columns)}

    def _add_header(self, columns: Sequence[str]) -> None:
        self._add_json(self._header_tag, self._header(columns), step=0)

    def _add_json(self, tag: str, value: dict[str, Any], step: int) -> None:
        self._add_tensor(tag, np.array(json.dumps(value, allow_nan=True).encode(), dtype=object), step=step)

    def _add_tensor(self, tag: str, value: np.ndarray[Any, Any], step: int) -> None:
        about = SummaryMetadata(
            plugin_data=SummaryMetadata.PluginData(plugin_name=schema.PLUGIN_NAME),
            data_class=DATA_CLASS_TENSOR,
        )
        tensor = tensor_util.make_tensor_proto(value)
        self._add_event(Summary(value=[Summary.Value(tag=tag, tensor=tensor, metadata=about)]), step)

    def _add_scalars(self, rows: Chunk, columns: Sequence[str]) -> None:
        for row in rows.tolist():
            if not isinstance(self._scalars, bool) and row[0] not in self._scalars:
                continue
            named = dict(zip(columns, row, strict=False))  # the last columns may have come later
            # `simple_value` without metadata costs half of what a scalar tensor does, and every reader
            # of event files takes it for a scalar.
            values = [
                Summary.Value(tag=tag, simple_value=named[name])
                for name, tag in self._scalar_tags.items()
                if name in named
            ]
            self._add_event(Summary(value=values), int(row[0]))

    def _add_event(self, summary: Summary, step: int) -> None:
        # A clock that is set back must not make a later event an earlier one.
        self._wall_time = max(self._wall_time, time.time())
        self._events.add(Event(wall_time=self._wall_time, step=step, summary=summary))
        self._last_event = time.monotonic()

    def _fail(self, error: Exception) -> None:
        self.error = error
        self._failures += 1
        self._say(
            "failed", f"LR Finder can no longer write to {self.log_dir!r}: {error}. {self._consolation}"
        )

    def _say(self, what: str, text: str) -> None:
        """Warn, once of each thing."""
        with self._saying_lock:  # the thread and the training may meet it at the same moment
            if what in self._said:
                return
            self._said.add(what)
        try:
            warnings.warn(text, RuntimeWarning, stacklevel=3)
        except RuntimeWarning:  # with `-W error`, and still neither the thread nor the training ends of it
            print(text, file=sys.stderr)


class SweepWriter(RunWriter):
    """Writes a sweep, see `RunWriter`.

    Example:
    ```python
    writer = SweepWriter("logs/adam", {"optimizer": "Adam"})
    writer.add(step=0, learning_rate=1e-7, loss=2.3, loss_delta=0.0)
    writer.close({"stop_reason": "completed"})
    ```

    Args:
        log_dir: See `RunWriter`.
        config: What is run, see `SweepConfig`. Written at once.
        scalars: See `RunWriter`.
    """

    _header_tag = schema.SWEEP_TAG
    _scalar_tags = schema.SCALAR_TAGS
    _consolation = (
        "The sweep goes on and its numbers stay in memory, in `finder.sweep`. Writing is tried again until "
        "it ends, and `finder.save(log_dir)` writes them elsewhere."
    )

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        config: SweepConfig,
        *,
        scalars: bool | Container[int] = True,
    ) -> None:
        super().__init__(log_dir, config, COLUMNS, scalars=scalars)

    def add(
        self,
        step: int,
        learning_rate: float,
        loss: float,
        loss_delta: float,
        validation_loss: float = float("nan"),
    ) -> None:
        """Record one row. Never blocks on the disk and never raises."""
        self._append((step, learning_rate, loss, loss_delta, validation_loss), COLUMNS)


class TrialWriter(RunWriter):
    """Writes a trial, a training at a fixed learning rate, see `RunWriter`.

    Example:
    ```python
    writer = TrialWriter("logs/trials/0.01", {"learning_rate": 0.01, "epochs": 10})
    writer.add(epoch=0, learning_rate=0.01, loss=0.9, values={"validation_loss": 0.8, "accuracy": 0.7})
    writer.close({"stop_reason": "completed", "epochs": 1})
    ```

    Args:
        log_dir: See `RunWriter`.
        config: What is run, see `TrialConfig`. Written at once.
        scalars: See `RunWriter`.
        goes_on: See `RunWriter`.
    """

    _header_tag = schema.TRIAL_TAG
    _scalar_tags = schema.TRIAL_SCALAR_TAGS
    _consolation = (
        "The training goes on and its numbers stay in memory, in `trial.trial`. Writing is tried again until "
        "it ends."
    )

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        config: TrialConfig,
        *,
        scalars: bool = True,
        goes_on: Callable[[], bool] | None = None,
    ) -> None:
        super().__init__(log_dir, config, TRIAL_COLUMNS, scalars=scalars, goes_on=goes_on)

    def amend(self, config: TrialConfig) -> None:
        """Know more of what is run than at the start; written with the next row."""
        self._config = self._config | config

    def add(self, epoch: int, learning_rate: float, loss: float, values: Mapping[str, float]) -> None:
        """Record one epoch, with what else was measured in it, by column. Never blocks and never raises."""
        named = {"epoch": float(epoch), "learning_rate": learning_rate, "loss": loss, **values}
        columns = tuple(dict.fromkeys([*self._columns, *named]))
        self._append(tuple(named.get(name, math.nan) for name in columns), columns)


def write_sweep(
    log_dir: str | os.PathLike[str], sweep: Sweep, config: SweepConfig, result: SweepResult
) -> str:
    """Write a whole sweep at once; returns the directory that was really written to.

    All of its rows. Of the plain scalars of a long sweep, those that a picture needs: each is an event of its
    own, which readers of event files take minutes for when there are a million, and then keep a thousand.

    Raises:
        OSError: If `log_dir` cannot be written to. See `RunWriter` for what else may be wrong with it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it becomes an error below
        writer = SweepWriter(log_dir, config, scalars=len(sweep) <= _MOST_SCALARS or _drawn(sweep))
        for row in zip(*(column.tolist() for column in sweep.columns().values()), strict=True):
            writer.add(*row)
        writer.close(result)
    if writer.error is not None:
        raise OSError(
            f"{writer.log_dir!r} can no longer be written to: {writer.error}. Remove it and make room."
        ) from writer.error
    return writer.log_dir


def _drawn(sweep: Sweep) -> frozenset[int]:
    """The numbers of the rows that a picture over the steps needs."""
    even = np.geomspace(1, 10, len(sweep))
    rows = rows_to_draw(even, [sweep.learning_rate, sweep.loss, sweep.loss_delta], _MOST_SCALARS // 10)
    return frozenset(sweep.step[rows].tolist())
