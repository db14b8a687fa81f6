"""Sweeps and trials that are killed, at random moments and in every phase, and what is left of them."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tb_lrfinder.storage import schema
from tb_lrfinder.storage.reader import read_log_dir
from tb_lrfinder.storage.writer import SweepWriter
from tests.killed import kill_at_random
from tests.killed_in import ENDED, PHASES, RATES, STEPS, kill_in
from tests.serving import tensorboard
from tests.test_faults import check_what_is_left

KILLS = 50
KILLS_IN_PHASE = 6


def test_fifty_kills(tmp_path, capsys):
    chance = random.Random(0)
    lost = []
    with tensorboard(tmp_path) as server:
        for number in range(KILLS):
            killed = kill_at_random(tmp_path / f"{number:02}", chance)
            (one,) = read_log_dir(str(killed.log_dir))
            check_what_is_left(killed, one)
            lost.append(len(killed.said) - one.steps)
            assert server.plugin("runs").status == 200
        time.sleep(schema.INTERRUPTED_AFTER_SECONDS + 5)
        runs = server.wait_for_runs(sum(1 for _ in tmp_path.iterdir()), status="interrupted")
    with capsys.disabled():
        steps = sum(run["steps"] for run in runs)
        print(
            f"\n{KILLS} sweeps killed: {steps} steps kept, {sum(lost)} lost, {max(lost)} of one sweep at most"
        )


def sweep_once_more(log_dir):
    """What a person does next: the same call again."""
    writer = SweepWriter(log_dir, {"num_steps": STEPS, "id": "b" * 16})
    for step, rate in enumerate(RATES.tolist()):
        writer.add(step, rate, 1.0, 0.0)
    writer.close({"stop_reason": "completed"})
    return writer


@pytest.mark.parametrize("phase", PHASES)
def test_kills_in_every_phase(tmp_path, capsys, phase):
    """All that was written can be read, and a sweep that had ended has its end, whatever came after it."""
    chance = random.Random(phase)
    kept = []
    with tensorboard(tmp_path) as server:
        for number in range(KILLS_IN_PHASE):
            log_dir = tmp_path / f"{number}"
            kill_in(phase, log_dir, chance)
            found = {one.run: one for one in read_log_dir(str(log_dir))}
            for run, one in found.items():
                assert one.problem is None, run
                np.testing.assert_allclose(one.sweep.learning_rate, RATES[: one.steps], rtol=1e-6)
                assert np.isfinite(one.sweep.loss).all()
                assert one.result is None or one.steps == STEPS
            swept = found["."]
            kept.append(swept.steps)
            if phase in ENDED:
                assert swept.status() == "finished"
                assert swept.steps == STEPS
            # The one that was being saved is cut off at most, those before it are whole.
            saved = [one for run, one in found.items() if run.startswith("saved")]
            assert sum(one.result is None for one in saved) <= 1
            assert sweep_once_more(log_dir).log_dir == str(log_dir / "2")
            assert server.plugin("runs").status == 200
        for number in range(KILLS_IN_PHASE):
            server.wait_for_runs(1, run=f"{number}/2", steps=STEPS, status="finished")
            server.wait_for_runs(1, run=f"{number}", steps=kept[number])
    with capsys.disabled():
        print(
            f"\n{KILLS_IN_PHASE} killed in {phase!r}: "
            f"{min(kept)} to {max(kept)} of {STEPS} steps kept, all of them readable"
        )


TRIALS = """
import sys
import keras, numpy as np
from tb_lrfinder import run_trials

def make_model(learning_rate):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(learning_rate), "mse")
    return model

x = np.random.default_rng(0).normal(size=(256, 3))
print("ready", flush=True)
results = run_trials(
    make_model, (x, x[:, :1]), learning_rates=[1e-3, 3e-3, 1e-2, 3e-2], epochs=15, log_dir=sys.argv[1],
    batch_size=4, verbose=0,
)
for outcome in sorted(results, key=lambda one: one.learning_rate):
    print(outcome.learning_rate, repr(outcome.trial.final["loss"]), flush=True)
"""


def start_trials(log_dir):
    return subprocess.Popen(
        [sys.executable, "-c", TRIALS, str(log_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_trials_that_are_killed_again_and_again_come_to_the_same_end(tmp_path, capsys):
    whole, _ = start_trials(tmp_path / "whole").communicate(timeout=600)
    assert whole.count("\n") == 5
    chance = random.Random(3)
    log_dir, kills, complete = tmp_path / "killed", 0, [0]
    while True:
        process = start_trials(log_dir)
        assert process.stdout.readline() == "ready\n"
        if kills == 8:  # chance alone may never let it come to its end
            said, errors = process.communicate(timeout=600)
            assert process.returncode == 0, errors
            break
        try:
            said, _ = process.communicate(timeout=chance.uniform(1, 15))
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        kills += 1
        found = read_log_dir(str(log_dir)) if Path(log_dir).exists() else []
        assert all(one.problem is None for one in found)
        finished = sum(one.status() == "finished" for one in found)
        assert finished >= complete[-1]  # none that had ended is lost
        complete.append(finished)
    assert "ready\n" + said == whole
    with capsys.disabled():
        print(f"\ntrials killed {kills} times, with {complete} of 4 complete: the same losses in the end")
