"""The list of runs, kept where to look again would cost too much or shows too little."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tb_lrfinder.storage.natural_order import natural_order
from tb_lrfinder.storage.recorded import Recorded

CHEAP_SECONDS: Final = 0.2
"""A look that takes no longer is taken each time."""

SHARE_OF_TIME: Final = 0.1
"""Of all time, at most so much goes into looking: a list that took two seconds is kept for twenty."""

MISSED_SECONDS: Final = 60.0
"""How long runs that TensorBoard no longer lists are shown, where many are gone at once."""

MANY: Final = 32
"""Fewer that are gone were deleted."""


@dataclass(frozen=True)
class Listed:
    """The runs that hold a sweep or a trial.

    Args:
        runs: In natural order of their names.
        notice: What somebody should know of the list as a whole, in a sentence, or None.
        missed: Names of those that are shown although TensorBoard does not list them just now.
    """

    runs: Sequence[Recorded]
    notice: str | None = None
    missed: frozenset[str] = frozenset()


class Listing:
    """What was listed last of one experiment. Threads may share it.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._listed: Listed | None = None
        self._until = -1.0
        self._complete: dict[str, Recorded] = {}
        self._complete_at = -1.0
        self._notice: str | None = None
        self._notice_until = -1.0

    def get(self, look: Callable[[], Sequence[Recorded]]) -> Listed:
        """The list, from `look` where that is due."""
        with self._lock:
            began = self._clock()
            if self._listed is not None and began < self._until:
                return self._listed
            self._listed = self._with_missed({one.run: one for one in look()}, began)
            ended = self._clock()
            took = ended - began
            self._until = ended + took / SHARE_OF_TIME if took > CHEAP_SECONDS else ended
            return self._listed

    @property
    def missed(self) -> frozenset[str]:
        """See `Listed`."""
        return frozenset() if self._listed is None else self._listed.missed

    def _with_missed(self, found: dict[str, Recorded], now: float) -> Listed:
        """The runs with those that are gone all at once, as when TensorBoard may not open more files.

        Its data server then finds no directory at all while it looks for new runs, and all of them after.
        """
        gone = self._complete.keys() - found.keys()
        if len(gone) < MANY or now - self._complete_at > MISSED_SECONDS:
            self._complete, self._complete_at = found, now
            # It comes and goes within seconds; what is said of it stays a while, so that it can be read.
            return Listed(list(found.values()), self._notice if now < self._notice_until else None)
        every = self._complete | found
        runs = [every[run] for run in sorted(every, key=natural_order)]
        self._notice, self._notice_until = _missing(len(gone), len(every)), now + MISSED_SECONDS
        return Listed(runs, self._notice, frozenset(gone))


def _missing(gone: int, count: int) -> str:
    return (
        f"TensorBoard does not list all runs all the time: {gone:,} of {count:,} were missing. Unless they "
        f"were deleted, it may not open so many files{_limit()}: start it again after `ulimit -n 65536`."
    )


def _limit() -> str:
    try:
        import resource
    except ImportError:  # Windows
        return ""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return f" ({most:,} at most)" if 0 < most < 2**31 else ""
