"""Keeps what has been read of runs for as long as nothing new is written to them."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class KeptRuns(Generic[Value]):
    """The runs that were read last, up to a number of rows in all.

    A finished sweep is read once, however often its smoothing is changed. Threads may share it.

    Args:
        most_rows: Rows that all kept runs have together, at most; a row takes some 100 bytes.
    """

    def __init__(self, most_rows: int = 2_000_000) -> None:
        self._most_rows = most_rows
        self._rows = 0
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

    def keep(self, run: Hashable, state: Hashable, rows: int, value: Value) -> None:
        """Keep what was read of the run, and let go of the runs that were asked for longest ago."""
        with self._lock:
            self._forget(run)
            self._kept[run] = (state, rows, value)
            self._rows += rows
            while self._rows > self._most_rows:
                self._forget(next(iter(self._kept)))

    def _forget(self, run: Hashable) -> None:
        kept = self._kept.pop(run, None)
        if kept is not None:
            self._rows -= kept[1]
