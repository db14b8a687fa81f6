"""What a trial says about itself, and its way from the writer through the disk to the page."""

from __future__ import annotations

import csv
import io
import math
import time

import numpy as np
import pytest

from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.analysis.trial import TRIAL_COLUMNS, Trial
from tb_lrfinder.keras.trials.trial_directory import hide_unfinished_trials
from tb_lrfinder.storage.reader import read_log_dir
from tb_lrfinder.storage.writer import SweepWriter, TrialWriter
from tests.serving import tensorboard


class TestNumbers:
    def test_a_loss_that_only_falls_descends_wholly(self):
        assert Trial.from_columns({"loss": [3.0, 2.0, 0.5]}).descent == 1

    def test_descent_is_the_share_of_the_total_variation_that_goes_down(self):
        # down 2, up 1, down 3: five of six
        assert Trial.from_columns({"loss": [5.0, 3.0, 4.0, 1.0]}).descent == pytest.approx(5 / 6)

    def test_descent_is_the_same_for_a_scaled_and_shifted_loss(self):
        loss = np.random.default_rng(0).normal(size=50)
        assert Trial.from_columns({"loss": loss}).descent == pytest.approx(
            Trial.from_columns({"loss": 7 * loss - 100}).descent
        )

    @pytest.mark.parametrize("loss", [[], [1.0], [1.0, 1.0], [math.nan, 1.0], [math.nan, math.inf]])
    def test_there_is_no_descent_without_two_different_losses(self, loss):
        assert Trial.from_columns({"loss": loss}).descent is None

    def test_descent_leaves_out_what_is_not_finite(self):
        assert Trial.from_columns({"loss": [3.0, 2.0, math.nan, math.inf]}).descent == 1

    def test_gap_is_the_final_validation_loss_less_the_final_loss(self):
        trial = Trial.from_columns({"loss": [9.0, 0.5], "validation_loss": [1.0, 0.75]})
        assert trial.gap == trial.final["gap"] == 0.25

    def test_there_is_no_gap_without_a_final_validation_loss(self):
        assert Trial.from_columns({"loss": [1.0, 0.5]}).gap is None
        assert Trial.from_columns({"loss": [1.0, 0.5], "validation_loss": [1.0, math.nan]}).gap is None

    @pytest.mark.parametrize(
        ("loss", "diverged"),
        [
            ([], False),
            ([2.0, 1.0], False),
            ([2.0, 2.1], False),  # the jitter of a learning rate that is too small
            ([2.0, 2.3], True),
            ([-2.0, -2.1], False),
            ([-2.0, -1.7], True),
            ([2.0, math.nan, 1.0], True),
            ([2.0, math.inf], True),
            ([1e6, 2.3], False),
        ],
    )
    def test_diverged(self, loss, diverged):
        assert Trial.from_columns({"loss": loss}).diverged is diverged

    @pytest.mark.parametrize(("initial_loss", "diverged"), [(2.3, True), (30.0, False), (None, False)])
    def test_diverged_within_the_first_epoch(self, initial_loss, diverged):
        trial = Trial.from_columns({"loss": [2785.0, 40.0, 47.0]}, initial_loss=initial_loss)
        assert trial.diverged is diverged

    def test_final_holds_the_last_epoch_and_hides_no_value_of_its_own(self):
        trial = Trial.from_columns({"loss": [2.0, 1.0], "accuracy": [0.5, 0.75], "gap": [9.0, 9.0]})
        assert trial.final == {
            "loss": 1.0,
            "validation_loss": None,
            "gap": None,
            "descent": 1.0,
            "accuracy": 0.75,
        }

    def test_columns_must_fit_together(self):
        with pytest.raises(
            ValueError, match=r"`columns\['accuracy'\]` must have 2 values, one for each epoch"
        ):
            Trial.from_columns({"loss": [2.0, 1.0], "accuracy": [0.5]})


def record(log_dir, epochs=3, stop_reason="completed", validation=True, **config):
    writer = TrialWriter(log_dir, {"id": log_dir.name, "learning_rate": 0.01, "epochs": 3, **config})
    for epoch in range(epochs):
        values = {"validation_loss": 2.5 - epoch, "accuracy": epoch / 4} if validation else {}
        writer.add(epoch, 0.01, 2.0 - epoch / 2, values)
    writer.close({"stop_reason": stop_reason, "epochs": epochs})


def read_one(log_dir):
    (recorded,) = read_log_dir(str(log_dir))
    return recorded


