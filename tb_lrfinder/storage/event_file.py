"""The event file of a run: the directory it goes to, and how its bytes get there, nearby or remote."""

from __future__ import annotations

import contextlib
import importlib
import io
import itertools
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.record_writer import RecordWriter

from tb_lrfinder.storage import schema

PATIENCE_SECONDS: Final = 30.0
"""How long a training waits for a remote store, when its run begins and when it ends."""

# A store has no append: every flush sends the whole file. So sending takes this share of the time at most,
# and waits ever longer, but not so long that a reader misses a sign of life.
_SHARE_OF_TIME: Final = 0.05
_SHARE_OF_AGE: Final = 0.1
_REMOTE_FLUSH_SECONDS: Final = (5.0, 30.0)

_FILE_VERSION: Final = "brain.Event:2"
_MOST_ADDED: Final = 1 << 20  # bytes in memory, until they are written
_MOST_LOST: Final = 5  # files of one run; whoever takes them away again and again means it
_NUMBERS = itertools.count()
Answer = TypeVar("Answer")


class LostFileError(OSError):
    """The file is no longer what was written: it was removed, replaced or changed by somebody else."""


class LocalEventFile:
    """An event file in a directory of this machine.

    It is not written by TensorBoard's `EventFileWriter`, whose thread dies with a traceback where the disk is
    full, and which writes on without a word where the file has been replaced by another one.

    Args:
        directory: Exists, or is made.
        earlier: Names of the files of the same run in it, which were lost.
    """

    patience: float | None = None
    """How long the end of a training may wait for it, in seconds; None: until it is done."""

    def __init__(self, directory: str, earlier: frozenset[str] = frozenset()) -> None:
        self.directory = directory
        absolute = Path(directory).absolute()  # the training may change its working directory
        absolute.mkdir(parents=True, exist_ok=True)
        self._path, self._file = _create(absolute)
        self._names = earlier | {self._path.name}
        created = os.fstat(self._file.fileno())
        self._identity = (created.st_dev, created.st_ino)
        self._size = 0  # all that is ours in the file
        self._added = io.BytesIO()
        self._records = RecordWriter(self._added)
        self.add(Event(wall_time=time.time(), file_version=_FILE_VERSION))
        try:
            self.flush()
        except BaseException:
            self.discard()
            raise

    @property
    def flush_seconds(self) -> float:
        """How long to wait from one flush to the next."""
        return schema.FLUSH_SECONDS

    @property
    def is_due(self) -> bool:
        """Whether so much was added that it should be flushed."""
        return self._added.tell() > _MOST_ADDED

    def add(self, event: Event) -> None:
        """Append an event."""
        self._records.write(event.SerializeToString())

    def drop(self) -> None:
        """Forget what was added since the last flush."""
        self._added.seek(0)
        self._added.truncate()

    def flush(self) -> None:
        """Have readers see what was added. After an error the file holds nothing of it.

        Raises:
            LostFileError: If the file is not as this writer left it. What is written to it then may never be
                read.
            OSError: If it cannot be written.
        """
        self._check_it_is_ours()  # or rows would go behind what somebody else has written there
        content = memoryview(self._added.getvalue())
        written = 0
        try:
            while written < len(content):
                written += self._file.write(content[written:]) or 0
        except BaseException:
            # Half a record would hide from readers whatever is written after it.
            with contextlib.suppress(OSError, ValueError):
                self._file.truncate(self._size)
                self._file.seek(self._size)
            raise
        self._size += written
        self.drop()
        self._check_it_is_ours()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def discard(self) -> None:
        """Remove the file."""
        self.close()
        self._path.unlink()

    def reopened(self) -> LocalEventFile:
        """An empty event file in place of this one, which was lost.

        In the same directory, which may hold what is left of this one or a copy of it; or, if another run has
        taken the directory since, in the first free one of `directory/2`, ...

        Raises:
            OSError: If it cannot be made, or if too many were lost before it.
        """
        if len(self._names) > _MOST_LOST:
            raise OSError(f"{len(self._names)} event files were lost one after the other")
        with contextlib.suppress(OSError):
            self.close()
        if not self._others():
            again = LocalEventFile(self.directory, self._names)
            if not again._others():
                return again
            again.discard()
        return _open_local(self.directory)

    def _others(self) -> set[str]:
        return {file.name for file in _event_files(str(self._path.parent))} - self._names

    def _check_it_is_ours(self) -> None:
        name = self._path.name
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise LostFileError(f"the file {name} was removed") from None
        if (found.st_dev, found.st_ino) != self._identity:
            raise LostFileError(f"the file {name} was replaced by another one")
        if found.st_size != self._size:
            raise LostFileError(
                f"the file {name} was changed: it has {found.st_size} bytes, and {self._size} were written"
            )


