"""TensorBoard serves the same data under any experiment id; ever new ones must not take memory."""

from __future__ import annotations

import os

import pytest

from tests import hostile
from tests.serving import tensorboard
from tests.stress.measuring import megabytes, write_many

REQUESTS = int(os.environ.get("STRESS_REQUESTS", "20000"))
ROUTES = (
    "runs",
    "sweeps?run=1&run=2",
    "trials?run=1",
    "download?run=3",
    "rules",
    "sweeps?run=4&smoothing=.1",
)
MOST_GROWTH = 60  # MB, of everything that Python and its allocator do besides


@pytest.mark.parametrize("load_fast", ["true", "false"])
def test_new_experiment_ids_take_no_memory(tmp_path, capsys, load_fast):
    write_many(tmp_path, 100)
    with tensorboard(tmp_path, f"--load_fast={load_fast}") as server:
        server.wait_for_runs(100, status="finished")
        client = hostile.Client(server.url)
        curve = []
        for number in range(REQUESTS):
            if number % (REQUESTS // 10) == 0:
                curve.append(megabytes(server))
            target = f"/experiment/{number}/data/plugin/lr_finder/{ROUTES[number % len(ROUTES)]}"
            answer, _ = client.send(hostile.Asked("GET", target, {}))
            assert answer.status == (400 if "trials" in target else 200)
        curve.append(megabytes(server))
    with capsys.disabled():
        print(f"\n{REQUESTS} requests under as many ids, load_fast={load_fast}: memory {curve} MB")
    assert curve[-1] - curve[1] < MOST_GROWTH
