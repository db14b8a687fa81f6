"""A malformed run hides no other run, and breaks no route, no command and no `run_trials`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins.base_plugin import TBContext
from werkzeug.test import Client

from tb_lrfinder.keras.trials.trial_directory import finished_trial
from tb_lrfinder.plugin import LRFinderPlugin
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.reader import read_log_dir
from tests import odd_runs
from tests.command_line import command
from tests.serving import tensorboard


def ask_in_process(log_dir):
    """The routes without a server around them, but with TensorBoard's own loader and data provider."""
    multiplexer = EventMultiplexer(tensor_size_guidance={schema.PLUGIN_NAME: 1})
    multiplexer.AddRunsFromDirectory(str(log_dir))
    multiplexer.Reload()
    apps = LRFinderPlugin(
        TBContext(data_provider=MultiplexerDataProvider(multiplexer, str(log_dir)))
    ).get_plugin_apps()

    def ask(route, parameters):
        answer = Client(apps[f"/{route}"]).get(f"/{route}", query_string=parameters)
        return answer.status_code, answer.data

    return ask


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("odd")
    odd_runs.write_good(log_dir / "good")
    for name, values in odd_runs.NAMED.items():
        odd_runs.write(log_dir / name, values)
    odd_runs.write(
        log_dir / "nan_wall_times",
        [("sweep", odd_runs.CONFIG, float("nan"), 0), ("rows/00000", odd_runs.ROWS, float("nan"), 1)],
    )
    return log_dir


NAMES = [*odd_runs.NAMED, "nan_wall_times"]


def test_malformed_runs_are_listed_and_served_in_process(named):
    messages = odd_runs.check_routes(ask_in_process(named), NAMES)
    assert sorted(messages) == sorted([*NAMES, "good"])


@pytest.mark.parametrize("load_fast", ["true", "false"])
def test_malformed_runs_are_listed_and_served(named, load_fast):
    with tensorboard(named, f"--load_fast={load_fast}") as server:
        # The fast loader passes over events whose wall time is no number, so that run is not there.
        server.wait_for_runs(len(NAMES) + (load_fast == "false"))
        server.wait_for_runs(1, run="good", status="finished")

        def ask(route, parameters):
            answer = server.plugin(route, **parameters)
            return answer.status, answer.body

        odd_runs.check_routes(ask, NAMES)
        assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("start_is_nan", "'start_time' must be a number, got NaN"),
        ("start_is_1e999", "'start_time' must be a number, got Infinity"),
        ("start_of_400_digits", "'start_time' must be a number, got Infinity"),
        ("delta_window_is_true", "'delta_window' must be an integer, got bool"),
        ("nested_500", "nested more than 100 levels deep"),
        ("nested_980", "nested more than 100 levels deep"),
        ("nested_in_a_result", "nested more than 100 levels deep"),
        ("many_columns", "20000 columns"),
        ("many_values", "more than 50000 values"),
        ("step_of_1e300", "steps that are NaN or too large"),
    ],
)
def test_the_message_describes_the_problem(named, name, sentence):
    (one,) = (one for one in read_log_dir(str(named / name)))
    assert one.status() == "failed"
    assert sentence in one.message


@pytest.mark.parametrize(
    "name", ["later_than_its_events", "initial_loss_is_huge", "lone_surrogate", "delta_window_is_huge"]
)
def test_unusual_values_keep_their_rows(named, name):
    (one,) = read_log_dir(str(named / name))
    assert one.message is None
    assert one.steps == 2


def test_commands_report_and_export_the_valid_run(named, tmp_path):
    said = odd_runs.strict(command("report", named, "--json").stdout)
    assert {one["run"] for one in said["sweeps"] + said["trials"]} == {*NAMES, "good"}
    text = command("report", named).stdout
    assert [name for name in NAMES if name not in text] == []
    for form in ("csv", "json"):
        output = tmp_path / f"all.{form}"
        command("export", named, "-o", output)
        assert "good" in output.read_text()
    odd_runs.strict((tmp_path / "all.json").read_text())


def test_run_trials_finds_its_trial_among_malformed_runs(named, tmp_path):
    for number, values in enumerate(odd_runs.NAMED.values(), 2):
        odd_runs.write(tmp_path / str(number), values)
    odd_runs.write(
        tmp_path / "1",
        [
            ("trial", odd_runs.TRIAL | {"fingerprint": "mine", "epochs": 2}),
            ("rows/00000", odd_runs.EPOCHS),
            ("result", {"schema_version": 1, "stop_reason": "completed", "epochs": 2}),
        ],
    )
    assert finished_trial(str(tmp_path), "mine").steps == 2
    assert finished_trial(str(tmp_path), "another") is None


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(odd_runs.RUN)
def test_no_run_takes_a_route_down(values):
    with tempfile.TemporaryDirectory() as log_dir:
        odd_runs.write_good(Path(log_dir, "good"))
        odd_runs.write(Path(log_dir, "odd"), values)
        odd_runs.check_routes(ask_in_process(log_dir), ["odd"])
        for one in read_log_dir(log_dir):
            json.dumps([one.config, one.result], allow_nan=False)
