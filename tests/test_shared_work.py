"""Simultaneous identical requests are computed once, and few of them concurrently."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tb_lrfinder.plugin.shared_work import SharedWork


class Work:
    """Takes a moment, and counts how often and how much at once it is done."""

    def __init__(self):
        self.done = self.now = self.most = 0
        self.lock = threading.Lock()

    def __call__(self):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.05)
        with self.lock:
            self.now -= 1
            self.done += 1
        return self.done


def test_fifty_identical_requests_are_computed_once():
    shared, work = SharedWork(), Work()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: shared.do("same", work), range(50)))
    assert work.done < 5  # who comes after the answer was given asks anew
    assert len(set(answers)) == work.done


def test_two_different_requests_are_computed_concurrently():
    shared, work = SharedWork(max_concurrent=2), Work()
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda number: shared.do(number, work), range(10)))
    assert (work.done, work.most) == (10, 2)


def test_an_error_is_raised_for_all_and_not_cached():
    shared = SharedWork(max_concurrent=1)
    begun = threading.Barrier(2)

    def fail():
        begun.wait(5)
        time.sleep(0.2)
        raise LookupError("gone")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(shared.do, "same", fail)
        begun.wait(5)
        second = pool.submit(shared.do, "same", lambda: "not called")
        for future in (first, second):
            with pytest.raises(LookupError, match="gone"):
                future.result()
    assert shared.do("same", lambda: "done") == "done"
