"""The HTTP routes, in a real TensorBoard with both of its loaders."""

from __future__ import annotations

import base64
import csv
import http.client
import io
import math
import subprocess
import sys
import time
from urllib.parse import urlsplit

import numpy as np
import pytest

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.curve import COLUMNS, Sweep
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.writer import SweepWriter
from tests.serving import tensorboard

STEPS = 5000
HOSTILE = '<img src=x onerror=alert(1)> "q" ü'


def curve(steps, seed=0):
    """A noisy sweep that is flat, descends and diverges."""
    learning_rate = np.geomspace(1e-7, 10, steps).astype(np.float32).astype(float)
    x = np.log10(learning_rate)
    loss = (
        2.3
        - 1.5 / (1 + np.exp(-3 * (x + 3)))
        + 10 ** (2 * x)
        + np.random.default_rng(seed).normal(0, 0.01, steps)
    )
    return Sweep.from_losses(learning_rate, loss.astype(np.float32).astype(float))


def record(log_dir, sweep, stop_reason="completed", **config):
    writer = SweepWriter(log_dir, {"id": log_dir.name, "num_steps": len(sweep), **config})
    for row in zip(*sweep.columns().values(), strict=True):
        writer.add(int(row[0]), *row[1:])
    if stop_reason is None:
        writer.flush()  # and never closed: the process is gone
        writer.close = None
    else:
        writer.close(
            {"stop_reason": stop_reason, "steps": len(sweep)}
            | analyze(sweep, stop_reason=stop_reason).to_json()
        )


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    path = tmp_path_factory.mktemp("logs")
    record(
        path / "adam2",
        curve(STEPS),
        optimizer="Adam",
        optimizer_settings={"beta_1": 0.9},
        model="convnet",
    )
    record(path / "adam10", curve(80, seed=1), stop_reason="diverged")
    record(path / "deep" / "failed", curve(20), stop_reason="failed")
    record(path / HOSTILE, curve(100))
    return path


@pytest.fixture(scope="module", params=["fast", "slow"])
def server(request, log_dir):
    """A TensorBoard with the Rust data server, and one with the Python loader."""
    with tensorboard(log_dir, f"--load_fast={'true' if request.param == 'fast' else 'false'}") as server:
        server.wait_for_runs(3, status="finished")
        server.wait_for_runs(1, status="failed")
        yield server


def test_the_tab_is_listed_with_its_page(server):
    listing = server.get("data/plugins_listing").json()["lr_finder"]
    assert listing["tab_name"] == "LR Finder"
    assert listing["enabled"]
    assert listing["loading_mechanism"]["module_path"].endswith("data/plugin/lr_finder/static/index.js")


def test_runs_are_listed_in_natural_order(server):
    runs = server.wait_for_runs(3, status="finished")
    assert [run["run"] for run in runs] == [HOSTILE, "adam2", "adam10", "deep/failed"]
    adam = runs[1]
    assert adam["kind"] == "sweep"
    assert adam["status"] == "finished"
    assert adam["steps"] == adam["planned_steps"] == STEPS
    assert (adam["optimizer"], adam["model"]) == ("Adam", "convnet")
    assert (
        adam["suggestion"]["learning_rate"]
        == analyze(curve(STEPS), stop_reason="completed").suggestion.learning_rate
    )
    assert runs[3]["status"] == "failed"


@pytest.mark.parametrize("file_format", ["csv", "json"])
def test_a_download_has_all_rows_bit_for_bit(server, file_format):
    server.wait_for_runs(1, steps=STEPS)
    answer = server.plugin("download", run="adam2", format=file_format)
    assert f'filename="adam2.{file_format}"' in answer.headers["Content-Disposition"]
    if file_format == "csv":
        header, *rows = csv.reader(io.StringIO(answer.text))
        columns = dict(
            zip(header, zip(*([float(cell) for cell in row] for row in rows), strict=True), strict=True)
        )
    else:
        columns = {
            name: [float(value) for value in values] for name, values in answer.json()["columns"].items()
        }
    expected = curve(STEPS).columns()
    assert list(columns) == list(expected) == list(COLUMNS)
    for name, values in expected.items():
        np.testing.assert_array_equal(columns[name], values.astype(np.float32))  # as the file has it