class TestOnDisk:
    def test_all_epochs_are_read_with_their_columns(self, tmp_path):
        record(tmp_path, epochs=3)
        recorded = read_one(tmp_path)
        assert (recorded.kind, recorded.steps, recorded.planned_steps) == ("trial", 3, 3)
        assert list(recorded.columns()) == [
            "epoch",
            "learning_rate",
            "loss",
            "validation_loss",
            "accuracy",
        ]
        np.testing.assert_array_equal(recorded.trial.loss, [2.0, 1.5, 1.0])
        np.testing.assert_array_equal(recorded.trial.metrics["accuracy"], [0, 0.25, 0.5])

    @pytest.mark.parametrize("late", [1, 255, 256, 300, 600])
    def test_a_column_that_comes_late_is_nan_before(self, tmp_path, late):
        writer = TrialWriter(tmp_path, {"id": "a"})
        for epoch in range(700):
            writer.add(epoch, 0.01, 2.0, {"validation_loss": float(epoch)} if epoch >= late else {})
            if epoch % 100 == 0:
                writer.flush()
        writer.close({"stop_reason": "completed"})
        trial = read_one(tmp_path).trial
        np.testing.assert_array_equal(trial.epoch, np.arange(700))
        assert np.isnan(trial.validation_loss[:late]).all()
        np.testing.assert_array_equal(trial.validation_loss[late:], np.arange(late, 700))

    def test_a_trial_before_its_first_epoch(self, tmp_path):
        record(tmp_path, epochs=0)
        assert (read_one(tmp_path).steps, len(read_one(tmp_path).trial)) == (0, 0)

    def test_epochs_are_counted_and_not_taken_from_their_numbers(self, tmp_path):
        writer = TrialWriter(tmp_path, {"id": "a", "epochs": 2})
        for epoch in (10, 11):  # a fit with initial_epoch=10
            writer.add(epoch, 0.01, 2.0, {})
        writer.close({"stop_reason": "completed"})
        assert read_one(tmp_path).steps == 2

    @pytest.mark.parametrize(
        ("columns", "sentence"),
        [
            (["loss", "epoch", "learning_rate"], "expected the first column to be 'epoch', got 'loss'"),
            (["epoch", "loss", "loss"], "'columns' must be unique"),
            (["epoch", "loss", ["loss"]], "'columns[2]' must be a string, got list"),
            (["epoch", "loss"], "got float32 [3, 3]"),
        ],
    )
    def test_malformed_columns_are_reported(self, tmp_path, columns, sentence, monkeypatch):
        monkeypatch.setattr(TrialWriter, "_add_header", _header_with(columns))
        record(tmp_path, validation=False)
        recorded = read_one(tmp_path)
        assert recorded.status() == "failed"
        assert sentence in recorded.message

    def test_scalar_summaries_contain_losses_but_no_metrics(self, tmp_path):
        from tests.keras.event_file import latest_values

        writer = TrialWriter(tmp_path, {"id": "a"})
        writer.add(0, 0.01, 2.0, {"validation_loss": 3.0, "trial": 1.0, "result": 1.0})
        writer.close({"stop_reason": "completed"})
        found = latest_values(tmp_path)
        assert found["lr_finder/loss"] == [2.0]
        assert found["lr_finder/validation_loss"] == [3.0]
        assert read_one(tmp_path).status() == "finished"


def _header_with(columns):
    def add_header(self, _):
        self._add_json(self._header_tag, self._config | {"columns": columns}, step=0)

    return add_header


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("logs")
    record(path / "trials" / "0.01", optimizer="Adam", schedule=None)
    record(path / "trials" / "1", epochs=2, stop_reason="diverged", validation=False)
    record(path / "trials" / "none", epochs=0, stop_reason="failed")
    writer = TrialWriter(path / "nan", {"id": "nan", "epochs": 2})
    writer.add(0, 0.5, math.nan, {"validation_loss": math.inf})
    writer.close({"stop_reason": "diverged"})
    sweep = SweepWriter(path / "sweep", {"id": "s"})
    for row in zip(*Sweep.from_losses([1e-3, 1e-2], [2.0, 1.0]).columns().values(), strict=True):
        sweep.add(int(row[0]), *row[1:])
    sweep.close({"stop_reason": "completed"})
    return path


@pytest.fixture(scope="module", params=["true", "false"])
def server(request, log_dir):
    with tensorboard(log_dir, f"--load_fast={request.param}") as server:
        server.wait_for_runs(4, status="finished")
        server.wait_for_runs(5)
        yield server


@pytest.mark.parametrize("load_fast", ["true", "false"])
def test_a_trial_in_the_place_of_one_that_failed_is_shown_alone(tmp_path, load_fast):
    """In a TensorBoard that has read the one before."""
    config = {"id": "old", "fingerprint": "same", "start_time": time.time(), "epochs": 3}
    directory = str(tmp_path / "0.1")
    old = TrialWriter(directory, config)
    for epoch in range(2):
        old.add(epoch, 0.1, 2.0, {"accuracy": 0.5})
    old.close({"stop_reason": "failed", "message": "old"})
    with tensorboard(tmp_path, f"--load_fast={load_fast}") as server:
        server.wait_for_runs(1, id="old", status="failed", steps=2)
        hide_unfinished_trials(directory, "same")
        new = TrialWriter(directory, config | {"id": "new", "start_time": time.time()})
        server.wait_for_runs(1, id="new", status="running", steps=0)
        (trial,) = server.plugin("trials", run="0.1").json()["trials"]
        assert (trial["message"], trial["columns"]["loss"]) == (None, [])
        new.add(0, 0.1, 1.0, {})
        new.close({"stop_reason": "completed"})
        server.wait_for_runs(1, id="new", status="finished")
        (trial,) = server.plugin("trials", run="0.1").json()["trials"]
        assert trial["columns"]["loss"] == [1.0]


