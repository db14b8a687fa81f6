"""Ten thousand odd requests to one TensorBoard."""

from __future__ import annotations

import time
from collections import Counter

from hypothesis import HealthCheck, given, settings

from tests import hostile

REQUESTS = 10_000
MOST_SECONDS = 10  # of one request, on a busy machine; the slowest seen is in docs/robustness.md


def test_ten_thousand_odd_requests(tmp_path, capsys):
    statuses: Counter[int] = Counter()
    slowest = 0.0
    with hostile.serve(tmp_path) as server:
        client = hostile.Client(server.url)

        @settings(
            max_examples=REQUESTS, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(hostile.REQUESTS)
        def ask(asked):
            nonlocal slowest
            began = time.monotonic()
            answer, body = client.send(asked)
            slowest = max(slowest, time.monotonic() - began)
            hostile.check(asked, answer, body)
            statuses[answer.status] += 1

        ask()
        assert server.plugin("sweeps", run="good").status == 200
        told = server.log.read_text()
    assert sum(statuses.values()) >= REQUESTS
    assert slowest < MOST_SECONDS
    assert "Traceback" not in told, told[-3_000:]
    with capsys.disabled():
        print(
            f"\n{sum(statuses.values())} requests: {dict(sorted(statuses.items()))}, slowest {slowest:.2f} s"
        )
