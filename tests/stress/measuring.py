"""Logs that cost, and what they cost: memory of the server and times of requests."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tb_lrfinder.storage import schema
from tb_lrfinder.storage.writer import SweepWriter
from tests import odd_runs
from tests.serving import TensorBoardServer


def megabytes(server: TensorBoardServer) -> int:
    """Resident memory of TensorBoard's own process, without its data server's."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def write_many(log_dir: Path, runs: int, text: int = 20_000) -> None:
    """Small sweeps with long settings."""
    for number in range(runs):
        writer = SweepWriter(log_dir / f"{number}", {"id": f"{number}", "num_steps": 50, "notes": "x" * text})
        for step in range(50):
            writer.add(step, 1e-5 * 1.2**step, 2.0 - 0.03 * step, 0.0)
        writer.close({"stop_reason": "completed"})


def write_long(log_dir: Path, steps: int, rows_per_chunk: int = schema.ROWS_PER_CHUNK) -> None:
    """One sweep of many steps, in chunks of so many rows."""
    x = np.linspace(-6, 1, steps)
    loss = 2.3 - 1.5 / (1 + np.exp(-3 * (x + 3))) + 10 ** (2 * x) / 10
    loss += np.random.default_rng(0).normal(0, 0.05, steps)
    rows = np.stack([np.arange(steps), 10**x, loss, np.zeros(steps), np.full(steps, np.nan)], 1)
    rows = rows.astype(np.float32)
    chunks = [
        (
            f"rows/{chunk:05}",
            rows[start : start + rows_per_chunk],
            None,
            min(start + rows_per_chunk, steps) - 1,
        )
        for chunk, start in enumerate(range(0, steps, rows_per_chunk))
    ]
    header = odd_runs.CONFIG | {"num_steps": steps}
    result = {"schema_version": 1, "stop_reason": "completed"}
    odd_runs.write(log_dir, [("sweep", header), *chunks, ("result", result)])


def at_once(server: TensorBoardServer, requests: list[tuple[str, dict[str, Any]]]) -> str:
    """What it costs to send all of these at the same time, in words; every answer is to be a 200."""

    def ask(request: tuple[str, dict[str, Any]]) -> tuple[int, float]:
        began = time.monotonic()
        status = server.get(f"data/plugin/lr_finder/{request[0]}", headers={"Accept-Encoding": "gzip"}).status
        return status, time.monotonic() - began

    before = most = megabytes(server)
    began = time.monotonic()
    with ThreadPoolExecutor(len(requests)) as pool:
        futures = [pool.submit(ask, request) for request in requests]
        while not all(future.done() for future in futures):
            most = max(most, megabytes(server))
            time.sleep(0.05)
    answers = [future.result() for future in futures]
    assert {status for status, _ in answers} == {200}
    took = [seconds for _, seconds in answers]
    return (
        f"{len(requests)} at once in {time.monotonic() - began:.1f} s: "
        f"median {statistics.median(took):.1f} s, worst {max(took):.1f} s, memory {before} -> {most} MB"
    )
