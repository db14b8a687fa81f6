"""Writes the rows of a run to its event file while it is running."""

from __future__ import annotations

import contextlib
import json
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

from tb_lrfinder.storage import schema
from tb_lrfinder.storage.event_file import EventFile, errors_name_log_dir, open_run_directory
from tb_lrfinder.storage.local_event_file import LostFileError
from tb_lrfinder.storage.remote_event_file import run_with_timeout
from tb_lrfinder.storage.row_chunks import Chunk, RowChunks

_MAX_RETRY_SECONDS: Final = 30.0  # between two attempts to write to a full disk


class RunWriter:
    """Writes the rows of a run while it is running: they are visible live and survive a killed process.

    A background thread does the writing: `_append()` only appends to a list, and heartbeats show that the
    process is alive even if a row takes minutes. Failures after the start (a full disk, a lost network) cause
    a single warning and never interrupt training; writing is retried. A file that is removed, replaced or
    changed by another process is written again as a new one, with a warning.

    Args:
        log_dir: String or path. Run directory, or its URL. If it already contains a run, the first free one
            of `log_dir/2`, `log_dir/3`, ... is used; see the attribute `log_dir`.
        config: Dict. Configuration of the run; written immediately.
        columns: Names of the columns, starting with the row index.
        scalars: Boolean, or the indices of rows. Whether to also write scalar summaries, for readers without
            the plugin.
        is_running: Callable that returns whether the recorded training is still running. Called periodically
            from another thread; once it returns `False`, no more heartbeats are written.

    Raises:
        NotADirectoryError: If `log_dir` is a file.
        PermissionError: If `log_dir` is not writable.
        OSError: If a remote `log_dir` cannot be reached.
        ImportError: If a remote `log_dir` needs a package that is not installed.
        ValueError: If TensorBoard does not support the scheme of a remote `log_dir`.
    """

    _header_tag: str
    _scalar_tags: Mapping[str, str]
    _failure_hint: str  # appended to the warning if the file cannot be written

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        config: Mapping[str, Any],
        columns: Sequence[str],
        *,
        scalars: bool | Container[int] = True,
        is_running: Callable[[], bool] | None = None,
    ) -> None:
        self._events: EventFile = open_run_directory(os.fspath(log_dir))
        self.log_dir = self._events.directory
        self.error: Exception | None = None
        self._config = dict(config, schema_version=schema.SCHEMA_VERSION)
        self._columns = tuple(columns)
        self._rows = RowChunks(self._columns)
        self._written_rows = 0
        self._written_header: dict[str, Any] = {}
        self._is_running = is_running
        self._scalars = scalars
        self._failures = 0  # since the last success
        self._warned: set[str] = set()
        self._warning_lock = threading.Lock()
        self._last_event = time.monotonic()
        self._wall_time = float(config.get("start_time") or 0.0)  # of the last event
        self._file_lock = threading.Lock()  # guards the file; may be held for long
        self._closing = threading.Event()
        if self._events.timeout is None:  # a remote store gets the configuration with the first rows
            with errors_name_log_dir(self.log_dir):
                self._add_and_flush(heartbeat=False, result=None)
        self._thread = threading.Thread(target=self._run, name="lr_finder_writer", daemon=True)
        self._thread.start()

    def _append(self, row: tuple[float, ...], columns: tuple[str, ...]) -> None:
        """Record one row. Never blocks on I/O and never raises.

        Args:
            row: The values of the columns.
            columns: All columns so far, new ones last.
        """
        self._columns = columns
        self._rows.append(row, columns)

    def close(self, result: Mapping[str, Any]) -> None:
        """Write the remaining rows and the result. Does nothing if already closed."""
        if self._closing.is_set():
            return
        self._closing.set()
        if self._events.timeout is None:
            self._finish(result)
            return
        try:
            run_with_timeout(self._events.timeout, lambda: self._finish(result))
        except TimeoutError as error:
            self._fail(error)

    def _finish(self, result: Mapping[str, Any]) -> None:
        self._thread.join()
        self._is_running = None  # it may keep the training data alive
        self._write(result=result)
        # Closing after a failed write fails in the same way, which was already reported.
        with contextlib.suppress(Exception):
            self._events.close()

    def flush(self) -> None:
        """Write all rows added so far to the file."""
        self._write()

    def flush_local(self) -> None:
        """Flush a local file; the background thread sends rows to a remote store later."""
        if self._events.timeout is None:
            self.flush()

    def _run(self) -> None:
        while not self._closing.wait(self._pause()):
            if self._is_running is not None and not self._is_running():
                self._is_running = None
                self.flush()
                return
            silence = time.monotonic() - self._last_event
            self._write(heartbeat=silence > schema.HEARTBEAT_SECONDS)

    def _pause(self) -> float:
        """Return the seconds until the next write, increasing while writes fail."""
        backoff = min(2.0**self._failures, _MAX_RETRY_SECONDS) if self._failures else 0.0
        return max(self._events.flush_seconds, backoff)

    def _write(self, *, heartbeat: bool = False, result: Mapping[str, Any] | None = None) -> None:
        """Update the file, or create a new one if it was lost. Never raises.

        Rows that cannot be written are retried with the next ones, since all rows are kept.
        """
        lost: LostFileError | None = None
        try:
            with self._file_lock:
                try:
                    self._update(heartbeat, result)
                except LostFileError as error:
                    lost = error
                    self._reopen()
                    self._update(heartbeat, result)
        except Exception as error:
            self._fail(error)
            return
        self.error, self._failures = None, 0
        if lost is not None:
            self._warn(
                "lost",
                f"LR Finder has rewritten all data to {self.log_dir!r} because {lost} during the run. Other "
                "files in the directory can be removed.",
            )

    def _reopen(self) -> None:
        self._events = self._events.reopen()
        self.log_dir = self._events.directory
        self._written_rows, self._written_header = 0, {}

    def _update(self, heartbeat: bool, result: Mapping[str, Any] | None) -> None:
        try:
            self._add_and_flush(heartbeat, result)
        except BaseException:
            self._events.discard_buffer()  # the next attempt adds all events again
            raise

    def _add_and_flush(self, heartbeat: bool, result: Mapping[str, Any] | None) -> None:
        new = self._rows.since(self._written_rows)
        if heartbeat or self._header(new.columns) != self._written_header:
            self._add_header(new.columns)
        for number, chunk in enumerate(new.chunks, new.first_chunk):
            first = number * schema.ROWS_PER_CHUNK
            if self._scalars is not False:
                self._add_scalars(chunk[max(self._written_rows - first, 0) :], new.columns)
            # The step is the index of the last row, so that readers can count rows without reading them.
            self._add_tensor(schema.rows_tag(number), chunk, step=first + len(chunk) - 1)
            if self._events.is_buffer_full:
                self._events.flush()
                self._written_rows = first + len(chunk)
        if result is not None:
            final = dict(result, schema_version=schema.SCHEMA_VERSION)
            self._add_json(schema.RESULT_TAG, final, step=max(new.total - 1, 0))
        self._events.flush()
        self._written_rows, self._written_header = new.total, self._header(new.columns)

    def _header(self, columns: Sequence[str]) -> dict[str, Any]:
        return self._config | {"columns": list(columns)}

    def _add_header(self, columns: Sequence[str]) -> None:
        self._add_json(self._header_tag, self._header(columns), step=0)

    def _add_json(self, tag: str, value: dict[str, Any], step: int) -> None:
        self._add_tensor(tag, np.array(json.dumps(value, allow_nan=True).encode(), dtype=object), step=step)

    def _add_tensor(self, tag: str, value: np.ndarray[Any, Any], step: int) -> None:
        metadata = SummaryMetadata(
            plugin_data=SummaryMetadata.PluginData(plugin_name=schema.PLUGIN_NAME),
            data_class=DATA_CLASS_TENSOR,
        )
        tensor = tensor_util.make_tensor_proto(value)
        self._add_event(Summary(value=[Summary.Value(tag=tag, tensor=tensor, metadata=metadata)]), step)

    def _add_scalars(self, rows: Chunk, columns: Sequence[str]) -> None:
        for row in rows.tolist():
            if not isinstance(self._scalars, bool) and row[0] not in self._scalars:
                continue
            values_by_name = dict(
                zip(columns, row, strict=False)
            )  # the last columns may be newer than the row
            # `simple_value` without metadata is half the size of a scalar tensor, and every reader of event
            # files treats it as a scalar.
            values = [
                Summary.Value(tag=tag, simple_value=values_by_name[name])
                for name, tag in self._scalar_tags.items()
                if name in values_by_name
            ]
            self._add_event(Summary(value=values), int(row[0]))

    def _add_event(self, summary: Summary, step: int) -> None:
        # If the clock is set back, events must stay in order.
        self._wall_time = max(self._wall_time, time.time())
        self._events.add(Event(wall_time=self._wall_time, step=step, summary=summary))
        self._last_event = time.monotonic()

    def _fail(self, error: Exception) -> None:
        self.error = error
        self._failures += 1
        self._warn(
            "failed", f"LR Finder can no longer write to {self.log_dir!r}: {error}. {self._failure_hint}"
        )

    def _warn(self, topic: str, text: str) -> None:
        """Warn once per topic."""
        with self._warning_lock:  # the writer thread and training may warn at the same time
            if topic in self._warned:
                return
            self._warned.add(topic)
        try:
            warnings.warn(text, RuntimeWarning, stacklevel=3)
        except RuntimeWarning:  # with `-W error`, neither the thread nor training must end
            print(text, file=sys.stderr)
