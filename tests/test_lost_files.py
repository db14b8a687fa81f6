"""The event file is taken away in the middle of a sweep, or the disk is full for a while: no row is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from tb_lrfinder.storage import schema
from tb_lrfinder.storage.reader import read_log_dir
from tb_lrfinder.storage.writer import SweepWriter, TrialWriter
from tests.serving import tensorboard
from tests.test_faults import small_disk

STEPS = 700
HALF = 300
pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")


def copied(file):
    """As a sync tool or a restored backup does it: another file under the same name."""
    copy = file.with_name("copy")
    shutil.copy(file, copy)
    copy.replace(file)


def cut(file):
    os.truncate(file, file.stat().st_size // 2)


def emptied(file):
    os.truncate(file, 0)


def grown(file):
    with file.open("ab") as stream:
        stream.write(b"something else")


def removed(file):
    file.unlink()


def removed_with_its_directory(file):
    shutil.rmtree(file.parent)


ATTACKS = [copied, cut, emptied, grown, removed, removed_with_its_directory]


def event_file(log_dir):
    return max(Path(log_dir).glob("*tfevents*"), key=lambda file: file.stat().st_mtime_ns)


def add(writer, steps):
    for step in steps:
        writer.add(step, 1e-7 * 1.02**step, 2 - step / 1e4, 0.0)


def sweep_under(log_dir, *attacks):
    """Write a sweep; the file is attacked after each part of it. What is said comes back."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        writer = SweepWriter(log_dir, {"id": "a" * 16, "num_steps": STEPS})
        bounds = np.linspace(0, STEPS, len(attacks) + 2).astype(int)
        for attack, start, end in zip((*attacks, None), bounds[:-1], bounds[1:], strict=True):
            add(writer, range(start, end))
            writer.flush()
            if attack is not None:
                attack(event_file(log_dir))
        writer.close({"stop_reason": "completed"})
    return writer, [str(one.message) for one in caught]


def check_whole(recorded, steps=STEPS):
    assert recorded.problem is None
    assert recorded.result["stop_reason"] == "completed"
    np.testing.assert_array_equal(recorded.sweep.step, np.arange(steps))
    rates = [1e-7 * 1.02**step for step in range(steps)]
    np.testing.assert_array_equal(recorded.sweep.learning_rate, np.array(rates, np.float32))


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_lost_file_is_written_again(tmp_path, attack):
    writer, said = sweep_under(tmp_path / "run", attack)
    (recorded,) = read_log_dir(str(tmp_path))
    check_whole(recorded)
    assert writer.error is None
    assert writer.log_dir == str(tmp_path / "run")
    assert len(said) == 1
    assert "rewritten all data" in said[0]
    assert str(tmp_path / "run") in said[0]


def test_a_lost_file_causes_one_warning(tmp_path):
    _, said = sweep_under(tmp_path / "run", copied, removed, copied)
    (recorded,) = read_log_dir(str(tmp_path))
    check_whole(recorded)
    assert len(said) == 1


def test_a_file_that_is_lost_repeatedly_is_not_written_again(tmp_path):
    writer, said = sweep_under(tmp_path / "run", *[removed] * 6)
    assert "rewritten all data" in said[0]
    assert "6 event files of this run were lost" in said[1]
    assert "Writing is retried" in said[1]
    assert writer.error is not None


def test_an_intact_file_causes_no_warning(tmp_path):
    writer, said = sweep_under(tmp_path / "run", lambda file: file.touch())
    check_whole(read_log_dir(str(tmp_path))[0])
    assert said == []
    assert writer.error is None


@pytest.mark.parametrize("load_fast", ["true", "false"])
def test_a_live_tab_sees_every_row(tmp_path, load_fast):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        writers = {
            attack: SweepWriter(tmp_path / attack.__name__, {"num_steps": STEPS}) for attack in ATTACKS
        }
        for writer in writers.values():
            add(writer, range(HALF))
            writer.flush()
        with tensorboard(tmp_path, f"--load_fast={load_fast}") as server:
            server.wait_for_runs(len(ATTACKS), steps=HALF)
            for attack, writer in writers.items():
                attack(event_file(writer.log_dir))
                add(writer, range(HALF, STEPS))
                writer.close({"stop_reason": "completed"})
            runs = server.wait_for_runs(len(ATTACKS), steps=STEPS, status="finished", seconds=30)
            for run in runs:
                (sweep,) = server.plugin("sweeps", run=run["run"]).json()["sweeps"]
                assert sweep["columns"]["step"] == list(range(STEPS))


