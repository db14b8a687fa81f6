"""Fifty sweeps that are killed at random moments."""

from __future__ import annotations

import random
import time

from tb_lrfinder import metadata
from tb_lrfinder.reader import read_log_dir
from tests.killed import kill_at_random
from tests.serving import tensorboard
from tests.test_faults import check_what_is_left

KILLS = 50


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
        time.sleep(metadata.INTERRUPTED_AFTER_SECONDS + 5)
        runs = server.wait_for_runs(sum(1 for _ in tmp_path.iterdir()), status="interrupted")
    with capsys.disabled():
        steps = sum(run["steps"] for run in runs)
        print(
            f"\n{KILLS} sweeps killed: {steps} steps kept, {sum(lost)} lost, {max(lost)} of one sweep at most"
        )
