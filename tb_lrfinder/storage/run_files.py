"""What the event files below a log directory hold of this plugin, without what they hold of others."""

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

# A record that may hold a value of ours: it names the plugin, or one of its tags. The plain scalars of a
# sweep name neither, and of a million steps they are a million records.
_OURS: Final = re.compile(
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
_RECORDS_AT_ONCE: Final = 4096  # whose checksums are compared together


class TensorEvent(NamedTuple):
    """A value of a tag, as TensorBoard's own multiplexer has it."""

    wall_time: float
    step: int
    tensor_proto: TensorProto


@dataclass
class _Run:
    """The last value of each tag, and what was said of the tag first."""

    directory: str
    values: dict[str, TensorEvent] = field(default_factory=dict)
    about: dict[str, SummaryMetadata] = field(default_factory=dict)

    def Reload(self) -> None:  # noqa: N802 - TensorBoard's name
        """Read the files of the run."""
        values: dict[str, TensorEvent] = {}
        about: dict[str, SummaryMetadata] = {}
        for path in _event_files(self.directory):
            for event in _events(path):
                for value in event.summary.value:
                    if value.tag not in about:
                        if value.metadata.plugin_data.plugin_name != schema.PLUGIN_NAME:
                            continue
                        about[value.tag] = value.metadata
                    if value.HasField("tensor"):
                        values[value.tag] = TensorEvent(event.wall_time, event.step, value.tensor)
        self.values, self.about = values, about


class RunFiles:
    """Stands in for TensorBoard's `EventMultiplexer`, under the same names, where only our plugin counts.

    That one turns every plain scalar of every run into a tensor and checks every byte in Python, which takes
    200 seconds for a million steps.

    Args:
        log_dir: The directory that `tensorboard --logdir` is given.
    """

    def __init__(self, log_dir: str) -> None:
        root = os.path.expanduser(log_dir)  # noqa: PTH111 - it may be a URL
        self._runs = {
            os.path.relpath(directory, root): _Run(directory) for directory in _run_directories(root)
        }

    def Runs(self) -> list[str]:  # noqa: N802
        """The names of all runs, ours or not."""
        return list(self._runs)

    def GetAccumulator(self, run: str) -> _Run:  # noqa: N802
        """One run, to be loaded."""
        return self._runs[run]

    def AllSummaryMetadata(self) -> dict[str, dict[str, SummaryMetadata]]:  # noqa: N802
        """What is said of the tags, by run and tag."""
        return {
            name: {tag: run.about[tag] for tag in run.values}
            for name, run in self._runs.items()
            if run.values
        }

    def SummaryMetadata(self, run: str, tag: str) -> SummaryMetadata:  # noqa: N802
        """What is said of a tag."""
        return self._runs[run].about[tag]

    def Tensors(self, run: str, tag: str) -> list[TensorEvent]:  # noqa: N802
        """The last value of a tag."""
        return [self._runs[run].values[tag]]

    def FirstEventTimestamp(self, run: str) -> float:  # noqa: N802
        """When a run began, which is not looked for."""
        raise ValueError(run)


def _run_directories(root: str) -> Iterable[str]:
    """Every directory with an event file. TensorBoard's way fails where one has a name that is no text."""
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
    """The events of a file that may be ours, up to the first damaged record, as TensorBoard reads them."""
    with _opened(path) as file:
        found: list[tuple[bytes, int]] = []
        for record, checksum in _records(file):
            if _OURS.search(record):
                found.append((record, checksum))
            if len(found) == _RECORDS_AT_ONCE:
                whole = _undamaged(found)
                yield from map(_parsed, whole)
                if len(whole) < len(found):
                    return
                found = []
        yield from map(_parsed, _undamaged(found))


def _records(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Each record with its checksum, up to one that is not whole."""
    left = file.seek(0, os.SEEK_END)
    file.seek(0)
    while left >= _HEADER.size + _CHECKSUM.size:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return
        length, _ = _HEADER.unpack(header)
        left -= _HEADER.size + length + _CHECKSUM.size
        if left < 0:
            return  # still being written, or damaged
        record, checksum = file.read(length), file.read(_CHECKSUM.size)
        if len(checksum) < _CHECKSUM.size:
            return
        yield record, _CHECKSUM.unpack(checksum)[0]


def _undamaged(found: list[tuple[bytes, int]]) -> list[bytes]:
    records = [record for record, _ in found]
    for row, (is_now, (_, was)) in enumerate(zip(masked_crc32c(records), found, strict=True)):
        if is_now != was:
            return records[:row]
    return records


def _parsed(record: bytes) -> Event:
    try:
        return Event.FromString(record)
    except DecodeError:  # the bytes are as they were written, and yet no event
        return Event()


def _opened(path: str) -> IO[bytes]:
    if not is_remote(path):
        return Path(path).open("rb", buffering=1 << 20)
    from tensorboard.compat import tf

    with tf.io.gfile.GFile(path, "rb") as file:
        content: Any = file.read()
    return io.BytesIO(content)
