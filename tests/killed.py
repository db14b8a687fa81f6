"""Kills a process that sweeps, at a random moment, and looks at what is left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

SWEEPING = """
import sys, time
import keras, numpy as np
from tb_lrfinder import LRFinder

class Say(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.01)
        # What was said is recorded: the finder's own hook came before.
        print(time.time(), flush=True)

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
x = np.random.default_rng(0).normal(size=(64, 3))
finder = LRFinder(sys.argv[1], 1e-6, 1e-2, 2_000, stop=None, verbose=0)
model.fit(x, x[:, :1], batch_size=4, epochs=1_000, verbose=0, callbacks=[finder, Say()])
"""


@dataclass
class Killed:
    """One that was killed.

    Args:
        log_dir: Where it swept.
        said: When it had ended each of its steps, in seconds since the epoch.
        at: When it was killed.
    """

    log_dir: Path
    said: list[float]
    at: float


def kill_at_random(log_dir: Path, random: random.Random) -> Killed:
    """Start a real sweep, and kill its process within its first five seconds."""
    process = subprocess.Popen(
        [sys.executable, "-c", SWEEPING, os.fspath(log_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    said = [float(process.stdout.readline())]
    end = time.time() + random.uniform(0, 5)
    while time.time() < end:
        said.append(float(process.stdout.readline()))
    at = time.time()
    process.send_signal(signal.SIGKILL)
    said += [float(line) for line in process.stdout.read().splitlines() if line.strip()]
    assert process.wait() == -signal.SIGKILL
    return Killed(log_dir, said, at)