def test_sweeps_returns_columns_suggestion_and_stop_reason_of_each_run(server):
    answer = server.plugin("sweeps", run=["adam10", HOSTILE, "gone"]).json()
    assert [sweep["run"] for sweep in answer["sweeps"]] == ["adam10", HOSTILE]
    assert [error["run"] for error in answer["errors"]] == ["gone"]
    adam = answer["sweeps"][0]
    expected = curve(80, seed=1)
    analysis = analyze(expected, stop_reason="diverged")
    assert adam["stop_reason"] == "diverged"
    assert adam["suggestion"] == analysis.suggestion.to_json()
    assert set(adam["suggestions"]) == set(analysis.suggestions)
    np.testing.assert_array_equal(adam["columns"]["loss"], expected.loss)
    np.testing.assert_array_equal(adam["columns"]["smoothed_loss"], analysis.smoothed_loss)
    assert adam["columns"]["validation_loss"] is None


def test_base64_columns_are_the_same_numbers_in_float32(server):
    plain, packed = (
        server.plugin("sweeps", run="adam10", encoding=encoding).json()["sweeps"][0]["columns"]
        for encoding in ("json", "base64")
    )
    for name in ("learning_rate", "loss", "smoothed_loss", "loss_delta", "slope"):
        unpacked = np.frombuffer(base64.b64decode(packed[name]), "<f4")
        np.testing.assert_array_equal(unpacked, np.array(plain[name], np.float32))


def test_only_requested_columns_are_returned(server):
    whole, part = (
        server.plugin("sweeps", run="adam2", encoding="base64", **parameters).json()["sweeps"][0]
        for parameters in ({}, {"columns": "step,smoothed_loss"})
    )
    assert part["columns"] == {"step": None, "smoothed_loss": whole["columns"]["smoothed_loss"]}
    none = server.plugin("sweeps", run="adam2", columns="").json()["sweeps"][0]
    assert none["columns"] == {}
    assert {**part, "columns": None} == {**whole, "columns": None} == {**none, "columns": None}


def test_a_downsampled_sweep_keeps_extremes_and_marked_rows(server):
    sweep = server.plugin("sweeps", run="adam2", buckets=100).json()["sweeps"][0]
    columns, whole = sweep["columns"], curve(STEPS)
    rows = np.array(columns["step"])
    assert sweep["steps"] == STEPS
    assert len(rows) < STEPS / 3
    np.testing.assert_array_equal(columns["loss"], whole.loss[rows])
    assert (min(columns["loss"]), max(columns["loss"])) == (whole.loss.min(), whole.loss.max())
    assert sweep["minimum_learning_rate"] in columns["learning_rate"]
    suggested = np.searchsorted(whole.learning_rate, sweep["suggestion"]["learning_rate"])
    assert {suggested - 1, suggested} <= set(rows)
    short = server.plugin("sweeps", run="adam10", buckets=100).json()["sweeps"][0]["columns"]
    assert len(short["loss"]) == 80


def test_settings_are_applied_and_returned(server):
    asked = {"smoothing": 0.5, "delta_window": 7, "skip_start": 3, "skip_end": 2}
    sweep = server.plugin("sweeps", run="adam10", **asked).json()["sweeps"][0]
    analysis = analyze(curve(80, seed=1), stop_reason="diverged", planned_steps=80, **asked)
    assert sweep["settings"] == asked
    assert sweep["suggestion"] == analysis.suggestion.to_json()
    np.testing.assert_array_equal(sweep["columns"]["smoothed_loss"], analysis.smoothed_loss)
    np.testing.assert_array_equal(
        sweep["columns"]["loss_delta"], curve(80, seed=1).with_delta_window(7).loss_delta
    )


@pytest.mark.parametrize(
    ("route", "parameters", "sentence"),
    [
        ("sweeps", {}, "`run` is required"),
        ("sweeps", {"run": "gone"}, 'No sweep in the run "gone"'),
        ("sweeps", {"run": ["a"] * 3 + [f"r{i}" for i in range(5001)]}, "at most 5000 times"),
        (
            "sweeps",
            {"run": "adam2", "smoothing": "much"},
            "must be a finite number of decades, at least 0 and at most 2. Received: smoothing='much'",
        ),
        ("sweeps", {"run": "adam2", "smoothing": "nan"}, "`smoothing` must be"),
        ("sweeps", {"run": "adam2", "smoothing": ["1", "2"]}, "`smoothing` must be given at most once"),
        (
            "sweeps",
            {"run": "adam2", "delta_window": "0"},
            "`delta_window` must be an integer of at least 1",
        ),
        ("sweeps", {"run": "adam2", "delta_window": "2.5"}, "`delta_window` must be"),
        ("sweeps", {"run": "adam2", "skip_start": "-1"}, "`skip_start` must be"),
        ("sweeps", {"run": "adam2", "encoding": "xml"}, "`encoding` must be json or base64"),
        ("sweeps", {"run": "adam2", "columns": "loss,rate"}, 'Received: "rate"'),
        (
            "sweeps",
            {"run": "adam2", "buckets": "0"},
            "`buckets` must be an integer of at least 1 and at most 100000",
        ),
        ("download", {}, "`run` must be given exactly once"),
        ("download", {"run": ["a", "b"]}, "`run` must be given exactly once"),
        ("download", {"run": "gone"}, 'No sweep or trial in the run "gone"'),
        ("download", {"run": "adam2", "format": "<b>"}, "`format` must be csv or json"),
    ],
)
def test_an_invalid_parameter_returns_a_400_with_a_message(server, route, parameters, sentence):
    answer = server.plugin(route, **parameters)
    assert answer.status == 400
    assert sentence in answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("accepted", "encoding"), [("gzip", "gzip"), ("gzip;q=0", None), ("*", "gzip"), ("br", None)]
)
def test_compression_follows_the_client(server, accepted, encoding):
    path = "data/plugin/lr_finder/sweeps?run=adam2"
    assert server.get(path, headers={"Accept-Encoding": accepted}).headers.get("Content-Encoding") == encoding


