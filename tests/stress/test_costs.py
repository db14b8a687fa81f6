"""Requests that cost much: many at once, more than one answer can hold, and lists of very many chunks."""

from __future__ import annotations

import statistics
import time

import pytest

from tests.serving import tensorboard
from tests.stress.measuring import at_once, megabytes, write_long

HEAVY = "sweeps?run=long&encoding=base64&buckets=1000"


@pytest.fixture
def long_sweep(tmp_path):
    write_long(tmp_path / "long", 300_000)
    with tensorboard(tmp_path) as server:
        server.wait_for_runs(1, steps=300_000, seconds=120)
        yield server


def test_two_hundred_heavy_requests_at_once(long_sweep, capsys):
    began = time.monotonic()
    assert long_sweep.plugin("sweeps", run="long", encoding="base64", buckets=1000).status == 200
    alone = time.monotonic() - began
    began = time.monotonic()
    same = at_once(long_sweep, [(HEAVY, {})] * 200)
    took = time.monotonic() - began
    with capsys.disabled():
        print(f"\none cold heavy request: {alone:.1f} s; the same {same}")
    ids = [(f"{HEAVY}&smoothing=0.{10 + number}", {}) for number in range(20)]
    other = at_once(long_sweep, ids)
    with capsys.disabled():
        print(f"with other settings each: {other}")
    assert took < 30 * max(alone, 0.5)


def test_fifteen_long_sweeps_in_one_request(tmp_path, capsys):
    for number in range(15):
        write_long(tmp_path / f"{number}", 900_000)
    with tensorboard(tmp_path) as server:
        server.wait_for_runs(15, steps=900_000, seconds=300)
        before, began = megabytes(server), time.monotonic()
        answer = server.plugin(
            "sweeps", run=[f"{number}" for number in range(15)], encoding="base64", buckets=1000
        )
        took = time.monotonic() - began
        assert answer.status == 200
        assert [one["steps"] for one in answer.json()["sweeps"]] == [900_000] * 15
        with capsys.disabled():
            print(
                f"\n15 cold sweeps of 900,000 steps in one request: {took:.1f} s, "
                f"memory {before} -> {megabytes(server)} MB"
            )


@pytest.mark.parametrize("load_fast", ["true", "false"])
def test_two_hundred_thousand_chunks_do_not_cost_at_every_poll(tmp_path, capsys, load_fast):
    write_long(tmp_path / "crowded", 200_000, rows_per_chunk=1)
    write_long(tmp_path / "good", 100)
    with tensorboard(tmp_path, f"--load_fast={load_fast}") as server:
        server.wait_for_runs(1, steps=200_000, seconds=300)
        took = []
        for _ in range(40):  # as the page does
            began = time.monotonic()
            assert server.plugin("runs").status == 200
            took.append(time.monotonic() - began)
            time.sleep(2)
    with capsys.disabled():
        print(
            f"\n200,000 chunks, load_fast={load_fast}: polls take {statistics.median(took):.3f} s in the "
            f"median, {statistics.mean(took):.3f} s on average, {max(took):.1f} s at most"
        )
    assert statistics.mean(took) < 0.5
