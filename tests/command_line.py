"""Runs the command line in a process of its own, and writes sweeps for it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.storage.writer import SweepWriter

ENVIRON = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"}
COMMAND = [sys.executable, "-m", "tb_lrfinder.cli"]


def command(*arguments, code=0, stdin=None, cwd=None):
    """Run the command and return the finished process; fails unless it exits with `code`."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        check=False,
        input=stdin,
        capture_output=True,
        text=True,
        env=ENVIRON,
        cwd=cwd,
    )
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr
    return done


def a_sweep(descends=True):
    rng = np.random.default_rng(1)
    x = np.linspace(-7, 1, 100)
    losses = 2.3 + rng.normal(0, 0.02, 100) - (1.8 / (1 + np.exp(-3 * (x + 3))) if descends else 0)
    return Sweep.from_losses(10**x, losses + np.maximum(8 * (x + 0.5), 0) ** 2 * descends)


def write(log_dir, sweep, result=True, **config):
    analysis = analyze(sweep, stop_reason="completed")
    writer = SweepWriter(log_dir, {"id": "a", "start_time": 1.0, "num_steps": 100, **config})
    for row in zip(*(column.tolist() for column in sweep.columns().values()), strict=True):
        writer.add(*row)
    if result:
        writer.close({"stop_reason": "completed", "steps": len(sweep)} | analysis.to_json())
    else:
        writer.flush()
    return analysis


def write_losses(path):
    """Write a sweep as a CSV file of losses."""
    sweep = a_sweep()
    rows = np.array([sweep.learning_rate, sweep.loss]).T.tolist()
    path.write_text("lr,loss\n" + "".join(f"{rate!r},{loss!r}\n" for rate, loss in rows))
    return path
