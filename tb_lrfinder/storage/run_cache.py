"""Keeps what has been read for as long as nothing new is written, up to a bound."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class KeptRuns(Generic[Value]):
    """What was read last, up to a number of bytes in all.

    A finished sweep is read once, however often its smoothing is changed. Threads may share it.

    What is kept goes by the run and by the state in which it was read, not by the experiment that a request
    named: TensorBoard answers any `/experiment/ID/` with the same data, and another experiment's run of the
    same name is in another state.

    Args:
        most_bytes: Of all that is kept together, at most.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: dict[Hashable, tuple[Hashable, int, Value]] = {}  # the oldest first
        self._lock = threading.Lock()

    def get(self, run: Hashable, state: Hashable) -> Value | None:
        """What was read of the run when it was in this very state, or None."""
        with self._lock:
            kept = self._kept.get(run)
            if kept is None or kept[0] != state:
                return None
            self._kept[run] = self._kept.pop(run)
            return kept[2]

    def keep(self, run: Hashable, state: Hashable, size: int, value: Value) -> None:
        """Keep what was read of the run, and let go of what was asked for longest ago.

        Args:
            run: Takes the place of what was kept of it before.
            state: Of the run when it was read.
            size: About how many bytes it takes.
            value: What was read.
        """
        with self._lock:
            self._forget(run)
            self._kept[run] = (state, size + _OVERHEAD, value)
            self._bytes += size + _OVERHEAD
            while self._bytes > self._most_bytes:
                self._forget(next(iter(self._kept)))

    def _forget(self, run: Hashable) -> None:
        kept = self._kept.pop(run, None)
        if kept is not None:
            self._bytes -= kept[1]


_OVERHEAD = 1_000  # of an entry, so that empty ones count, too