def test_a_directory_claimed_by_another_run_is_not_used(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        first = SweepWriter(tmp_path / "run", {"id": "a" * 16})
        add(first, range(HALF))
        first.flush()
        shutil.rmtree(tmp_path / "run")
        second = SweepWriter(tmp_path / "run", {"id": "b" * 16})
        add(first, range(HALF, STEPS))
        add(second, range(STEPS))
        for writer in (first, second):
            writer.close({"stop_reason": "completed"})
    assert first.log_dir == str(tmp_path / "run" / "2")
    found = read_log_dir(str(tmp_path))
    assert [(one.run, one.config["id"][0]) for one in found] == [("run", "b"), ("run/2", "a")]
    for recorded in found:
        check_whole(recorded)


def test_changing_the_working_directory_loses_no_rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    writer = SweepWriter("run", {"id": "a" * 16})
    add(writer, range(HALF))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        add(writer, range(HALF, STEPS))
        writer.close({"stop_reason": "completed"})
    check_whole(read_log_dir(str(tmp_path))[0])


def test_a_lost_trial_is_written_again_with_its_late_columns(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        writer = TrialWriter(tmp_path / "trial", {"learning_rate": 0.1, "epochs": 600})
        for epoch in range(600):
            values = {"accuracy": 0.5} if epoch >= 400 else {}
            writer.add(epoch=epoch, learning_rate=0.1, loss=1.0, values=values)
            if epoch == 300:
                writer.flush()
                copied(event_file(tmp_path / "trial"))
        writer.close({"stop_reason": "completed"})
    (recorded,) = read_log_dir(str(tmp_path))
    accuracy = recorded.trial.columns()["accuracy"]
    np.testing.assert_array_equal(accuracy, [np.nan] * 400 + [0.5] * 200)


def test_writing_resumes_when_the_disk_has_space_again(tmp_path):
    disk = tmp_path / "disk"
    with small_disk(disk), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        writer = SweepWriter(disk / "run", {"id": "a" * 16, "num_steps": STEPS})
        add(writer, range(10))
        writer.flush()
        whole = event_file(disk / "run").stat().st_size
        with (disk / "filler").open("wb", buffering=0) as filler:
            for size in (4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        filler.write(b"x" * size)
        add(writer, range(10, HALF))
        writer.flush()
        assert writer.error is not None
        (so_far,) = read_log_dir(str(disk))
        assert so_far.steps == 10  # no half record is left
        assert event_file(disk / "run").stat().st_size == whole
        (disk / "filler").unlink()
        deadline = time.monotonic() + 10
        while writer.error is not None and time.monotonic() < deadline:  # it goes on by itself
            time.sleep(0.2)
        assert writer.error is None
        add(writer, range(HALF, HALF + 10))
        writer.close({"stop_reason": "completed"})
        (recorded,) = read_log_dir(str(disk))
        check_whole(recorded, HALF + 10)
        assert len(list((disk / "run").iterdir())) == 1
    ours = [str(one.message) for one in caught if "LR Finder" in str(one.message)]
    assert len(ours) == 1
    assert "No space left" in ours[0]


LIMITED = """
import resource, sys, time
from tb_lrfinder.storage.writer import SweepWriter
writer = SweepWriter(sys.argv[1], {"num_steps": 3000})
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
for step in range(3000):
    writer.add(step, 1e-7 * 1.005**step, 1.0, 0.0)
    time.sleep(0.001)
writer.close({"stop_reason": "completed"})
print("done")
"""


@pytest.mark.parametrize("filters", [[], ["-W", "error"]])
def test_a_full_disk_causes_one_line_and_no_traceback(tmp_path, filters):
    """In a process of its own, for what threads print when they die."""
    done = subprocess.run(
        [sys.executable, *filters, "-c", LIMITED, str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "done\n"
    assert done.stderr.count("LR Finder can no longer write") == 1
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    (recorded,) = read_log_dir(str(tmp_path))
    assert recorded.problem is None
    assert recorded.steps % schema.ROWS_PER_CHUNK == 0 or recorded.steps > 0


def test_warnings_as_errors_stop_neither_thread_nor_training(tmp_path, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        writer = SweepWriter(tmp_path / "run", {"id": "a" * 16})
        add(writer, range(HALF))
        writer.flush()
        copied(event_file(tmp_path / "run"))
        time.sleep(2)  # its thread notices
        assert writer._thread.is_alive()
        add(writer, range(HALF, STEPS))
        writer.close({"stop_reason": "completed"})
    check_whole(read_log_dir(str(tmp_path))[0])
    assert "rewritten all data" in capsys.readouterr().err


def test_a_fit_whose_file_is_replaced_records_every_row(tmp_path, capsys):
    import keras

    from tb_lrfinder import LRFinder
    from tests.keras.replay import regression_data, small_model

    class Copy(keras.callbacks.Callback):
        seen = 0

        def on_train_batch_end(self, batch, logs=None):
            self.seen += 1
            if self.seen == 150:
                time.sleep(1.5)  # until some rows are on the disk
                copied(event_file(tmp_path / "run"))

    finder = LRFinder(tmp_path / "run", 1e-6, 1e-3, 300, stop=None)
    with pytest.warns(RuntimeWarning, match="rewritten all data"):
        small_model().fit(*regression_data(), epochs=300, verbose=0, callbacks=[finder, Copy()])
    (recorded,) = read_log_dir(str(tmp_path))
    np.testing.assert_array_equal(recorded.sweep.loss, finder.sweep.loss.astype(np.float32))
    assert recorded.steps == 300
    assert f"Written to {tmp_path / 'run'}" in capsys.readouterr().out


def test_a_fit_on_a_full_disk_reports_missing_rows(tmp_path, capsys):
    from tb_lrfinder import LRFinder
    from tests.keras.replay import regression_data, small_model

    disk = tmp_path / "disk"
    with small_disk(disk), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        finder = LRFinder(disk / "run", 1e-6, 1e-3, STEPS, stop=None)
        small_model().fit(*regression_data(), epochs=STEPS, verbose=0, callbacks=[finder])
    said = capsys.readouterr().out
    assert "Written to" not in said
    assert f"Not all of it could be written to {disk / 'run'}" in said
