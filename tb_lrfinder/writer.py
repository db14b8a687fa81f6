"""Writes one sweep, or one trial, to the event file of its own run directory."""

from __future__ import annotations

import contextlib
import json
import math
import os
import threading
import time
import warnings
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
from tensorboard.util import tensor_util

from tb_lrfinder import metadata
from tb_lrfinder.curve import Sweep
from tb_lrfinder.event_file import errors_name_log_dir, open_run_directory, within
from tb_lrfinder.metadata import SweepConfig, SweepResult, TrialConfig
from tb_lrfinder.thinning import rows_to_draw

_MOST_SCALARS: Final = 10_000  # of a sweep that is written at once


class RunWriter:
    """Writes the rows of a run as they come, so that a live tab and a killed process show them.

    A thread of its own does the writing: `_append()` only appends to a list, and a row that takes
    minutes does not look like a dead process. What goes wrong after the start (a full disk, a
    removed directory) becomes one warning, never an error in the training.

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
        self._events = open_run_directory(os.fspath(log_dir))
        self.log_dir = self._events.directory
        self.error: Exception | None = None
        self._config = dict(config, schema_version=metadata.SCHEMA_VERSION)
        self._columns = tuple(columns)
        self._written_columns = self._columns  # those of the rows, in the file
        self._written_header: dict[str, Any] = {}
        self._goes_on = goes_on
        self._scalars = scalars
        self._rows: list[tuple[float, ...]] = []  # of the open chunk
        self._chunk = 0
        self._unwritten = 0  # rows at the end of `_rows` that no event holds yet
        self._last_event = time.monotonic()
        self._wall_time = float(config.get("start_time") or 0.0)  # of the last event
        # One lock for the rows and the error, held for moments only; one for the file, held while it is slow.
        self._rows_lock = threading.Lock()
        self._file_lock = threading.Lock()
        self._closing = threading.Event()
        self._add_header()
        if self._events.patience is None:
            with errors_name_log_dir(self.log_dir):
                self._events.flush()
        self._thread = threading.Thread(target=self._run, name="lr_finder_writer", daemon=True)
        self._thread.start()

    def _append(self, row: tuple[float, ...], columns: tuple[str, ...]) -> None:
        """Record one row. Never blocks on the disk and never raises.

        Args:
            row: The values of the columns.
            columns: All columns so far; those that are new come last.
        """
        with self._rows_lock:
            self._columns = columns
            self._rows.append(row)
            self._unwritten += 1

    def close(self, result: Mapping[str, Any]) -> None:
        """Write what is left and how the run ended. A second call does nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        with self._reporting_failure():
            if self._events.patience is None:
                self._finish(result)
            else:
                within(self._events.patience, lambda: self._finish(result))

    def _finish(self, result: Mapping[str, Any]) -> None:
        self._thread.join()
        self._goes_on = None  # it may hold on to the data of the training
        with self._reporting_failure(), self._file_lock:
            last_step = self._write_rows()
            header = dict(result, schema_version=metadata.SCHEMA_VERSION)
            self._add_json(metadata.RESULT_TAG, header, step=max(last_step, 0))
            self._events.flush()
        # Closing after a failed write fails again in the same way; that was said already.
        with contextlib.suppress(Exception):
            self._events.close()

    def flush(self) -> None:
        """Write every row added so far, so that a reader of the file sees it."""
        with self._reporting_failure(), self._file_lock:
            self._write_rows()
            self._events.flush()

    def flush_nearby(self) -> None:
        """`flush()`, where nobody waits for it: a remote store gets the rows a little later."""
        if self._events.patience is None:
            self.flush()

    def _run(self) -> None:
        while not self._closing.wait(self._events.flush_seconds):
            silent = time.monotonic() - self._last_event
            if self._goes_on is not None and not self._goes_on():
                self._goes_on = None
                self.flush()
                return
            if self._unwritten:
                self.flush()
            elif silent > metadata.SIGN_OF_LIFE_SECONDS:
                with self._reporting_failure(), self._file_lock:
                    self._give_sign_of_life()
                    self._events.flush()

    def _write_rows(self) -> int:
        """Write the open chunk, and those that fill up; return the last step or -1."""
        with self._rows_lock:
            rows, unwritten, self._unwritten = self._rows, self._unwritten, 0
            columns = self._columns
            full_chunks = len(rows) // metadata.ROWS_PER_CHUNK
            self._rows = rows[full_chunks * metadata.ROWS_PER_CHUNK :]
            first_chunk, self._chunk = self._chunk, self._chunk + full_chunks
            rows = [_widened(row, len(columns)) for row in rows]
        self._written_columns = columns
        if self._header() != self._written_header:
            self._add_header()
        if self._scalars is not False:
            for row in rows[len(rows) - unwritten :]:
                if self._scalars is True or row[0] in self._scalars:
                    self._add_scalars(row)
        # A chunk that is full and has been written before has no new rows, and is not here again.
        for start in range(0, len(rows), metadata.ROWS_PER_CHUNK):
            chunk = rows[start : start + metadata.ROWS_PER_CHUNK]
            self._add_chunk(first_chunk + start // metadata.ROWS_PER_CHUNK, chunk)
        return int(rows[-1][0]) if rows else -1

    def _give_sign_of_life(self) -> None:
        with self._rows_lock:
            rows, chunk = [_widened(row, len(self._columns)) for row in self._rows], self._chunk
        if rows:
            self._add_chunk(chunk, rows)
        else:  # no row yet, or the last chunk is full and closed
            self._add_header()

    def _add_header(self) -> None:
        self._written_header = self._header()
        self._add_json(self._header_tag, self._written_header, step=0)

    def _header(self) -> dict[str, Any]:
        return self._config | {"columns": list(self._written_columns)}

    def _add_chunk(self, chunk: int, rows: list[tuple[float, ...]]) -> None:
        # The step is the row's place: readers count rows by it, without reading them.
        last = chunk * metadata.ROWS_PER_CHUNK + len(rows) - 1
        self._add_tensor(metadata.rows_tag(chunk), np.array(rows, np.float32), step=last)

    def _add_json(self, tag: str, value: dict[str, Any], step: int) -> None:
        self._add_tensor(tag, np.array(json.dumps(value, allow_nan=True).encode(), dtype=object), step=step)

    def _add_tensor(self, tag: str, value: np.ndarray[Any, Any], step: int) -> None:
        about = SummaryMetadata(
            plugin_data=SummaryMetadata.PluginData(plugin_name=metadata.PLUGIN_NAME),
            data_class=DATA_CLASS_TENSOR,
        )
        tensor = tensor_util.make_tensor_proto(value)
        self._add_event(Summary(value=[Summary.Value(tag=tag, tensor=tensor, metadata=about)]), step)

    def _add_scalars(self, row: tuple[float, ...]) -> None:
        named = dict(zip(self._written_columns, row, strict=True))
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

    @contextlib.contextmanager
    def _reporting_failure(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            with self._rows_lock:  # the thread and the training may meet it at the same moment
                is_first = self.error is None
                self.error = self.error or error
            if is_first:
                warnings.warn(
                    f"LR Finder can no longer write to {self.log_dir!r}: {error}. {self._consolation}",
                    RuntimeWarning,
                    stacklevel=2,
                )


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

    _header_tag = metadata.SWEEP_TAG
    _scalar_tags = metadata.SCALAR_TAGS
    _consolation = (
        "The sweep goes on and its numbers stay in memory, in `finder.sweep`; "
        "`finder.save(log_dir)` writes them elsewhere."
    )

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        config: SweepConfig,
        *,
        scalars: bool | Container[int] = True,
    ) -> None:
        super().__init__(log_dir, config, metadata.COLUMNS, scalars=scalars)

    def add(
        self,
        step: int,
        learning_rate: float,
        loss: float,
        loss_delta: float,
        validation_loss: float = float("nan"),
    ) -> None:
        """Record one row. Never blocks on the disk and never raises."""
        self._append((step, learning_rate, loss, loss_delta, validation_loss), metadata.COLUMNS)


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

    _header_tag = metadata.TRIAL_TAG
    _scalar_tags = metadata.TRIAL_SCALAR_TAGS
    _consolation = "The training goes on and its numbers stay in memory, in `trial.trial`."

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        config: TrialConfig,
        *,
        scalars: bool = True,
        goes_on: Callable[[], bool] | None = None,
    ) -> None:
        super().__init__(log_dir, config, metadata.TRIAL_COLUMNS, scalars=scalars, goes_on=goes_on)

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


def _widened(row: tuple[float, ...], width: int) -> tuple[float, ...]:
    """A row from before the last columns came."""
    return row + (math.nan,) * (width - len(row))