def _create(directory: Path) -> tuple[Path, io.FileIO]:
    while True:
        path = directory / _new_name()
        with contextlib.suppress(FileExistsError):
            return path, io.FileIO(path, "xb")


def _new_name() -> str:
    number = next(_NUMBERS)
    name = f"events.out.tfevents.{int(time.time()):010}.{socket.gethostname()}.{os.getpid()}.{number}"
    return name + schema.EVENT_FILE_SUFFIX


class RemoteEventFile:
    """An event file in a store that TensorBoard reads: `s3://`, or any scheme of fsspec.

    Records and stores are TensorBoard's own, without TensorFlow's file systems, which know fewer schemes.

    Args:
        directory: A URL.
    """

    patience: float | None = PATIENCE_SECONDS

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._opened = time.monotonic()
        self._took = 0.0  # the last flush, in seconds
        self._store = _store(directory)
        self._url = f"{directory}/{_new_name()}"
        self._bytes = io.BytesIO()
        self._records = RecordWriter(self._bytes)
        self._sent = 0
        self.add(Event(wall_time=time.time(), file_version=_FILE_VERSION))

    @property
    def is_due(self) -> bool:
        """Never: every flush sends all of it."""
        return False

    @property
    def flush_seconds(self) -> float:
        """How long to wait from one flush to the next."""
        shortest, longest = _REMOTE_FLUSH_SECONDS
        aged = (time.monotonic() - self._opened) * _SHARE_OF_AGE
        return max(min(max(shortest, aged), longest), self._took / _SHARE_OF_TIME)

    def add(self, event: Event) -> None:
        """Append an event."""
        self._records.write(event.SerializeToString())

    def drop(self) -> None:
        """Forget what was added since the last flush."""
        self._bytes.seek(self._sent)
        self._bytes.truncate()

    def flush(self) -> None:
        """Send the file, if there is anything new in it."""
        content = self._bytes.getvalue()
        if len(content) == self._sent:
            return
        began = time.monotonic()
        self._store.write(self._url, content, binary_mode=True)
        self._sent = len(content)
        self._took = time.monotonic() - began

    def close(self) -> None:
        """Nothing is open."""

    def reopened(self) -> RemoteEventFile:
        """Itself: every flush sends the whole file, so that it cannot be lost."""
        return self


EventFile = LocalEventFile | RemoteEventFile


def is_remote(directory: str) -> bool:
    """Whether it is a URL."""
    return "://" in directory


def open_run_directory(log_dir: str) -> EventFile:
    """Claim `log_dir`, or the first free one of `log_dir/2`, `/3`, ..., and open its event file.

    Two runs in one run directory would be joined by TensorBoard, so the claim must hold between
    processes too: creating a numbered directory decides it; in `log_dir` itself, which may exist
    before, whoever finds another event file beside its own gives way. A remote store decides nothing:
    there, runs that start in the same second need directories of their own.

    Raises:
        ImportError: If a package for a remote `log_dir` is not installed.
        ValueError: If the URL has no scheme that TensorBoard knows.
        NotADirectoryError: If `log_dir` is a file.
        PermissionError: If nothing can be written to `log_dir`.
        OSError: If it cannot be reached.
    """
    with errors_name_log_dir(log_dir):
        if is_remote(log_dir):
            return within(PATIENCE_SECONDS, lambda: _open_remote(log_dir.rstrip("/")))
        return _open_local(log_dir)