class TestOverHttp:
    def test_trials_returns_epochs_and_final_values_of_each_run(self, server):
        answer = server.plugin("trials", run=["trials/1", "trials/0.01", "gone", "sweep"]).json()
        assert [trial["run"] for trial in answer["trials"]] == ["trials/1", "trials/0.01"]
        assert answer["errors"] == [
            {"run": "gone", "message": 'No trial in the run "gone".'},
            {"run": "sweep", "message": 'No trial in the run "sweep".'},
        ]
        diverged, trial = answer["trials"]
        assert (diverged["diverged"], trial["diverged"]) == (True, False)
        assert diverged["columns"]["validation_loss"] is None
        assert diverged["final"] == {"loss": 1.5, "validation_loss": None, "gap": None, "descent": 1.0}
        assert trial["columns"] == {
            "epoch": [0, 1, 2],
            "learning_rate": [float(np.float32(0.01))] * 3,
            "loss": [2.0, 1.5, 1.0],
            "validation_loss": [2.5, 1.5, 0.5],
            "accuracy": [0.0, 0.25, 0.5],
        }
        assert trial["final"] == {
            "loss": 1.0,
            "validation_loss": 0.5,
            "gap": -0.5,
            "descent": 1.0,
            "accuracy": 0.5,
        }
        assert trial["learning_rate"] == 0.01
        assert (trial["epochs"], trial["planned_epochs"], trial["stop_reason"]) == (3, 3, "completed")
        assert trial["config"]["optimizer"] == "Adam"

    def test_values_that_are_not_finite_are_strings(self, server):
        (trial,) = server.plugin("trials", run="nan").json()["trials"]
        assert trial["columns"]["loss"] == ["NaN"]
        assert trial["final"]["validation_loss"] == "Infinity"
        assert trial["final"]["gap"] is None
        assert trial["diverged"]

    def test_a_trial_before_its_first_epoch(self, server):
        (trial,) = server.plugin("trials", run="trials/none").json()["trials"]
        assert trial["status"] == "failed"
        assert trial["columns"]["loss"] == []
        assert set(trial["final"].values()) == {None}

    def test_runs_lists_trials_beside_sweeps_with_the_same_version(self, server):
        runs = {run["run"]: run for run in server.plugin("runs").json()["runs"]}
        assert {run["kind"] for run in runs.values()} == {"sweep", "trial"}
        trial = runs["trials/0.01"]
        assert (trial["steps"], trial["planned_steps"], trial["learning_rate"]) == (3, 3, 0.01)
        assert trial["suggestion"] is None
        assert runs["sweep"]["learning_rate"] is None
        (answered,) = server.plugin("trials", run="trials/0.01").json()["trials"]
        assert answered["version"] == trial["version"]

    def test_a_trial_is_not_a_sweep(self, server):
        answer = server.plugin("sweeps", run=["sweep", "trials/1"]).json()
        assert [sweep["run"] for sweep in answer["sweeps"]] == ["sweep"]
        assert [error["run"] for error in answer["errors"]] == ["trials/1"]
        assert server.plugin("sweeps", run="trials/1").status == 400

    @pytest.mark.parametrize(
        ("parameters", "sentence"),
        [
            ({}, "`run` is required: pass at least one run, as in trials?run=NAME"),
            ({"run": "gone"}, 'No trial in the run "gone"'),
            ({"run": "sweep"}, 'No trial in the run "sweep"'),
            ({"run": [f"r{i}" for i in range(5001)]}, "at most 5000 times"),
        ],
    )
    def test_an_invalid_parameter_returns_a_400_with_a_message(self, server, parameters, sentence):
        answer = server.plugin("trials", **parameters)
        assert answer.status == 400
        assert sentence in answer.text

    def test_an_unchanged_response_is_an_empty_304(self, server):
        path = "data/plugin/lr_finder/trials?run=nan"
        again = server.get(path, headers={"If-None-Match": server.get(path).headers["ETag"]})
        assert (again.status, again.body) == (304, b"")

    def test_a_download_has_every_epoch(self, server):
        answer = server.plugin("download", run="trials/0.01", format="csv")
        header, *rows = csv.reader(io.StringIO(answer.text))
        assert header == [*TRIAL_COLUMNS, "validation_loss", "accuracy"]
        assert [[float(cell) for cell in row] for row in rows][2] == [2, float(np.float32(0.01)), 1, 0.5, 0.5]
        body = server.plugin("download", run="trials/0.01", format="json").json()
        assert body["columns"]["accuracy"] == [0.0, 0.25, 0.5]
        assert body["result"]["stop_reason"] == "completed"
