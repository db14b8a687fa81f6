"""Log directories that are URLs: written beside TensorFlow, read without it, on a real server of its kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from tb_lrfinder.storage import schema
from tb_lrfinder.storage.remote_event_file import run_with_timeout
from tb_lrfinder.storage.writer import SweepWriter
from tests.serving import tensorboard

pytest.importorskip("moto", reason="needs moto")

READ = """
import json, sys, types
sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")  # as without TensorFlow
from tb_lrfinder.storage.reader import read_log_dir
print(json.dumps([[one.run, one.config, one.result, {k: v.tolist() for k, v in one.columns().items()}]
                  for one in read_log_dir(sys.argv[1])]))
assert "tensorflow" not in sys.modules
"""


class Store:
    """An S3-compatible server of its own process, on loopback."""

    def __init__(self):
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "Running on http://" in line:
                self.url = line.split()[-1]
                break
        # So that it does not stop at a full pipe.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def store(monkeypatch):
    store = Store()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", store.url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    import boto3

    boto3.client("s3", endpoint_url=store.url).create_bucket(Bucket="logs")
    yield store
    store.stop()


def read(url):
    ran = subprocess.run([sys.executable, "-c", READ, url], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return {run: (config, result, columns) for run, config, result, columns in json.loads(ran.stdout)}


def sweep_with(log_dir, **arguments):
    from tb_lrfinder import LRFinder
    from tests.keras.replay import regression_data, small_model

    finder = LRFinder(log_dir, 1e-5, 10.0, 40, verbose=0, **arguments)
    small_model().fit(*regression_data(), epochs=40, verbose=0, callbacks=[finder])
    return finder


def test_a_sweep_is_written_to_s3_with_tensorflow_and_read_without_it(store):
    first, second = sweep_with("s3://logs/team/adam"), sweep_with("s3://logs/team/adam/")
    assert (first.log_dir, second.log_dir) == ("s3://logs/team/adam", "s3://logs/team/adam/2")
    found = read("s3://logs/team")
    assert found.keys() == {"adam", "adam/2"}
    config, result, columns = found["adam"]
    assert result["suggestion"]["learning_rate"] == first.suggestion.learning_rate
    assert config["num_steps"] == 40
    for name, values in first.sweep.columns().items():
        np.testing.assert_array_equal(np.array(columns[name], np.float32), values.astype(np.float32))


def test_tensorboard_serves_a_remote_sweep(store, tmp_path):
    # As in an environment without TensorFlow: this module is how TensorBoard is told that there is none.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, types; sys.modules['tensorboard.compat.notf'] = types.ModuleType('notf')"
    )
    finder = sweep_with("s3://logs/team/adam")
    with pytest.MonkeyPatch.context() as patch:
        root = str(Path(__file__).resolve().parents[1])
        patch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), root]))
        with tensorboard("s3://logs/team") as server:
            (run,) = server.wait_for_runs(1, status="finished")
            (sweep,) = server.plugin("sweeps", run="adam").json()["sweeps"]
    assert run["suggestion"]["learning_rate"] == finder.suggestion.learning_rate
    assert len(sweep["columns"]["loss"]) == len(finder.sweep)


def test_a_lost_network_causes_a_warning_and_the_sweep_can_be_saved_elsewhere(store, tmp_path, monkeypatch):
    import keras

    from tb_lrfinder import LRFinder
    from tests.keras.replay import regression_data, small_model

    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")

    class GoAway(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                store.stop()

    finder = LRFinder("s3://logs/adam", 1e-5, 10.0, 40, verbose=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        small_model().fit(*regression_data(), epochs=40, verbose=0, callbacks=[finder, GoAway()])
    said = [str(one.message) for one in caught if "LR Finder can no longer write" in str(one.message)]
    assert len(said) == 1
    assert "s3://logs/adam" in said[0]
    assert "finder.save" in said[0]
    assert finder.stop_reason in ("completed", "diverged")
    assert finder.save(tmp_path / "saved") == str(tmp_path / "saved")
    ((_, result, columns),) = read(str(tmp_path)).values()
    assert result["suggestion"]["learning_rate"] == finder.suggestion.learning_rate
    for name, values in finder.sweep.columns().items():
        np.testing.assert_array_equal(np.array(columns[name], np.float32), values.astype(np.float32))


def test_save_writes_the_same_as_the_sweep(tmp_path):
    finder = sweep_with(tmp_path / "written")
    finder.save(tmp_path / "saved")
    found = read(str(tmp_path))
    np.testing.assert_equal(found["saved"], found["written"])


def test_save_requires_a_sweep(tmp_path):
    from tb_lrfinder import LRFinder

    with pytest.raises(RuntimeError, match="There is no sweep to save"):
        LRFinder(verbose=0).save(tmp_path)
    with pytest.raises(TypeError, match="`log_dir` must be a path"):
        LRFinder(verbose=0).save(None)


def test_save_raises_if_the_sweep_cannot_be_written(tmp_path):
    finder = sweep_with(None)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="log_dir"):
        finder.save(tmp_path / "file")
    assert finder.save(tmp_path / "other") == str(tmp_path / "other")


def test_a_sweep_is_written_to_an_fsspec_store():
    fsspec = pytest.importorskip("fsspec")
    writer = SweepWriter("memory://logs/adam", {"num_steps": 3})
    for step in range(3):
        writer.add(step, 10.0**step, 1.0, 0.0)
    writer.close({"stop_reason": "completed"})
    assert writer.error is None
    (path,) = fsspec.filesystem("memory").ls("/logs/adam", detail=False)
    assert path.endswith(schema.EVENT_FILE_SUFFIX)


def test_an_invalid_url_is_an_immediate_error(store):
    with pytest.raises(ValueError, match="nothing://x"):
        SweepWriter("nothing://x", {})
    with pytest.raises(ValueError, match="Pass URLs as strings"):
        SweepWriter(Path("s3://logs/x"), {})
    with pytest.raises(OSError, match=r"log_dir='s3://missing/x'.*credentials"):
        SweepWriter("s3://missing/x", {})


@pytest.mark.parametrize(
    ("url", "missing"), [("gs://x/y", ["gcsfs"]), ("gs://x/y", ["fsspec"]), ("s3://x/y", ["boto3", "fsspec"])]
)
def test_a_missing_package_is_reported_with_the_url(url, missing):
    code = f"""
