"""Reads sweeps and trials: from a TensorBoard data provider, or straight from a log directory."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tensorboard.context import RequestContext
from tensorboard.data.provider import DataProvider, TensorDatum, TensorTimeSeries

from tb_lrfinder.storage import json_validation, schema, strict_json
from tb_lrfinder.storage.boundary import contained, described
from tb_lrfinder.storage.listing import Listed, Listing
from tb_lrfinder.storage.natural_order import natural_order
from tb_lrfinder.storage.recorded import (
    JSON_TAGS,
    Kind,
    Recorded,
    Status,
    Texts,
    assemble,
    kind_of,
    summarise,
)
from tb_lrfinder.storage.run_cache import KeptRuns
from tb_lrfinder.storage.tensor_source import Series, TensorSource

__all__ = ["Kind", "NotListedError", "Recorded", "RunReader", "Status", "read_log_dir"]

_MOST_TEXT: Final = 128_000_000
_MOST_ROWS: Final = 200_000_000
_BYTES_OF_ROW: Final = 60  # what is kept of a row beside its columns, to smooth it again
_MOST_LISTINGS: Final = 4
_MOST_EXPERIMENTS: Final = 1_000

_Text = dict[str, Any] | str


class NotListedError(Exception):
    """TensorBoard does not list the named runs just now; the message goes to the user."""


class RunReader:
    """Reads through a data provider, and keeps what cannot have changed, up to a bound.

    Args:
        provider: TensorBoard's data provider.
    """

    def __init__(self, provider: DataProvider) -> None:
        self._provider = provider
        self._texts: KeptRuns[_Text] = KeptRuns(_MOST_TEXT)
        self._kept: KeptRuns[Recorded] = KeptRuns(_MOST_ROWS)
        self._lock = threading.Lock()
        self._listings: dict[Hashable, Listing] = {}
        self._data: dict[bytes, Hashable] = {}
        self._names: dict[str, str] = {}  # as TensorBoard has them, where they cannot be shown as they are

    def data(self, ctx: RequestContext, experiment: str) -> Hashable:
        """Equal for experiments that are the same data: TensorBoard serves one log directory under any id."""
        key = hashlib.blake2b(experiment.encode(errors="replace"), digest_size=16).digest()
        if key not in self._data:
            about = self._provider.experiment_metadata(ctx, experiment_id=experiment)
            told = (
                about.data_location,
                about.experiment_name,
                about.experiment_description,
                about.creation_time,
            )
            with self._lock:
                if len(self._data) >= _MOST_EXPERIMENTS:
                    self._data.clear()
                self._data[key] = told if about.data_location else key
                return self._data[key]
        return self._data.get(key, key)

    def list(self, ctx: RequestContext, experiment: str) -> Sequence[Recorded]:
        """Every run that holds a sweep or a trial, without rows, in natural order of the names."""
        return self.listed(ctx, experiment).runs

    def listed(self, ctx: RequestContext, experiment: str) -> Listed:
        """The same, and what is to be known of the list as a whole."""
        source = TensorSource(self._provider, ctx, experiment)
        return self._listing(self.data(ctx, experiment)).get(lambda: self._look(source))

    def read(self, ctx: RequestContext, experiment: str, runs: Sequence[str]) -> dict[str, Recorded]:
        """The named runs with every row; one that holds neither sweep nor trial is left out."""
        return {one.run: one for one in self.each(ctx, experiment, runs)}

    def each(self, ctx: RequestContext, experiment: str, runs: Sequence[str]) -> Iterator[Recorded]:
        """The same, one after the other, so that all of them need not be in memory at once.

        Raises:
            NotListedError: If TensorBoard does not list the runs just now.
        """
        source = TensorSource(self._provider, ctx, experiment)
        names = {self._names.get(run, run): run for run in runs}
        series, failed = source.list(list(names))
        if not series and not failed and self._listing(self.data(ctx, experiment)).missed.intersection(runs):
            raise NotListedError("TensorBoard does not list these runs just now. Ask again in a few seconds.")
        # Asked for before the rows: if more is written in between, the next look reads it again.
        states = {name: _state(tags) for name, tags in series.items()}
        kept = {name: found for name in series if (found := self._kept.get(name, states[name])) is not None}
        parts = source.read({name: series[name] for name in names if name in series and name not in kept})
        ready: dict[str, Recorded | None] = {}
        for name, run in names.items():
            if name in failed:
                yield Recorded.unreadable(run, described(failed[name]), rows=True)
            if name not in series:
                continue
            while name not in kept and name not in ready:
                values = next(parts)
                ready |= {one: self._assemble(names[one], one, values[one], states) for one in values}
            one = kept.pop(name, None) or ready.pop(name)
            if one is not None:
                yield one

    def _assemble(
        self, run: str, name: str, values: Mapping[str, TensorDatum | Exception], states: Mapping[str, bytes]
    ) -> Recorded | None:
        kind = kind_of(values)
        one = contained(
            lambda: assemble(run, values), lambda why: Recorded.unreadable(run, why, kind, rows=True)
        )
        if one is not None:
            self._kept.keep(name, states[name], _size(one), one)
        return one

    def _listing(self, data: Hashable) -> Listing:
        with self._lock:
            listing = self._listings.pop(data, None) or Listing()
            self._listings[data] = listing
            while len(self._listings) > _MOST_LISTINGS:
                del self._listings[next(iter(self._listings))]
            return listing

    def _look(self, source: TensorSource) -> Sequence[Recorded]:
        """Every run in natural order of the names; the second look at a thousand runs reads nothing."""
        series, failed = source.list()
        shown = {name: _shown(name) for name in (*series, *failed)}
        self._names = {run: name for name, run in shown.items() if run != name}
        texts = self._read_texts(source, series)
        found = [Recorded.unreadable(shown[name], described(error)) for name, error in failed.items()]
        for name, tags in series.items():
            one = self._summarise(shown[name], tags, texts.get(name, {}))
            if one is not None:
                found.append(one)
        return sorted(found, key=lambda one: natural_order(one.run))

    def _read_texts(self, source: TensorSource, series: Series) -> dict[str, dict[str, dict[str, Any] | str]]:
        """The JSON of the runs, which is read where it is new."""
        texts: dict[str, dict[str, dict[str, Any] | str]] = {}
        new: dict[str, list[str]] = {}
        for name, tags in series.items():
            for tag in (tag for tag in JSON_TAGS if tag in tags):
                kept = self._texts.get((name, tag), _state({tag: tags[tag]}))
                if kept is None:
                    new.setdefault(name, []).append(tag)
                else:
                    texts.setdefault(name, {})[tag] = kept
        for part in source.read(new):
            for name, values in part.items():
                for tag, value in values.items():
                    text = json_validation.parse(value, tag)
                    texts.setdefault(name, {})[tag] = text
                    state = _state({tag: series[name][tag]})
                    self._texts.keep((name, tag), state, strict_json.size(text), text)
        return texts

    @staticmethod
    def _summarise(run: str, tags: Mapping[str, TensorTimeSeries], texts: Texts) -> Recorded | None:
        return contained(
            lambda: summarise(run, tags, texts), lambda why: Recorded.unreadable(run, why, kind_of(tags))
        )


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

    from tb_lrfinder.storage.run_files import RunFiles

    multiplexer = RunFiles(log_dir)
    names = multiplexer.Runs()
    stopped: dict[str, str] = {}
    for done, name in enumerate(names, 1):
        if why := contained(functools.partial(_load, multiplexer, name), str):
            stopped[name] = why
        if progress is not None:
            progress(done, len(names))
    reader = RunReader(MultiplexerDataProvider(multiplexer, log_dir))
    ctx = RequestContext()
    read = reader.read(ctx, "", [one.run for one in reader.list(ctx, "")])
    for name, why in stopped.items():
        if _shown(name) not in read and any(Path(log_dir, name).glob(f"*{schema.EVENT_FILE_SUFFIX}")):
            read[_shown(name)] = Recorded.unreadable(_shown(name), why, rows=True)
    return sorted(read.values(), key=lambda one: natural_order(one.run))


def _load(multiplexer: Any, name: str) -> str:
    multiplexer.GetAccumulator(name).Reload()
    return ""


def _state(tags: Mapping[str, TensorTimeSeries]) -> bytes:
    """Changes with everything that is written to a run."""
    told = "\n".join(f"{tag}\t{tags[tag].max_step}\t{tags[tag].max_wall_time}" for tag in sorted(tags))
    return hashlib.blake2b(told.encode(errors="replace"), digest_size=16).digest()


def _shown(name: str) -> str:
    """A name that every encoding has: that of a directory can hold bytes that are no text."""
    return name if name.isascii() else name.encode(errors="backslashreplace").decode()


def _size(one: Recorded) -> int:
    """About how many bytes it takes."""
    columns = one.columns()
    return strict_json.size([one.config, one.result]) + one.steps * (8 * len(columns) + _BYTES_OF_ROW)