def within(seconds: float, function: Callable[[], Answer]) -> Answer:
    """What `function` returns or raises, if it does so in time; its thread is left behind if not.

    Raises:
        TimeoutError: If it does not.
    """
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            answers.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call, name="lr_finder_remote", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer within {seconds:g} seconds")
    return answers[0]


def _open_local(log_dir: str) -> LocalEventFile:
    if not _event_files(log_dir):
        events = LocalEventFile(log_dir)
        if len(_event_files(log_dir)) == 1:
            return events
        events.discard()
    number = 1
    while True:
        number += 1
        candidate = Path(log_dir) / str(number)
        with contextlib.suppress(FileExistsError):
            candidate.mkdir()
            return LocalEventFile(str(candidate))


def _event_files(directory: str) -> list[Path]:
    return list(Path(directory).glob(f"*tfevents*{schema.EVENT_FILE_SUFFIX}"))


def _open_remote(log_dir: str) -> RemoteEventFile:
    store = _store(log_dir)
    number, candidate = 1, log_dir
    while any(name.endswith(schema.EVENT_FILE_SUFFIX) for name in _names(store, candidate)):
        number += 1
        candidate = f"{log_dir}/{number}"
    events = RemoteEventFile(candidate)
    events.flush()
    return events


def _names(store: Any, url: str) -> list[str]:
    return list(store.listdir(url)) if store.isdir(url) else []


def _store(url: str) -> Any:
    """TensorBoard's own file system for a URL."""
    from tensorboard.compat.tensorflow_stub.io import gfile

    scheme = url.partition("://")[0]
    try:
        return gfile.get_filesystem(url)
    except ImportError:
        raise
    except Exception as error:
        if scheme == "s3" or _fsspec_knows(scheme):
            raise ImportError(
                "No module named 'boto3'" if scheme == "s3" else "No module named 'fsspec'"
            ) from error
        raise ValueError(
            "`log_dir` must be a directory, or a URL of a scheme that TensorBoard knows: s3, or one of "
            f"fsspec's, such as gs or memory. Received log_dir={url!r}."
        ) from error


def _fsspec_knows(scheme: str) -> bool:
    try:
        return scheme in importlib.import_module("fsspec").available_protocols()
    except ImportError:
        return scheme in ("gs", "gcs", "abfs", "az", "adl", "hdfs", "memory", "http", "https")


@contextlib.contextmanager
def errors_name_log_dir(log_dir: str) -> Iterator[None]:
    """Turn whatever the file system says into an error that names the argument."""
    if is_remote(log_dir):
        try:
            yield
        except ValueError:
            raise
        except ImportError as error:  # often fsspec's, which does not know where the URL came from
            raise ImportError(
                f"`log_dir` must be a URL whose package is installed. Received log_dir={log_dir!r}: {error}. "
                "pip install 'tb_lrfinder[remote]', and for other schemes than s3 the package that fsspec "
                "needs for it too, such as gcsfs for gs."
            ) from error
        except Exception as error:
            raise OSError(
                f"`log_dir` must be a URL that can be reached and written to. Received log_dir={log_dir!r}: "
                f"{error}. Check the URL, the network and your credentials, or write to a local directory."
            ) from error
        return
    if re.match(r"[a-z][a-z0-9+.-]+:/[^/]", log_dir):
        raise ValueError(
            f"`log_dir` must be a directory or a URL. Received log_dir={log_dir!r}: a path object takes a "
            "slash out of a URL, so pass the URL as a string."
        )
    existing = Path(log_dir)
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if existing.exists() and not existing.is_dir():
        raise NotADirectoryError(
            f"`log_dir` must be a directory. Received log_dir={log_dir!r}, but {str(existing)!r} is a file. "
            "Choose another directory, or remove the file."
        )
    try:
        yield
    except Exception as error:
        kind = PermissionError if not os.access(existing, os.W_OK) else OSError
        raise kind(
            f"`log_dir` must be a directory that can be written to. Received log_dir={log_dir!r}: {error}. "
            "Choose another directory, or give write permission."
        ) from error
