"""Malformed values in event files are reported, and hide no other runs."""

from __future__ import annotations

import json
import math
import os
import threading
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
from tensorboard.context import RequestContext
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util

from tb_lrfinder.analysis.curve import last_loss_delta, loss_delta
from tb_lrfinder.plugin import responses
from tb_lrfinder.plugin.request_params import SweepsParams
from tb_lrfinder.storage import listing, schema
from tb_lrfinder.storage.reader import read_log_dir
from tb_lrfinder.storage.run_files import RunFiles
from tb_lrfinder.storage.run_reader import RunReader
from tb_lrfinder.storage.writer import SweepWriter
from tests.serving import tensorboard

ROWS = np.array([[0, 1e-3, 2.0, 0.0, np.nan], [1, 2e-3, 1.5, -0.5, np.nan]], np.float32)


def write(log_dir, **tags):
    """An event file with these values under our plugin name, whatever they are."""
    events = EventFileWriter(str(log_dir))
    about = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name=schema.PLUGIN_NAME), data_class=DATA_CLASS_TENSOR
    )
    for tag, value in tags.items():
        tag = {"sweep": schema.SWEEP_TAG, "result": schema.RESULT_TAG, "rows": schema.rows_tag(0)}.get(
            tag, tag
        )
        if isinstance(value, dict | list | str):
            value = np.array((value if isinstance(value, str) else json.dumps(value)).encode(), dtype=object)
        tensor = tensor_util.make_tensor_proto(value)
        summary = Summary(value=[Summary.Value(tag=tag, tensor=tensor, metadata=about)])
        events.add_event(Event(wall_time=time.time(), step=1, summary=summary))
    events.close()


CONFIG = {"schema_version": 1, "id": "a"}
WRONG = {
    "newer_version": ({"sweep": {"schema_version": 2}}, "schema version 2"),
    "no_version": ({"sweep": {}}, "schema version None"),
    "no_json": ({"sweep": "{"}, "lr_finder/sweep' cannot be read"),
    "no_object": ({"sweep": [1]}, "is not a JSON object"),
    "deep_json": ({"sweep": "[" * 100_000}, "cannot be read"),
    "config_of_numbers": ({"sweep": np.zeros(3)}, "cannot be read"),
    "wrong_field": ({"sweep": {**CONFIG, "num_steps": "many"}}, "'num_steps' must be an integer, got str"),
    "wrong_result": (
        {"sweep": CONFIG, "result": {"schema_version": 1, "diagnosis": 5}},
        "'diagnosis' must be a list, got int",
    ),
    **{
        f"wrong_{name}": ({"sweep": CONFIG, "result": {"schema_version": 1, **result}}, said)
        for name, (result, said) in {
            "suggestion": (
                {"suggestion": {"learning_rate": "high"}},
                "'suggestion.learning_rate' must be a number, got str",
            ),
            "ranges": (
                {"suggestion": {"ranges": {"long_training": 0.1, "one_cycle_max": 1, "cyclical": 5}}},
                "'suggestion.ranges.cyclical' must be a list, got int",
            ),
            "long_training": (
                {"suggestion": {"ranges": {"cyclical": [0.1, 1], "long_training": None}}},
                "'suggestion.ranges.long_training' is missing",
            ),
            "suggestions": (
                {"suggestions": {"valley": 5}},
                "'suggestions.valley' must be an object, got int",
            ),
            "finding": ({"diagnosis": ["odd"]}, "'diagnosis[0]' must be an object, got str"),
            "words": (
                {"diagnosis": [{"code": "a", "severity": "mild", "message": {}}]},
                "'diagnosis[0].message' must be a string, got dict",
            ),
        }.items()
    },
    "flat_rows": ({"sweep": CONFIG, "rows": np.zeros(5, np.float32)}, "got float32 [5]"),
    "few_columns": ({"sweep": CONFIG, "rows": ROWS[:, :3]}, "got float32 [2, 3]"),
    "rows_of_text": ({"sweep": CONFIG, "rows": np.array([[b"a"] * 5], dtype=object)}, "got object"),
    "steps_not_numbers": ({"sweep": CONFIG, "rows": ROWS * np.nan}, "steps that are NaN or too large"),
    "no_config": ({"rows": ROWS}, "the tag 'lr_finder/sweep' with its configuration is missing"),
}


