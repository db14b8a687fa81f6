"""The event file: lossless, live, one sweep in each run directory."""

from __future__ import annotations

import os
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from tb_lrfinder.storage import schema
from tb_lrfinder.storage.reader import read_log_dir
from tb_lrfinder.storage.writer import SweepWriter


def write(log_dir, steps, result=None, **config):
    writer = SweepWriter(log_dir, {"id": "abc", **config})
    add(writer, range(steps))
    writer.close({"stop_reason": "completed"} if result is None else result)
    return writer


def add(writer, steps):
    for step in steps:
        writer.add(step, learning_rate=1e-7 * 1.01**step, loss=2 - step / 1e4, loss_delta=-0.1)


def events(log_dir):
    (file,) = Path(log_dir).glob("*tfevents*")
    return list(EventFileLoader(str(file)).Load())


def read_one(log_dir):
    (recorded,) = read_log_dir(str(log_dir))
    return recorded


@pytest.mark.parametrize("steps", [0, 1, 255, 256, 257, 1000])
def test_every_row_is_read_back_in_order(tmp_path, steps):
    write(tmp_path / "run", steps)
    sweep = read_one(tmp_path).sweep
    np.testing.assert_array_equal(sweep.step, np.arange(steps))
    expected = np.array([1e-7 * 1.01**step for step in range(steps)], np.float32)
    np.testing.assert_array_equal(sweep.learning_rate.astype(np.float32), expected)


def test_config_is_the_first_value_and_result_the_last(tmp_path):
    write(tmp_path, 300)
    tags = [value.tag for event in events(tmp_path) for value in event.summary.value]
    assert tags[0] == schema.SWEEP_TAG
    assert tags[-1] == schema.RESULT_TAG
    assert tags.count(schema.SWEEP_TAG) == tags.count(schema.RESULT_TAG) == 1


def test_scalar_summaries_contain_every_step(tmp_path):
    write(tmp_path, 300)
    seen = {tag: [] for tag in schema.SCALAR_TAGS.values()}
    for event in events(tmp_path):
        for value in event.summary.value:
            if value.tag in seen:
                seen[value.tag].append(event.step)
    assert all(steps == list(range(300)) for steps in seen.values())


def test_rows_are_on_disk_within_two_seconds_during_the_sweep(tmp_path):
    writer = SweepWriter(tmp_path, {})
    add(writer, range(10))
    time.sleep(2)
    assert read_one(tmp_path).steps == 10
    add(writer, range(10, 300))
    time.sleep(2)
    assert read_one(tmp_path).steps == 300
    writer.close({})


def test_heartbeats_during_a_slow_step_change_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "HEARTBEAT_SECONDS", 0.5)
    for name, steps in (("none", 0), ("open", 10), ("full", 256)):
        writer = SweepWriter(tmp_path / name, {})
        add(writer, range(steps))
        writer.flush()
        before = read_log_dir(str(tmp_path / name))[0]
        time.sleep(3)
        after = read_log_dir(str(tmp_path / name))[0]
        assert after.last_event_time > before.last_event_time
        assert after.steps == before.steps == steps
        writer.close({})


def test_a_directory_with_a_sweep_is_not_used_again(tmp_path):
    first, second, third = (write(tmp_path / "run", steps) for steps in (900, 100, 50))
    assert [Path(writer.log_dir).relative_to(tmp_path).as_posix() for writer in (first, second, third)] == [
        "run",
        "run/2",
        "run/3",
    ]
    assert [(recorded.run, recorded.steps) for recorded in read_log_dir(str(tmp_path))] == [
        ("run", 900),
        ("run/2", 100),
        ("run/3", 50),
    ]


def test_a_directory_with_other_event_files_can_be_used(tmp_path):
    (tmp_path / "events.out.tfevents.1700000000.host.1.0.v2").write_bytes(b"")
    assert write(tmp_path, 5).log_dir == str(tmp_path)


def test_writers_that_start_together_use_separate_directories(tmp_path):
    barrier, taken = threading.Barrier(8), []

    def start():
        barrier.wait()
        writer = write(tmp_path / "run", 20)
        taken.append(writer.log_dir)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == 8
    assert [recorded.steps for recorded in read_log_dir(str(tmp_path))] == [20] * 8


def test_a_file_instead_of_a_directory_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    for log_dir in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(NotADirectoryError, match=r"log_dir.*is a file"):
            SweepWriter(log_dir, {})


@pytest.mark.skipif(
    os.access("/sys/kernel", os.W_OK) and not Path("/proc/self").exists(), reason="needs /proc"
)
def test_a_read_only_directory_is_an_error():
    with pytest.raises(OSError, match=r"log_dir='/proc/self/sweep'"):
        SweepWriter("/proc/self/sweep", {})


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_failing_disk_causes_one_warning_and_no_error(tmp_path):
    writer = SweepWriter(tmp_path / "run", {})
    # A disk that is really full: the descriptor of the open file is pointed at /dev/full.
    (path,) = (tmp_path / "run").glob("*tfevents*")
    full = os.open("/dev/full", os.O_WRONLY)
    descriptors = Path("/proc/self/fd").iterdir()
    (descriptor,) = (int(one.name) for one in descriptors if os.path.realpath(one) == str(path))
    os.dup2(full, descriptor)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for start in range(0, 3000, 300):
            add(writer, range(start, start + 300))
            writer.flush()
        writer.close({"stop_reason": "completed"})
    os.close(full)
    about_us = [str(w.message) for w in caught if "LR Finder can no longer write" in str(w.message)]
    assert len(about_us) == 1
    assert str(tmp_path / "run") in about_us[0]
    assert writer.error is not None


def test_closing_twice_writes_one_result(tmp_path):
    writer = write(tmp_path, 3)
    writer.close({"stop_reason": "failed"})
    assert read_one(tmp_path).result["stop_reason"] == "completed"


def test_settings_that_are_not_strict_json_are_written(tmp_path):
    write(tmp_path, 1, optimizer_settings={"clipnorm": float("nan"), "name": "Ünïcode <b>"})
    settings = read_one(tmp_path).config["optimizer_settings"]
    assert settings["name"] == "Ünïcode <b>"
    assert settings["clipnorm"] == "NaN"  # as TensorBoard writes it, since JSON has no such number
