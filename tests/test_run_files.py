"""`RunFiles` reads the same values as TensorBoard, whatever state the event files are in."""

from __future__ import annotations

import shutil
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.compat.tensorflow_stub import pywrap_tensorflow
from tensorboard.context import RequestContext
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.checksum import masked_crc32c
from tb_lrfinder.storage.reader import read_log_dir
from tb_lrfinder.storage.run_files import RunFiles
from tb_lrfinder.storage.writer import SweepWriter, TrialWriter, write_sweep
from tests.command_line import a_sweep, write


def as_tensorboard_reads(log_dir):
    multiplexer = EventMultiplexer(tensor_size_guidance={schema.PLUGIN_NAME: 1})
    multiplexer.AddRunsFromDirectory(str(log_dir))
    multiplexer.Reload()
    return provided(multiplexer, log_dir)


def as_we_read(log_dir):
    files = RunFiles(str(log_dir))
    for run in files.Runs():
        files.GetAccumulator(run).Reload()
    return provided(files, log_dir)


def provided(multiplexer, log_dir):
    provider = MultiplexerDataProvider(multiplexer, str(log_dir))
    asked = {"experiment_id": "", "plugin_name": schema.PLUGIN_NAME}
    listed = provider.list_tensors(RequestContext(), **asked)
    read = provider.read_tensors(RequestContext(), **asked, downsample=1)
    return {
        run: {
            tag: (series.max_step, series.max_wall_time, repr(read[run][tag][-1].numpy.tolist()))
            for tag, series in tags.items()
        }
        for run, tags in listed.items()
    }


def event_file(directory):
    (file,) = directory.glob("*tfevents*")
    return file


@pytest.fixture
def logs(tmp_path):
    write(tmp_path / "deep" / "adam", a_sweep(), optimizer="Adam")
    live = SweepWriter(tmp_path / "live", {"num_steps": 900})
    for step in range(700):
        live.add(step, 10 ** (step / 100), 1.0, 0.0)
        if step % 100 == 7:
            live.flush()
    live.close({"stop_reason": "completed"})
    trial = TrialWriter(tmp_path / "trial", {"learning_rate": 0.1})
    trial.add(0, 0.1, 2.0, {})
    trial.add(1, 0.1, 1.0, {"lr_finder/rows/00000": 3.0})
    trial.close({"stop_reason": "completed", "epochs": 2})
    EventFileWriter(str(tmp_path / "others")).close()
    return tmp_path


class TestTheSameAsTensorBoard:
    def test_complete_files(self, logs):
        assert set(as_we_read(logs)) == {"deep/adam", "live", "trial"}
        assert as_we_read(logs) == as_tensorboard_reads(logs)

    def test_files_of_several_writers_in_one_directory(self, logs):
        shutil.copy(event_file(logs / "deep" / "adam"), logs / "live" / "events.out.tfevents.1.lr_finder")
        shutil.copy(event_file(logs / "trial"), logs / "live" / "events.out.tfevents.9999999999.lr_finder")
        assert as_we_read(logs) == as_tensorboard_reads(logs)

    @pytest.mark.parametrize("share", np.linspace(0, 1, 12).tolist())
    def test_a_file_truncated_anywhere(self, logs, share):
        file = event_file(logs / "live")
        whole = file.read_bytes()
        file.write_bytes(whole[: int(share * len(whole))])
        assert as_we_read(logs) == as_tensorboard_reads(logs)

    @pytest.mark.parametrize("tag", ["lr_finder/sweep", "lr_finder/rows/00001", "lr_finder/result"])
    def test_reading_stops_at_a_damaged_record(self, logs, tag):
        file = event_file(logs / "live")
        whole = bytearray(file.read_bytes())
        whole[whole.index(tag.encode()) + len(tag) + 30] ^= 1
        file.write_bytes(whole)
        assert as_we_read(logs) == as_tensorboard_reads(logs)
        assert "lr_finder/result" not in as_we_read(logs).get("live", {})

    def test_a_directory_without_event_files(self, logs):
        (logs / "odd").mkdir()
        (logs / "odd" / "events.out.tfevents.1.lr_finder").write_bytes(b"\xff" * 1000)
        (logs / "odd2").mkdir()
        (logs / "odd2" / "events.out.tfevents.1.lr_finder").write_bytes(b"")
        assert as_we_read(logs) == as_tensorboard_reads(logs)


def test_checksums_equal_those_of_tensorboard():
    rng = np.random.default_rng(0)
    lengths = [0, 1, 2, 3, 4, 5, 64, 5000, 5001, 12, *rng.integers(0, 300, 50).tolist()]
    records = [rng.bytes(length) for length in lengths]
    assert masked_crc32c(records) == [pywrap_tensorflow.masked_crc32c(record) for record in records]
    assert masked_crc32c([]) == []


class TestLongSweeps:
    def test_all_rows_are_read_in_seconds_despite_scalar_summaries(self, tmp_path):
        rows = 50_000
        writer = SweepWriter(tmp_path / "long", {"num_steps": rows})
        for step in range(rows):
            writer.add(step, 1 + step, step, 0.0)
        writer.close({"stop_reason": "completed"})
        began = time.perf_counter()
        (recorded,) = read_log_dir(str(tmp_path))
        took = time.perf_counter() - began
        np.testing.assert_array_equal(recorded.sweep.loss, np.arange(rows))
        began = time.perf_counter()
        as_tensorboard_reads(tmp_path)
        assert took < (time.perf_counter() - began) / 5

    def test_a_long_sweep_has_the_scalar_summaries_that_a_chart_needs(self, tmp_path):
        loss = np.ones(30_000)
        loss[[123, 20_000]] = 5, -5
        write_sweep(tmp_path, Sweep.from_losses(np.geomspace(1e-7, 1, 30_000), loss), {}, {})
        (recorded,) = read_log_dir(str(tmp_path))
        np.testing.assert_array_equal(recorded.sweep.loss, loss)
        multiplexer = EventMultiplexer(tensor_size_guidance={"scalars": 0})
        multiplexer.AddRunsFromDirectory(str(tmp_path))
        multiplexer.Reload()
        written = {event.step for event in multiplexer.Tensors(".", "lr_finder/loss")}
        assert 1000 < len(written) <= 10_000
        assert {0, 123, 20_000, 29_999} <= written