@pytest.mark.parametrize("name", WRONG)
def test_malformed_values_are_described_in_the_message(tmp_path, name):
    tags, sentence = WRONG[name]
    write(tmp_path, **tags)
    (recorded,) = read_log_dir(str(tmp_path))
    assert recorded.status() == "failed"
    assert sentence in recorded.message


def test_unknown_fields_and_columns_are_ignored(tmp_path):
    columns = ["step", "gradient_norm", "learning_rate", "loss", "loss_delta", "validation_loss"]
    write(
        tmp_path, sweep={**CONFIG, "columns": columns, "mood": "good"}, rows=np.insert(ROWS, 1, 9.0, axis=1)
    )
    (recorded,) = read_log_dir(str(tmp_path))
    assert recorded.status() == "running"
    np.testing.assert_array_equal(recorded.sweep.loss, [2.0, 1.5])


def test_the_stored_loss_delta_is_served_unless_another_window_is_requested(tmp_path):
    write(tmp_path, sweep={**CONFIG, "delta_window": 3}, rows=ROWS * np.float32([1, 1, 1, 0.3, 1]))
    (recorded,) = read_log_dir(tmp_path)
    stored = ROWS[:, 3] * np.float32(0.3)
    np.testing.assert_array_equal(recorded.sweep.loss_delta, stored)
    for window, expected in ((None, stored), (3, stored), (1, [0, -0.5])):
        params = SweepsParams([recorded.run], delta_window=window)
        (sweep,) = responses.sweeps([recorded], params)["sweeps"]
        np.testing.assert_array_equal(sweep["columns"]["loss_delta"], expected)


@pytest.mark.parametrize("window", [1, 7, 20, 299, 5_000])
def test_the_loss_delta_of_each_row_has_the_bits_of_the_whole_column(window):
    losses = np.random.default_rng(0).normal(size=300).tolist()
    losses[50], losses[70], losses[71] = math.nan, math.inf, math.inf
    one_by_one = [last_loss_delta(losses[: row + 1], window) for row in range(300)]
    np.testing.assert_array_equal(one_by_one, loss_delta(losses, window))


@pytest.mark.parametrize("columns", [["step", "learning_rate", "loss"], None])
def test_a_missing_loss_delta_is_computed(tmp_path, columns):
    rows = ROWS[:, :3] if columns else np.where([0, 0, 0, 1, 0], np.float32(np.nan), ROWS)
    write(tmp_path, sweep=CONFIG | ({"columns": columns} if columns else {}), rows=rows)
    (recorded,) = read_log_dir(tmp_path)
    np.testing.assert_array_equal(recorded.sweep.loss_delta, [0, -0.5])


@pytest.mark.parametrize("log_dir", [5, None, "", b"logs", "a\0b"])
def test_log_dir_must_be_a_path(log_dir):
    with pytest.raises((TypeError, ValueError), match=r"`log_dir` must be a path\. Received: log_dir="):
        read_log_dir(log_dir)


def test_progress_and_now_are_checked(tmp_path):
    with pytest.raises(TypeError, match=r"`progress` must be callable, or None\. Received: progress=5"):
        read_log_dir(tmp_path, progress=5)
    write(tmp_path, sweep=CONFIG, rows=ROWS)
    (recorded,) = read_log_dir(tmp_path, progress=lambda done, total: None)
    assert recorded.status(np.float32(0)) == "running"
    with pytest.raises(TypeError, match=r"`now` must be a finite number, or None\. Received: now='today'"):
        recorded.status("today")


def test_other_tags_of_the_plugin_are_not_a_run(tmp_path):
    write(tmp_path, **{"lr_finder/else": {"x": 1}})
    assert read_log_dir(str(tmp_path)) == []


