"""Kills a process in a given phase of a sweep and of what surrounds it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

STEPS = 300
RATES = np.geomspace(1e-6, 1e-2, STEPS).astype(np.float32)

ENDED = ("epoch end", "validation", "fit end", "training", "saving")
PHASES = ("begin", "sweep", "written again", "closing", *ENDED)
"""Those of `ENDED` come after the end of the sweep: all but the last two before its `fit` ends."""

PHASED = """
import shutil, sys, time
from pathlib import Path
import keras, numpy as np
from tb_lrfinder import LRFinder

log_dir, phase, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])

def reached(name):
    if name == phase:
        print("reached", flush=True)

class Phases(keras.callbacks.Callback):
    seen = 0
    sweeping = True

    def on_train_begin(self, logs=None):
        if self.sweeping:
            reached("begin")

    def on_train_batch_end(self, batch, logs=None):
        if not self.sweeping:
            time.sleep(0.01)
            return
        self.seen += 1
        time.sleep(0.005)
        if self.seen == 100:
            reached("sweep")
            reached("written again")
        if phase == "written again" and self.seen >= 100 and self.seen % 10 == 0 and self.seen < 150:
            file = sorted(Path(log_dir).glob("*tfevents*"))[-1]
            shutil.copy(file, log_dir + "/copy")
            Path(log_dir + "/copy").replace(file)
            finder._fit._running.writer.flush()
        if self.seen == steps - 3:
            reached("closing")

    def on_test_batch_begin(self, batch, logs=None):
        if self.seen == steps:
            reached("validation")
            time.sleep(0.1)

    def on_epoch_end(self, epoch, logs=None):
        if self.sweeping and self.seen == steps:
            reached("epoch end")
            time.sleep(0.5)

    def on_train_end(self, logs=None):
        if self.sweeping:
            reached("fit end")
            time.sleep(0.5)

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
x = np.random.default_rng(0).normal(size=(64, 3))
data = (x, x[:, :1])
phases = Phases()
finder = LRFinder(log_dir, 1e-6, 1e-2, steps, stop=None, verbose=0)
model.fit(*data, batch_size=4, epochs=1_000, verbose=0, callbacks=[finder, phases], validation_data=data)
phases.sweeping = False
if phase == "saving":
    reached("saving")
    for number in range(1_000):
        finder.save(log_dir + "/saved")
reached("training")
model.fit(*data, batch_size=4, epochs=1_000, verbose=0, callbacks=[phases])
time.sleep(60)
"""


def kill_in(phase: str, log_dir: Path, chance: random.Random, seconds: float = 0.4) -> None:
    """Start a real sweep, and kill its process some time after it has reached the phase."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", PHASED, os.fspath(log_dir), phase, str(STEPS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "reached\n"
    time.sleep(chance.uniform(0, seconds))
    process.send_signal(signal.SIGKILL)
    process.stdout.read()
    assert process.wait() == -signal.SIGKILL
