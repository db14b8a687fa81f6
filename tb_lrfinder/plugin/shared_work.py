"""Requests that ask for the same at the same time share the work, and few work at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Final

AT_ONCE: Final = 2
"""Pieces of work that are done at once: more take more memory, and are no faster under Python's lock."""


class SharedWork:
    """Does each piece of work once for all who wait for it.

    Args:
        at_once: Pieces that are done at once; the others wait in line.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._places = threading.BoundedSemaphore(at_once)
        self._under_way: dict[Hashable, Future[Any]] = {}
        self._lock = threading.Lock()

    def do(self, what: Hashable, work: Callable[[], Any]) -> Any:
        """What `work` returns or raises, or what it does for somebody else who asked for the same before."""
        with self._lock:
            future = self._under_way.get(what)
            mine = future is None
            if future is None:
                future = self._under_way[what] = Future()
        if not mine:
            return future.result()
        try:
            with self._places:
                future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
        finally:
            with self._lock:
                del self._under_way[what]
        return future.result()
