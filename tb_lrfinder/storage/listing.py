"""The list of runs, cached if listing is slow or incomplete."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tb_lrfinder.storage.natural_order import natural_order
from tb_lrfinder.storage.recorded import RunSummary

FAST_SECONDS: Final = 0.2
"""A list that takes no longer is not cached."""

MAX_TIME_FRACTION: Final = 0.1
"""Maximum fraction of the time spent listing: a list that took two seconds is cached for twenty."""

MISSING_SECONDS: Final = 60.0
"""How long to show runs that TensorBoard no longer lists, if many are missing at once."""

MANY: Final = 32
"""If fewer runs are missing, they were deleted."""


@dataclass(frozen=True)
class RunList:
    """The runs with a sweep or a trial.

    Args:
        runs: `RunSummary` of each run, in natural order of their names.
        notice: String. A message about the list as a whole, or `None`.
        missing: Names of runs that are included although TensorBoard currently does not list them.
    """

    runs: Sequence[RunSummary]
    notice: str | None = None
    missing: frozenset[str] = frozenset()


class RunListCache:
    """The most recent list of runs of an experiment. Thread-safe.

    Args:
        clock: Callable that returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._list: RunList | None = None
        self._valid_until = -1.0
        self._complete: dict[str, RunSummary] = {}
        self._complete_at = -1.0
        self._notice: str | None = None
        self._notice_until = -1.0

    def get(self, list_runs: Callable[[], Sequence[RunSummary]]) -> RunList:
        """Return the list of runs, from `list_runs` unless the cached list is still valid."""
        with self._lock:
            start = self._clock()
            if self._list is not None and start < self._valid_until:
                return self._list
            self._list = self._with_missing({summary.run: summary for summary in list_runs()}, start)
            end = self._clock()
            seconds = end - start
            self._valid_until = end + seconds / MAX_TIME_FRACTION if seconds > FAST_SECONDS else end
            return self._list

    @property
    def missing(self) -> frozenset[str]:
        """See `RunList`."""
        return frozenset() if self._list is None else self._list.missing

    def _with_missing(self, found: dict[str, RunSummary], now: float) -> RunList:
        """Add runs that disappeared all at once, as happens if TensorBoard cannot open more files.

        Its data server then finds no directories while it looks for new runs, and all of them afterwards.
        """
        missing = self._complete.keys() - found.keys()
        if len(missing) < MANY or now - self._complete_at > MISSING_SECONDS:
            self._complete, self._complete_at = found, now
            # The condition may change every few seconds; keep the notice long enough to be read.
            return RunList(list(found.values()), self._notice if now < self._notice_until else None)
        known = self._complete | found
        runs = [known[run] for run in sorted(known, key=natural_order)]
        self._notice, self._notice_until = _notice(len(missing), len(known)), now + MISSING_SECONDS
        return RunList(runs, self._notice, frozenset(missing))


def _notice(missing: int, count: int) -> str:
    return (
        f"TensorBoard intermittently omits runs: {missing:,} of {count:,} were missing. Unless they were "
        f"deleted, the limit of open files may be too low{_open_file_limit()}. Restart TensorBoard after "
        "`ulimit -n 65536`."
    )


def _open_file_limit() -> str:
    try:
        import resource
    except ImportError:  # Windows
        return ""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return f" ({limit:,})" if 0 < limit < 2**31 else ""
