"""Reads sweeps and trials through a TensorBoard data provider."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from tensorboard.context import RequestContext
from tensorboard.data.provider import DataProvider, TensorDatum, TensorTimeSeries

from tb_lrfinder.storage import strict_json
from tb_lrfinder.storage.assembly import ParsedJson, assemble, kind_of, summarize
from tb_lrfinder.storage.boundary import contain_errors, describe_error
from tb_lrfinder.storage.json_reader import JsonReader, state_of
from tb_lrfinder.storage.listing import RunList, RunListCache
from tb_lrfinder.storage.natural_order import natural_order
from tb_lrfinder.storage.recorded import Recorded, RunSummary, unreadable, with_rows
from tb_lrfinder.storage.run_cache import RunCache
from tb_lrfinder.storage.tensor_source import TensorSource

_MAX_BYTES: Final = 200_000_000
_EXTRA_BYTES_PER_ROW: Final = 60  # cached besides the columns of a sweep, to smooth it again
_MAX_LISTS: Final = 4
_MAX_EXPERIMENTS: Final = 1_000


class NotListedError(Exception):
    """TensorBoard currently does not list the requested runs; the message is shown to the user."""


class RunReader:
    """Reads runs through a data provider and caches unchanged ones.

    Args:
        provider: `DataProvider` of TensorBoard.
    """

    def __init__(self, provider: DataProvider) -> None:
        self._provider = provider
        self._json = JsonReader()
        self._cache: RunCache[Recorded] = RunCache(_MAX_BYTES)
        self._lock = threading.Lock()
        self._lists: dict[Hashable, RunListCache] = {}
        self._data_keys: dict[bytes, Hashable] = {}
        self._raw_names: dict[str, str] = {}  # in TensorBoard, of runs whose names cannot be displayed

    def data_key(self, ctx: RequestContext, experiment: str) -> Hashable:
        """Return a key that is equal for experiments with the same data.

        TensorBoard serves one log directory under any experiment ID.
        """
        key = hashlib.blake2b(experiment.encode(errors="replace"), digest_size=16).digest()
        if key not in self._data_keys:
            metadata = self._provider.experiment_metadata(ctx, experiment_id=experiment)
            known = (
                metadata.data_location,
                metadata.experiment_name,
                metadata.experiment_description,
                metadata.creation_time,
            )
            with self._lock:
                if len(self._data_keys) >= _MAX_EXPERIMENTS:
                    self._data_keys.clear()
                self._data_keys[key] = known if metadata.data_location else key
                return self._data_keys[key]
        return self._data_keys.get(key, key)

    def list_runs(self, ctx: RequestContext, experiment: str) -> RunList:
        """Return all runs with a sweep or a trial, without rows, in natural order of their names."""
        source = TensorSource(self._provider, ctx, experiment)
        return self._list_cache(self.data_key(ctx, experiment)).get(lambda: self._list(source))

    def read_runs(self, ctx: RequestContext, experiment: str, runs: Sequence[str]) -> dict[str, Recorded]:
        """Return the named runs with all rows; runs without a sweep or trial are omitted."""
        return {recorded.run: recorded for recorded in self.iter_runs(ctx, experiment, runs)}

    def iter_runs(self, ctx: RequestContext, experiment: str, runs: Sequence[str]) -> Iterator[Recorded]:
        """Yield the named runs with all rows, so that not all of them need to fit into memory.

        Raises:
            NotListedError: If TensorBoard currently does not list the runs.
        """
        source = TensorSource(self._provider, ctx, experiment)
        if any("\\" in run and run not in self._raw_names for run in runs):
            self._map_names(*source.list())  # nobody has asked for the list since the start
        names = {self._raw_names.get(run, run): run for run in runs}
        series, failed = source.list(list(names))
        list_cache = self._list_cache(self.data_key(ctx, experiment))
        if not series and not failed and list_cache.missing.intersection(runs):
            raise NotListedError(
                "TensorBoard currently does not list these runs. Try again in a few seconds."
            )
        # Computed before reading the rows: if more rows are written meanwhile, the next request reads again.
        states = {name: state_of(tags) for name, tags in series.items()}
        ready: dict[str, Recorded | None] = {}
        for name, state in states.items():
            if (cached := self._cache.get(name, state)) is not None:
                ready[name] = cached
        parts = source.read({name: series[name] for name in names if name in series and name not in ready})
        for name, run in names.items():
            if name in failed:
                yield with_rows(unreadable(run, describe_error(failed[name])), {})
            if name not in series:
                continue
            while name not in ready:
                for other, values in next(parts).items():
                    recorded = ready[other] = _assemble(names[other], values)
                    if recorded is not None:
                        self._cache.put(other, states[other], _size(recorded), recorded)
            recorded = ready.pop(name)
            if recorded is not None:
                yield recorded

    def _list_cache(self, data_key: Hashable) -> RunListCache:
        with self._lock:
            cache = self._lists.pop(data_key, None) or RunListCache()
            self._lists[data_key] = cache
            while len(self._lists) > _MAX_LISTS:
                del self._lists[next(iter(self._lists))]
            return cache

    def _list(self, source: TensorSource) -> list[RunSummary]:
        series, failed = source.list()
        shown = self._map_names(series, failed)
        parsed = self._json.read(source, series)
        found = [unreadable(shown[name], describe_error(error)) for name, error in failed.items()]
        for name, tags in series.items():
            summary = _summarize(shown[name], tags, parsed.get(name, {}))
            if summary is not None:
                found.append(summary)
        return sorted(found, key=lambda summary: natural_order(summary.run))

    def _map_names(self, series: Iterable[str], failed: Iterable[str]) -> dict[str, str]:
        """Return the displayable name of each run, and save which ones differ."""
        shown = {name: displayable(name) for name in (*series, *failed)}
        self._raw_names = {run: name for name, run in shown.items() if run != name}
        return shown


def displayable(name: str) -> str:
    """Return a name that can be encoded: the name of a directory may contain bytes that are not text."""
    return name if name.isascii() else name.encode(errors="backslashreplace").decode()


def _assemble(run: str, values: Mapping[str, TensorDatum | Exception]) -> Recorded | None:
    return contain_errors(
        lambda: assemble(run, values), lambda reason: with_rows(unreadable(run, reason, kind_of(values)), {})
    )


def _summarize(run: str, tags: Mapping[str, TensorTimeSeries], parsed: ParsedJson) -> RunSummary | None:
    return contain_errors(
        lambda: summarize(run, tags, parsed), lambda reason: unreadable(run, reason, kind_of(tags))
    )


def _size(recorded: Recorded) -> int:
    """Return the approximate size in memory, in bytes."""
    columns = recorded.columns()
    size = strict_json.size([recorded.config, recorded.result])
    return size + recorded.steps * (8 * len(columns) + _EXTRA_BYTES_PER_ROW)