@pytest.mark.parametrize("load_fast", ["true", "false"])
def test_malformed_runs_hide_no_other_run_and_break_no_route(tmp_path, load_fast):
    for name, (tags, _) in WRONG.items():
        write(tmp_path / name, **tags)
    good = SweepWriter(tmp_path / "good", {"id": "g"})
    good.add(0, 1e-3, 2.0, 0.0)
    good.close({"stop_reason": "completed"})
    with tensorboard(tmp_path, f"--load_fast={load_fast}") as server:
        server.wait_for_runs(1, run="good", status="finished")
        runs = server.wait_for_runs(len(WRONG) + 1)
        messages = dict.fromkeys(WRONG)
        for _ in range(100):  # a run is listed as soon as its first tag is loaded
            answer = server.plugin("sweeps", run=[run["run"] for run in runs])
            assert answer.status == 200
            messages = {sweep["run"]: sweep["message"] for sweep in answer.json()["sweeps"]}
            if all(messages[name] for name in WRONG):
                break
            time.sleep(0.2)
        assert messages["good"] is None
        assert all(sentence in messages[name] for name, (_, sentence) in WRONG.items())
        for run in runs:
            assert server.plugin("download", run=run["run"]).status == 200


def test_runs_are_in_natural_order(tmp_path):
    names = ["1e-05", "0.0001", "0.001", "0.01", "0.1", "1", "10", "run2", "run10", "v1.9", "v1.10"]
    for name in reversed(names):
        SweepWriter(tmp_path / "trials" / name, {}).close({"stop_reason": "completed"})
    assert [recorded.run for recorded in read_log_dir(tmp_path)] == [f"trials/{name}" for name in names]


def test_runs_are_listed_while_the_python_loader_adds_values(tmp_path, monkeypatch):
    """It knows of a tag before it knows its values; the moment between the two is made longer here."""
    for number in range(10):
        write(tmp_path / f"{number}", sweep=CONFIG, rows=ROWS)
    process = EventAccumulator._ProcessTensor

    def late(*arguments):
        time.sleep(0.005)
        process(*arguments)

    monkeypatch.setattr(EventAccumulator, "_ProcessTensor", late)
    monkeypatch.setattr(listing, "FAST_SECONDS", math.inf)  # nothing is cached, however busy the machine is
    multiplexer = EventMultiplexer(tensor_size_guidance={schema.PLUGIN_NAME: 1})
    reader = RunReader(MultiplexerDataProvider(multiplexer, str(tmp_path)))

    def load():
        multiplexer.AddRunsFromDirectory(str(tmp_path))
        multiplexer.Reload()

    loading = threading.Thread(target=load)
    loading.start()
    while loading.is_alive():
        listed = reader.list_runs(RequestContext(), "").runs
        reader.read_runs(RequestContext(), "", [one.run for one in listed])
    assert [one.steps for one in reader.list_runs(RequestContext(), "").runs] == [2] * 10


@pytest.mark.parametrize("load_fast", ["true", "false"])
def test_a_tag_without_a_value_hides_no_run(tmp_path, load_fast):
    """The slow loader fails for all runs when it is asked for it."""
    write(tmp_path / "good", sweep=CONFIG, rows=ROWS)
    about = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name=schema.PLUGIN_NAME), data_class=DATA_CLASS_TENSOR
    )
    events = EventFileWriter(str(tmp_path / "bad"))
    summary = Summary(value=[Summary.Value(tag=schema.SWEEP_TAG, metadata=about)])
    events.add_event(Event(wall_time=time.time(), step=1, summary=summary))
    events.close()
    with tensorboard(tmp_path, f"--load_fast={load_fast}") as server:
        assert "good" in [run["run"] for run in server.wait_for_runs(1, steps=2)]
        assert server.plugin("sweeps", run=["good", "bad"]).status == 200


def test_a_missing_directory_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"existing directory. Received: log_dir='.*typo'"):
        read_log_dir(tmp_path / "typo")
    assert read_log_dir(tmp_path) == []


def test_a_run_with_an_undecodable_name_is_read_before_any_list(tmp_path):
    write(tmp_path / "bytes", sweep=CONFIG, rows=ROWS)
    (tmp_path / "bytes").rename(tmp_path / os.fsdecode(b"bytes\xff"))
    files = RunFiles(str(tmp_path))
    for name in files.Runs():
        files.GetAccumulator(name).Reload()
    reader = RunReader(MultiplexerDataProvider(files, str(tmp_path)))
    assert list(reader.read_runs(RequestContext(), "", [r"bytes\udcff"])) == [r"bytes\udcff"]
