"""Deduplicates simultaneous identical requests and limits the number of concurrent ones."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Final

MAX_CONCURRENT: Final = 2
"""More concurrent requests use more memory and are no faster, because of the global interpreter lock."""


class SharedWork:
    """Computes each result once for all threads that wait for it.

    Args:
        max_concurrent: Integer. Maximum number of concurrent computations; others wait.
    """

    def __init__(self, max_concurrent: int = MAX_CONCURRENT) -> None:
        self._slots = threading.BoundedSemaphore(max_concurrent)
        self._in_progress: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()

    def do(self, key: Hashable, work: Callable[[], Any]) -> Any:
        """Return or raise the result of `work`, or of the computation with this key that is in progress."""
        with self._lock:
            future = self._in_progress.get(key)
            is_first = future is None
            if future is None:
                future = self._in_progress[key] = Future()
        if not is_first:
            return future.result()
        try:
            with self._slots:
                future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
        finally:
            with self._lock:
                del self._in_progress[key]
        return future.result()
