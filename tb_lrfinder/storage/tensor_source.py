"""Lists and reads tensors through TensorBoard's data provider: in parts, and whatever one of them does."""

from __future__ import annotations

import contextlib
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

_MOST_TRIES, _MET_THE_LOADER = 20, (RuntimeError, KeyError)

TAGS_AT_ONCE: Final = 8_192
"""In one read: two million steps, 40 MB. TensorBoard's data server sends 256 MB at most."""


@dataclass(frozen=True)
class TensorSource:
    """The tensors of one experiment under our plugin name.

    Args:
        provider: TensorBoard's data provider.
        ctx: Of the request.
        experiment: Its id.
    """

    provider: DataProvider
    ctx: RequestContext
    experiment: str

    def list(self, runs: Sequence[str] | None = None) -> tuple[Series, dict[str, Exception]]:
        """What there is of these runs, or of all, by run and tag; and why it cannot be said of some."""
        series: Series = {}
        failed: dict[str, Exception] = {}
        try:
            only = None if runs is None else RunTagFilter(runs=runs)
            series = self._ask(self.provider.list_tensors, run_tag_filter=only)
        except errors.PublicError:
            raise
        except Exception:
            # A tag of somebody else that never gets a value must not hide the other runs.
            if runs is None:
                listed = self.provider.list_runs(self.ctx, experiment_id=self.experiment)
                runs = [run.run_name for run in listed]
            for run in runs:
                self._list_one(run, series, failed)
        return series, failed

    def _list_one(self, run: str, series: Series, failed: dict[str, Exception]) -> None:
        try:
            series |= self._ask(self.provider.list_tensors, run_tag_filter=RunTagFilter(runs=[run]))
        except _MET_THE_LOADER:  # it has a tag without a value
            return
        except Exception as error:
            failed[run] = error

    def read(self, tags: Mapping[str, Iterable[str]]) -> Iterator[Values]:
        """The last value of each of these tags of each run, or why it cannot be read, some runs at a time.

        A run is never in two of the parts, but a part of one large run may take several reads.
        """
        batch: dict[str, list[str]] = {}
        size = 0
        for run, named in tags.items():
            wanted = list(named)
            if batch and size + len(wanted) > TAGS_AT_ONCE:
                yield self._read(batch)
                batch, size = {}, 0
            batch[run] = wanted
            size += len(wanted)
        if batch:
            yield self._read(batch)

    def _read(self, tags: Mapping[str, Sequence[str]]) -> Values:
        """These tags at once, or else in halves: one that cannot be read is found in a few steps."""
        count = sum(map(len, tags.values()))
        if count > TAGS_AT_ONCE:
            return _joined(self._read(half) for half in _halves(tags))
        try:
            wanted = RunTagFilter(
                runs=list(tags), tags=sorted({tag for some in tags.values() for tag in some})
            )
            # Exactly the last value of each tag, and that is the one that counts.
            data = self._ask(self.provider.read_tensors, downsample=1, run_tag_filter=wanted)
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

    def _ask(self, method: Callable[..., Any], **what: Any) -> Any:
        """What the provider answers, also while its slow loader adds to what it answers from.

        That loader knows of a tag for a moment before it knows its values, and shares both with the requests
        without a lock: an answer that meets this moment fails with one of these errors.
        """
        what |= {"experiment_id": self.experiment, "plugin_name": schema.PLUGIN_NAME}
        for _ in range(_MOST_TRIES - 1):
            with contextlib.suppress(_MetTheLoaderError):
                return _call(method, self.ctx, what)
            time.sleep(0.01)
        return method(self.ctx, **what)


class _MetTheLoaderError(Exception):
    """Asked once more, it may be answered."""


def _call(method: Callable[..., Any], ctx: RequestContext, what: Mapping[str, Any]) -> Any:
    try:
        return method(ctx, **what)
    except errors.PublicError:
        raise
    except _MET_THE_LOADER as error:
        raise _MetTheLoaderError from error


def _halves(tags: Mapping[str, Sequence[str]]) -> list[dict[str, Sequence[str]]]:
    """Half of the runs each, or half of the tags where there is one run only."""
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
