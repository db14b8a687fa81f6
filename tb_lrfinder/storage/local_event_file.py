"""Event file in a local directory."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import socket
import time
from pathlib import Path
from typing import Final

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.record_writer import RecordWriter

from tb_lrfinder.storage import schema

FILE_VERSION: Final = "brain.Event:2"

_MAX_BUFFERED_BYTES: Final = 1 << 20
_MAX_LOST_FILES: Final = 5  # of one run; after that, the files are being removed on purpose
_NUMBERS = itertools.count()


class LostFileError(OSError):
    """The event file was removed, replaced or changed by another process."""


def new_file_name() -> str:
    """Return a name for an event file that is unique to this process."""
    number = next(_NUMBERS)
    name = f"events.out.tfevents.{int(time.time()):010}.{socket.gethostname()}.{os.getpid()}.{number}"
    return name + schema.EVENT_FILE_SUFFIX


class LocalEventFile:
    """An event file in a local directory.

    Not written with TensorBoard's `EventFileWriter`, whose thread dies with a traceback if the disk is full,
    and which silently continues if the file was replaced by another one.

    Args:
        directory: String. Created if it does not exist.
        earlier: Names of lost files of the same run in this directory.
    """

    timeout: float | None = None
    """Timeout in seconds for closing the file at the end of training; `None` waits until it is written."""

    def __init__(self, directory: str, earlier: frozenset[str] = frozenset()) -> None:
        self.directory = directory
        absolute = Path(directory).absolute()  # training may change the working directory
        absolute.mkdir(parents=True, exist_ok=True)
        self._path, self._file = _create(absolute)
        self._names = earlier | {self._path.name}
        created = os.fstat(self._file.fileno())
        self._identity = (created.st_dev, created.st_ino)
        self._size = 0  # bytes written so far
        self._buffer = io.BytesIO()
        self._records = RecordWriter(self._buffer)
        self.add(Event(wall_time=time.time(), file_version=FILE_VERSION))
        try:
            self.flush()
        except BaseException:
            self.remove()
            raise

    @property
    def flush_seconds(self) -> float:
        """Seconds between flushes."""
        return schema.FLUSH_SECONDS

    @property
    def is_buffer_full(self) -> bool:
        """Whether the buffered events should be flushed."""
        return self._buffer.tell() > _MAX_BUFFERED_BYTES

    def add(self, event: Event) -> None:
        """Append an event to the buffer."""
        self._records.write(event.SerializeToString())

    def discard_buffer(self) -> None:
        """Discard the events added since the last flush."""
        self._buffer.seek(0)
        self._buffer.truncate()

    def flush(self) -> None:
        """Write the buffered events to the file. After an error, the file contains none of them.

        Raises:
            LostFileError: If the file was removed, replaced or changed. Events written to it might never be
                read.
            OSError: If the file cannot be written.
        """
        self._check_unchanged()  # or rows would follow data of another writer
        content = memoryview(self._buffer.getvalue())
        written = 0
        try:
            while written < len(content):
                written += self._file.write(content[written:]) or 0
        except BaseException:
            # An incomplete record would hide all later ones from readers.
            with contextlib.suppress(OSError, ValueError):
                self._file.truncate(self._size)
                self._file.seek(self._size)
            raise
        self._size += written
        self.discard_buffer()
        self._check_unchanged()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def remove(self) -> None:
        """Close and remove the file."""
        self.close()
        self._path.unlink()

    def reopen(self) -> LocalEventFile:
        """Create an empty event file to replace this one, which was lost.

        It is created in the same directory, which may still contain this file or a copy of it. If another run
        has claimed the directory in the meantime, it is created in the first free one of `directory/2`, ...

        Raises:
            OSError: If it cannot be created, or if too many files were lost.
        """
        if len(self._names) > _MAX_LOST_FILES:
            raise OSError(f"{len(self._names)} event files of this run were lost")
        with contextlib.suppress(OSError):
            self.close()
        if not self._other_files():
            reopened = LocalEventFile(self.directory, self._names)
            if not reopened._other_files():
                return reopened
            reopened.remove()
        return open_local(self.directory)

    def _other_files(self) -> set[str]:
        return {file.name for file in _event_files(str(self._path.parent))} - self._names

    def _check_unchanged(self) -> None:
        name = self._path.name
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise LostFileError(f"the event file {name} was removed") from None
        if (found.st_dev, found.st_ino) != self._identity:
            raise LostFileError(f"the event file {name} was replaced")
        if found.st_size != self._size:
            raise LostFileError(
                f"the event file {name} was changed: expected {self._size} bytes, got {found.st_size}"
            )


def open_local(log_dir: str) -> LocalEventFile:
    """Claim `log_dir`, or the first free one of `log_dir/2`, `log_dir/3`, ..., and create its event file."""
    if not _event_files(log_dir):
        events = LocalEventFile(log_dir)
        if len(_event_files(log_dir)) == 1:
            return events
        events.remove()
    number = 1
    while True:
        number += 1
        candidate = Path(log_dir) / str(number)
        with contextlib.suppress(FileExistsError):
            candidate.mkdir()
            return LocalEventFile(str(candidate))


def _create(directory: Path) -> tuple[Path, io.FileIO]:
    while True:
        path = directory / new_file_name()
        with contextlib.suppress(FileExistsError):
            return path, io.FileIO(path, "xb")


def _event_files(directory: str) -> list[Path]:
    return list(Path(directory).glob(f"*tfevents*{schema.EVENT_FILE_SUFFIX}"))
