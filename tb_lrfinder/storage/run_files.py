"""Reads the values of this plugin from the event files below a log directory."""

from __future__ import annotations

import io
import os
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto

from tb_lrfinder.storage import schema
from tb_lrfinder.storage.checksum import masked_crc32c
from tb_lrfinder.storage.event_file import is_remote

# Matches records that may contain a value of this plugin: they contain its name or one of its tags. The
# scalar summaries of a sweep contain neither, and a million steps have a million of these records.
_MAY_BE_OURS: Final = re.compile(
    b"\x0a%c%s|%s"
    % (
        len(schema.PLUGIN_NAME),
        schema.PLUGIN_NAME.encode(),
        b"|".join(
            re.escape(tag.encode())
            for tag in (
                schema.SWEEP_TAG,
                schema.TRIAL_TAG,
                schema.RESULT_TAG,
                schema.ROWS_TAG_PREFIX,
            )
        ),
    )
)
_EVENT_FILE: Final = "tfevents"  # in the name of every event file
_HEADER: Final = struct.Struct("<QI")
_CHECKSUM: Final = struct.Struct("<I")
_RECORDS_PER_BATCH: Final = 4096  # whose checksums are computed together


class TensorEvent(NamedTuple):
    """A value of a tag, as in TensorBoard's multiplexer."""

    wall_time: float
    step: int
    tensor_proto: TensorProto


@dataclass
class _Run:
    """The last value and the first metadata of each tag."""

    directory: str
    values: dict[str, TensorEvent] = field(default_factory=dict)
    metadata: dict[str, SummaryMetadata] = field(default_factory=dict)

    def Reload(self) -> None:  # noqa: N802 - TensorBoard's name
        """Read the event files of the run."""
        values: dict[str, TensorEvent] = {}
        metadata: dict[str, SummaryMetadata] = {}
        for path in _event_files(self.directory):
            for event in _events(path):
                for value in event.summary.value:
                    if value.tag not in metadata:
                        if value.metadata.plugin_data.plugin_name != schema.PLUGIN_NAME:
                            continue
                        metadata[value.tag] = value.metadata
                    if value.HasField("tensor"):
                        values[value.tag] = TensorEvent(event.wall_time, event.step, value.tensor)
        self.values, self.metadata = values, metadata


class RunFiles:
    """Replaces TensorBoard's `EventMultiplexer`, with the same interface, for the values of this plugin.

    `EventMultiplexer` converts every scalar of every run into a tensor and computes checksums in pure Python,
    which takes 200 seconds for a million steps.

    Args:
        log_dir: String. Log directory, as passed to `tensorboard --logdir`.
    """

    def __init__(self, log_dir: str) -> None:
        root = os.path.expanduser(log_dir)  # noqa: PTH111 - it may be a URL
        self._runs = {
            os.path.relpath(directory, root): _Run(directory) for directory in _run_directories(root)
        }

    def Runs(self) -> list[str]:  # noqa: N802
        """Return the names of all runs, including those of other plugins."""
        return list(self._runs)

    def GetAccumulator(self, run: str) -> _Run:  # noqa: N802
        """Return a run, to be loaded with `Reload`."""
        return self._runs[run]

    def AllSummaryMetadata(self) -> dict[str, dict[str, SummaryMetadata]]:  # noqa: N802
        """Return the metadata of all tags, by run and tag."""
        return {
            name: {tag: run.metadata[tag] for tag in run.values}
            for name, run in self._runs.items()
            if run.values
        }

    def SummaryMetadata(self, run: str, tag: str) -> SummaryMetadata:  # noqa: N802
        """Return the metadata of a tag."""
        return self._runs[run].metadata[tag]

    def Tensors(self, run: str, tag: str) -> list[TensorEvent]:  # noqa: N802
        """Return the last value of a tag, in a list."""
        return [self._runs[run].values[tag]]

    def FirstEventTimestamp(self, run: str) -> float:  # noqa: N802
        """Not supported; TensorBoard accepts this error."""
        raise ValueError(run)


def _run_directories(root: str) -> Iterable[str]:
    """Yield the directories with event files. TensorBoard's function fails for names that are not text."""
    if is_remote(root):
        from tensorboard.backend.event_processing import io_wrapper

        found: Iterable[str] = io_wrapper.GetLogdirSubdirectories(root)
        return found
    return (
        directory
        for directory, _, names in os.walk(root, followlinks=True)
        if any(_EVENT_FILE in name for name in names)
    )


def _event_files(directory: str) -> list[str]:
    if is_remote(directory):
        from tensorboard.backend.event_processing import io_wrapper

        paths = [str(path) for path in io_wrapper.ListDirectoryAbsolute(directory)]
    else:
        paths = [os.path.join(directory, name) for name in os.listdir(directory)]  # noqa: PTH118, PTH208
    return sorted(path for path in paths if _EVENT_FILE in os.path.basename(path))  # noqa: PTH119


def _events(path: str) -> Iterator[Event]:
    """Yield the events that may be ours, up to the first damaged record, as TensorBoard does."""
    with _open(path) as file:
        found: list[tuple[bytes, int]] = []
        for record, checksum in _records(file):
            if _MAY_BE_OURS.search(record):
                found.append((record, checksum))
            if len(found) == _RECORDS_PER_BATCH:
                intact = _intact(found)
                yield from map(_parse, intact)
                if len(intact) < len(found):
                    return
                found = []
        yield from map(_parse, _intact(found))


def _records(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Yield the complete records with their checksums."""
    remaining = file.seek(0, os.SEEK_END)
    file.seek(0)
    while remaining >= _HEADER.size + _CHECKSUM.size:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return
        length, _ = _HEADER.unpack(header)
        remaining -= _HEADER.size + length + _CHECKSUM.size
        if remaining < 0:
            return  # still being written, or damaged
        record, checksum = file.read(length), file.read(_CHECKSUM.size)
        if len(checksum) < _CHECKSUM.size:
            return
        yield record, _CHECKSUM.unpack(checksum)[0]


def _intact(found: list[tuple[bytes, int]]) -> list[bytes]:
    records = [record for record, _ in found]
    for index, (computed, (_, stored)) in enumerate(zip(masked_crc32c(records), found, strict=True)):
        if computed != stored:
            return records[:index]
    return records


def _parse(record: bytes) -> Event:
    try:
        return Event.FromString(record)
    except DecodeError:  # the checksum is valid, but the record is not an event
        return Event()


def _open(path: str) -> IO[bytes]:
    if not is_remote(path):
        return Path(path).open("rb", buffering=1 << 20)
    from tensorboard.compat import tf

    with tf.io.gfile.GFile(path, "rb") as file:
        content: Any = file.read()
    return io.BytesIO(content)
