"""Event file in a remote store."""

from __future__ import annotations

import importlib
import io
import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.record_writer import RecordWriter

from tb_lrfinder.storage import schema
from tb_lrfinder.storage.local_event_file import FILE_VERSION, new_file_name

REMOTE_TIMEOUT_SECONDS: Final = 30.0
"""Timeout for a remote store, at the start and at the end of a run."""

# A store cannot append: every flush uploads the whole file. Uploads are therefore limited to this fraction of
# the time, at increasing intervals that stay short enough for heartbeats.
_MAX_TIME_FRACTION: Final = 0.05
_INTERVAL_PER_AGE: Final = 0.1
_INTERVAL_SECONDS: Final = (5.0, 30.0)

Result = TypeVar("Result")


class RemoteEventFile:
    """An event file in a store that TensorBoard can read: `s3://`, or any scheme of fsspec.

    Uses TensorBoard's file systems rather than those of TensorFlow, which support fewer schemes.

    Args:
        directory: String. A URL.
    """

    timeout: float | None = REMOTE_TIMEOUT_SECONDS

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._opened = time.monotonic()
        self._upload_seconds = 0.0  # of the last flush
        self._store = _file_system(directory)
        self._url = f"{directory}/{new_file_name()}"
        self._content = io.BytesIO()
        self._records = RecordWriter(self._content)
        self._uploaded = 0
        self.add(Event(wall_time=time.time(), file_version=FILE_VERSION))

    @property
    def is_buffer_full(self) -> bool:
        """False: every flush uploads the whole file."""
        return False

    @property
    def flush_seconds(self) -> float:
        """Seconds between flushes."""
        shortest, longest = _INTERVAL_SECONDS
        interval = (time.monotonic() - self._opened) * _INTERVAL_PER_AGE
        return max(min(max(shortest, interval), longest), self._upload_seconds / _MAX_TIME_FRACTION)

    def add(self, event: Event) -> None:
        """Append an event."""
        self._records.write(event.SerializeToString())

    def discard_buffer(self) -> None:
        """Discard the events added since the last flush."""
        self._content.seek(self._uploaded)
        self._content.truncate()

    def flush(self) -> None:
        """Upload the file if it has changed."""
        content = self._content.getvalue()
        if len(content) == self._uploaded:
            return
        start = time.monotonic()
        self._store.write(self._url, content, binary_mode=True)
        self._uploaded = len(content)
        self._upload_seconds = time.monotonic() - start

    def close(self) -> None:
        """Do nothing: no file is open."""

    def reopen(self) -> RemoteEventFile:
        """Return self: every flush uploads the whole file, so it cannot be lost."""
        return self


def open_remote(url: str) -> RemoteEventFile:
    """Create an event file in `url`, or in the first one of `url/2`, `url/3`, ... without one."""
    store = _file_system(url)
    number, candidate = 1, url
    while any(name.endswith(schema.EVENT_FILE_SUFFIX) for name in _names(store, candidate)):
        number += 1
        candidate = f"{url}/{number}"
    events = RemoteEventFile(candidate)
    events.flush()
    return events


def run_with_timeout(seconds: float, function: Callable[[], Result]) -> Result:
    """Run `function` in a thread and return its result; the thread is abandoned on timeout.

    Raises:
        TimeoutError: If it takes longer.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call, name="lr_finder_remote", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no response within {seconds:g} seconds")
    return results[0]


def _names(store: Any, url: str) -> list[str]:
    return list(store.listdir(url)) if store.isdir(url) else []


def _file_system(url: str) -> Any:
    """Return TensorBoard's file system for a URL.

    Raises:
        ImportError: If a package for its scheme is not installed.
        ValueError: If TensorBoard does not support its scheme.
    """
    from tensorboard.compat.tensorflow_stub.io import gfile

    scheme = url.partition(":")[0]
    try:
        return gfile.get_filesystem(url)
    except ImportError:
        raise
    except Exception as error:
        if scheme == "s3" or _is_fsspec_scheme(scheme):
            raise ImportError(
                "No module named 'boto3'" if scheme == "s3" else "No module named 'fsspec'"
            ) from error
        raise ValueError(
            "`log_dir` must be a directory or a URL with a scheme that TensorBoard supports: s3, or a scheme "
            f"of fsspec, such as gs or memory. Received: log_dir={url!r}"
        ) from error


def _is_fsspec_scheme(scheme: str) -> bool:
    try:
        return scheme in importlib.import_module("fsspec").available_protocols()
    except ImportError:
        return scheme in ("gs", "gcs", "abfs", "az", "adl", "hdfs", "memory", "http", "https")
