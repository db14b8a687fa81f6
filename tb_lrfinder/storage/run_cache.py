"""LRU cache of data that was read from runs."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

Value = TypeVar("Value")

_OVERHEAD_BYTES: Final = 1_000  # per entry, so that empty ones count too


class RunCache(Generic[Value]):
    """LRU cache, limited by its total size. Thread-safe.

    A finished sweep is read only once, no matter how often its smoothing changes. The key does not include
    the experiment of a request: TensorBoard serves the same data for any `/experiment/ID/`, and a run of the
    same name in other data has a different state.

    Args:
        max_bytes: Integer. Maximum total size.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: dict[Hashable, tuple[Hashable, int, Value]] = {}  # least recently used first
        self._lock = threading.Lock()

    def get(self, run: Hashable, state: Hashable) -> Value | None:
        """Return what was read from the run if it is still in this state, or `None`."""
        with self._lock:
            entry = self._entries.get(run)
            if entry is None or entry[0] != state:
                return None
            self._entries[run] = self._entries.pop(run)
            return entry[2]

    def put(self, run: Hashable, state: Hashable, size: int, value: Value) -> None:
        """Add or replace an entry and evict the least recently used ones.

        Args:
            run: Key of the entry.
            state: State of the run when it was read.
            size: Integer. Approximate size of the value, in bytes.
            value: What was read.
        """
        with self._lock:
            self._remove(run)
            self._entries[run] = (state, size + _OVERHEAD_BYTES, value)
            self._bytes += size + _OVERHEAD_BYTES
            while self._bytes > self._max_bytes:
                self._remove(next(iter(self._entries)))

    def _remove(self, run: Hashable) -> None:
        entry = self._entries.pop(run, None)
        if entry is not None:
            self._bytes -= entry[1]