import sys
sys.modules.update(dict.fromkeys({missing}))  # as if not installed
from tb_lrfinder.storage.writer import SweepWriter
try:
    SweepWriter({url!r}, {{}})
except ImportError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for part in (f"log_dir={url!r}", missing[0], "pip install 'tb_lrfinder[remote]'"):
        assert part in said


def test_report_reads_a_store_with_tensorflow_installed(store):
    pytest.importorskip("tensorflow")
    writer = SweepWriter("s3://logs/team/adam", {"num_steps": 1, "optimizer": "Adam"})
    writer.add(0, 1e-3, 1.0, 0.0)
    writer.close({"stop_reason": "completed"})
    command = [sys.executable, "-m", "tb_lrfinder.cli", "report", "s3://logs/team"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "adam" in ran.stdout


def test_an_unresponsive_store_times_out():
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="no response within"):
        run_with_timeout(0.1, lambda: time.sleep(5))
    assert time.monotonic() - began < 4


def test_uploads_of_a_long_sweep_become_less_frequent(store):
    events = SweepWriter("s3://logs/waits", {})._events
    assert events.flush_seconds == 5
    events._opened -= 100
    assert events.flush_seconds == pytest.approx(10, abs=0.5)
    events._opened -= 10_000  # and often enough to be taken for alive
    assert events.flush_seconds == 30 < schema.INTERRUPTED_AFTER_SECONDS
    events._upload_seconds = 3.0  # a slow network
    assert events.flush_seconds == 60


def test_a_long_sweep_is_not_uploaded_every_second(store):
    import boto3

    writer = SweepWriter("s3://logs/long", {"num_steps": 20_000})
    sent = []
    write = writer._events._store.write
    writer._events._store.write = lambda url, content, **kw: (
        sent.append(len(content)),
        write(url, content, **kw),
    )
    for step in range(20_000):
        writer.add(step, 1e-5, 1.0, 0.0)
    writer.close({"stop_reason": "completed"})
    (stored,) = boto3.client("s3", endpoint_url=store.url).list_objects(Bucket="logs")["Contents"]
    assert stored["Size"] == sent[-1] > 1_000_000
    assert len(sent) <= 2