def test_the_list_has_what_a_configuration_consists_of(server):
    runs = {run["run"]: run for run in server.wait_for_runs(4)}
    fields = ("optimizer", "optimizer_settings", "model", "batch_size")
    assert [runs["adam2"][field] for field in fields] == ["Adam", {"beta_1": 0.9}, "convnet", None]
    assert runs["adam10"]["optimizer_settings"] is None


def test_an_unchanged_response_is_an_empty_304(server):
    server.wait_for_runs(4)
    first = server.plugin("runs")
    again = server.get("data/plugin/lr_finder/runs", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    # TensorBoard wants these of every answer: today it warns, from 3.0 on it refuses.
    assert again.headers["Content-Type"] == "application/json"
    assert again.headers["X-Content-Type-Options"] == "nosniff"
    assert "this warning will become an error" not in server.log.read_text()
    other = server.get("data/plugin/lr_finder/runs", headers={"If-None-Match": 'W/"other"'})
    assert other.status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods_are_not_allowed(server, method):
    answer = server.get("data/plugin/lr_finder/runs", method=method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path",
    [
        "../plugin.py",
        "%2e%2e/plugin.py",
        "..%2fplugin.py",
        "..%252fplugin.py",
        "/etc/passwd",
        "%00",
        "index.js/../../plugin.py",
    ],
)
def test_only_files_of_the_page_are_served(server, path):
    # http.client sends the path as it stands, where other clients would tidy it.
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    connection.request("GET", f"/data/plugin/lr_finder/static/{path}")
    answer = connection.getresponse()
    assert answer.status == 404
    assert b"LRFinderPlugin" not in answer.read()


def test_the_page_is_served_as_javascript(server):
    answer = server.plugin("static/index.js")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/javascript")


def test_rules_are_described_starting_with_the_default(server):
    answer = server.plugin("rules").json()
    assert answer["default"] == answer["rules"][0]["name"]
    assert all(rule["description"] and rule["source"] for rule in answer["rules"])


def test_a_live_sweep_grows_until_it_is_finished(tmp_path):
    writer = SweepWriter(tmp_path / "live", {"id": "1", "num_steps": 40})
    with tensorboard(tmp_path) as server:
        server.wait_for_runs(1, status="running", steps=0)
        for row in zip(*curve(40).columns().values(), strict=True):
            writer.add(int(row[0]), *row[1:])
        before = server.wait_for_runs(1, status="running", steps=40)[0]["version"]
        assert server.plugin("sweeps", run="live").json()["sweeps"][0]["stop_reason"] is None
        writer.close({"stop_reason": "completed"})
        assert server.wait_for_runs(1, status="finished")[0]["version"] != before


def test_a_sweep_without_a_heartbeat_is_interrupted(tmp_path, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 61)
    writer = SweepWriter(tmp_path / "killed", {"id": "1"})
    writer.add(0, 1e-7, 2.0, 0.0)
    writer.flush()
    monkeypatch.undo()
    monkeypatch.setattr(schema, "HEARTBEAT_SECONDS", math.inf)  # the writer's thread is still alive
    with tensorboard(tmp_path) as server:
        server.wait_for_runs(1, status="interrupted", steps=1)
    writer.close({})


def test_under_a_path_prefix(log_dir):
    with tensorboard(log_dir, "--path_prefix", "/deep/board") as server:
        assert server.url.endswith("/deep/board/")
        server.wait_for_runs(4)
        assert server.plugin("static/index.js").status == 200


def test_the_plugin_imports_neither_keras_nor_tensorflow():
    code = "import sys, tb_lrfinder.plugin\n"
    code += "print({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules))"
    process = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert process.stdout.strip() == "set()"
