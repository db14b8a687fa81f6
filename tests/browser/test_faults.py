"""The tab while things go wrong: a server that comes and goes, runs that are replaced, files of others."""

from __future__ import annotations

import json
import shutil
import socket

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util

from tb_lrfinder.analysis.curve import COLUMNS
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.writer import SweepWriter
from tests.serving import tensorboard

pytestmark = pytest.mark.xdist_group("browser")


def write(log_dir, steps, **config):
    writer = SweepWriter(log_dir, {"num_steps": steps, **config})
    for step in range(steps):
        writer.add(step, 1e-5 * 1.1**step, 2.3 - 0.01 * step, -0.01)
    writer.close({"stop_reason": "completed"})


def write_foreign(log_dir, **values):
    """Tags of our plugin's name that are not from us."""
    about = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name=schema.PLUGIN_NAME), data_class=DATA_CLASS_TENSOR
    )
    events = EventFileWriter(str(log_dir), filename_suffix=schema.EVENT_FILE_SUFFIX)
    for tag, value in values.items():
        tensor = tensor_util.make_tensor_proto(value)
        summary = Summary(value=[Summary.Value(tag=f"lr_finder/{tag}", tensor=tensor, metadata=about)])
        events.add_event(Event(wall_time=1.79e9, step=0, summary=summary))
    events.close()


def header(version):
    return np.array(json.dumps({"schema_version": version}).encode(), dtype=object)


def wait_for_steps(tab, steps):
    tab.frame.wait_for_function(
        "steps => document.querySelector('[data-testid=summary-card] tbody')?.textContent.includes(steps)",
        arg=str(steps),
        timeout=30_000,
    )


def test_a_server_that_goes_and_comes_back(open_tab, tmp_path):
    write(tmp_path / "sweep", 61)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with tensorboard(tmp_path, "--port", port) as server:
        server.wait_for_runs(1, status="finished")
        tab = open_tab(server)
        wait_for_steps(tab, 61)
    alert = tab.frame.get_by_role("alert")
    alert.get_by_text("TensorBoard could not be reached").wait_for(timeout=20_000)
    assert tab.by("loss-chart").is_visible()  # what was there stays
    write(tmp_path / "later", 47)
    with tensorboard(tmp_path, "--port", port) as server:
        server.wait_for_runs(2, status="finished")
        alert.wait_for(state="detached", timeout=20_000)
        wait_for_steps(tab, 47)


def test_a_run_that_is_deleted_and_replaced_while_the_tab_is_open(open_tab, tmp_path):
    write(tmp_path / "sweep", 61, id="a" * 16)
    with tensorboard(tmp_path) as server:
        server.wait_for_runs(1, status="finished")
        tab = open_tab(server)
        wait_for_steps(tab, 61)
        shutil.rmtree(tmp_path / "sweep")
        tab.page.wait_for_timeout(4_000)
        write(tmp_path / "sweep", 47, id="b" * 16)
        wait_for_steps(tab, 47)
        assert "61" not in tab.by("summary-card").inner_text()
        assert tab.console == []


def test_what_is_wrong_with_the_files_of_others_is_said(open_tab, tmp_path):
    write(tmp_path / "good", 61)
    rows = np.zeros((3, len(COLUMNS)), np.float32)
    write_foreign(tmp_path / "newer", sweep=header(99), **{"rows/00000": rows})
    write_foreign(tmp_path / "narrow", sweep=header(1), **{"rows/00000": rows[:, :2]})
    write_foreign(tmp_path / "whole_numbers", sweep=header(1), **{"rows/00000": rows.astype(np.int32)})
    write_foreign(tmp_path / "no_json", sweep=np.array(b"{", dtype=object))
    # A learning rate of 0 has no place on a log axis: the page once looked for its ticks for ever.
    write_foreign(tmp_path / "zeros", sweep=header(1), **{"rows/00000": rows})
    with tensorboard(tmp_path) as server:
        server.wait_for_runs(6)
        tab = open_tab(server, width=1900)
        wait_for_steps(tab, 61)
        said = tab.by("summary-card").inner_text()
        assert "schema version 99" in said
        assert said.count("cannot be read") >= 4
        tab.frame.get_by_role("button", name="newer").first.click()
        tab.by("answer-card").get_by_text("pip install --upgrade tb_lrfinder").wait_for()
        assert tab.console == []
