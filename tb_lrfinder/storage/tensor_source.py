"""Lists and reads tensors through TensorBoard's data provider, and isolates errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tensorboard import errors
from tensorboard.context import RequestContext
from tensorboard.data.provider import DataProvider, RunTagFilter, TensorDatum, TensorTimeSeries

from tb_lrfinder.storage import schema

Series = dict[str, dict[str, TensorTimeSeries]]
Values = dict[str, dict[str, TensorDatum | Exception]]

_MAX_ATTEMPTS: Final = 20
_LOADER_RACE_ERRORS: Final = (RuntimeError, KeyError)

MAX_TAGS_PER_READ: Final = 8_192
"""Per read: two million steps, 40 MB. TensorBoard's data server sends at most 256 MB."""


@dataclass(frozen=True)
class TensorSource:
    """The tensors of this plugin in one experiment.

    Args:
        provider: `DataProvider` of TensorBoard.
        ctx: `RequestContext` of the request.
        experiment: String. The experiment ID.
    """

    provider: DataProvider
    ctx: RequestContext
    experiment: str

    def list(self, runs: Sequence[str] | None = None) -> tuple[Series, dict[str, Exception]]:
        """Return the time series of these runs, or of all, by run and tag; and the errors of other runs."""
        series: Series = {}
        failed: dict[str, Exception] = {}
        try:
            only = None if runs is None else RunTagFilter(runs=runs)
            series = self._call(self.provider.list_tensors, run_tag_filter=only)
        except errors.PublicError:
            raise
        except Exception:
            # A tag of another writer that never gets a value must not hide the other runs.
            if runs is None:
                listed = self.provider.list_runs(self.ctx, experiment_id=self.experiment)
                runs = [run.run_name for run in listed]
            for run in runs:
                self._list_one(run, series, failed)
        return series, failed

    def _list_one(self, run: str, series: Series, failed: dict[str, Exception]) -> None:
        try:
            series |= self._call(self.provider.list_tensors, run_tag_filter=RunTagFilter(runs=[run]))
        except _LOADER_RACE_ERRORS:  # it has a tag without a value
            return
        except Exception as error:
            failed[run] = error

    def read(self, tags: Mapping[str, Iterable[str]]) -> Iterator[Values]:
        """Yield the last values of these tags, or the errors raised by reading them, for some runs at a time.

        A run is never split across two parts, but a part with one large run may take several reads.
        """
        batch: dict[str, list[str]] = {}
        size = 0
        for run, named in tags.items():
            requested = list(named)
            if batch and size + len(requested) > MAX_TAGS_PER_READ:
                yield self._read(batch)
                batch, size = {}, 0
            batch[run] = requested
            size += len(requested)
        if batch:
            yield self._read(batch)

    def _read(self, tags: Mapping[str, Sequence[str]]) -> Values:
        """Read these tags at once, or in halves after an error, to isolate a tag that cannot be read."""
        count = sum(map(len, tags.values()))
        if count > MAX_TAGS_PER_READ:
            return _joined(self._read(half) for half in _halves(tags))
        try:
            tag_filter = RunTagFilter(
                runs=list(tags), tags=sorted({tag for some in tags.values() for tag in some})
            )
            # Only the last value of each tag is valid.
            data = self._call(self.provider.read_tensors, downsample=1, run_tag_filter=tag_filter)
        except errors.PublicError:
            raise
        except Exception as error:
            if count > 1:
                return _joined(self._read(half) for half in _halves(tags))
            return {run: dict.fromkeys(named, error) for run, named in tags.items()}
        return {
            run: {tag: values[-1] for tag in named if (values := data.get(run, {}).get(tag))}
            for run, named in tags.items()
        }

    def _call(self, method: Callable[..., Any], **arguments: Any) -> Any:
        """Call the provider and retry while its loader is modifying the data.

        TensorBoard's Python loader adds a tag shortly before its values and shares both with the requests
        without a lock: a request in between raises one of these errors.
        """
        arguments |= {"experiment_id": self.experiment, "plugin_name": schema.PLUGIN_NAME}
        for _ in range(_MAX_ATTEMPTS - 1):
            try:
                return method(self.ctx, **arguments)
            except errors.PublicError:  # noqa: PERF203 - a retry
                raise
            except _LOADER_RACE_ERRORS:
                time.sleep(0.01)
        return method(self.ctx, **arguments)


def _halves(tags: Mapping[str, Sequence[str]]) -> list[dict[str, Sequence[str]]]:
    """Split the runs in half, or the tags of a single run."""
    if len(tags) == 1:
        ((run, named),) = tags.items()
        middle = len(named) // 2
        return [{run: named[:middle]}, {run: named[middle:]}]
    runs = list(tags)
    middle = len(runs) // 2
    return [{run: tags[run] for run in some} for some in (runs[:middle], runs[middle:])]


def _joined(parts: Iterable[Values]) -> Values:
    joined: Values = {}
    for part in parts:
        for run, values in part.items():
            joined.setdefault(run, {}).update(values)
    return joined
