"""Responses are dicts with NumPy columns; JSON and CSV are made from them in one place each."""

from __future__ import annotations

import io
import json
from itertools import repeat

import numpy as np
import pytest

from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.analysis.trial import Trial
from tb_lrfinder.plugin import json_text, responses
from tb_lrfinder.plugin.csv_table import CsvTable
from tb_lrfinder.plugin.download import download
from tb_lrfinder.plugin.json_text import Json, RunEncoder, encode
from tb_lrfinder.plugin.request_params import BadParameterError, DownloadParams, SweepsParams, TrialsParams
from tb_lrfinder.storage.listing import RunList
from tb_lrfinder.storage.recorded import RecordedSweep, RecordedTrial

SWEEP = RecordedSweep(
    run="adam",
    config={"id": "a"},
    steps=3,
    sweep=Sweep.from_losses([1e-3, 1e-2, 1e-1], [2.0, 1.0, np.inf], [np.nan, 1.5, np.nan]),
)
TRIAL = RecordedTrial(
    run="trial",
    config={},
    steps=2,
    trial=Trial.from_columns({"loss": [0.5, np.nan], "accuracy": [0.5, 0.75]}),
)


def test_columns_are_arrays_until_they_are_encoded():
    response = responses.sweeps([SWEEP, TRIAL], SweepsParams(["adam", "trial"]))
    (sweep,) = response["sweeps"]
    assert sweep["columns"]["loss"] is SWEEP.sweep.loss
    assert response["errors"] == [{"run": "trial", "message": 'No sweep in the run "trial".'}]
    encoded = json.loads(encode({**response, "sweeps": [RunEncoder()(sweep)]}).text)
    assert encoded["sweeps"][0]["columns"]["loss"] == [2.0, 1.0, "Infinity"]
    (trial,) = responses.trials([SWEEP, TRIAL], TrialsParams(["trial"]))["trials"]
    assert trial["columns"]["validation_loss"] is None
    assert json.loads(RunEncoder()(trial).text)["final"]["loss"] == "NaN"


def test_encoded_and_other_values_are_joined_to_strict_json():
    response = {"runs": [Json('{"a": 1}'), Json("2")], "none": [], "notice": 'a "b"', "x": [float("nan")]}
    assert json.loads(encode(response).text) == {
        "runs": [{"a": 1}, 2],
        "none": [],
        "notice": 'a "b"',
        "x": ["NaN"],
    }
    assert encode({}).text == "{}"
    assert encode(responses.runs(RunList([]))).text == '{"runs": [], "notice": null}'


def test_an_error_while_encoding_one_run_is_that_runs_message():
    encoder = RunEncoder()

    def encode_or_raise(response):
        if response["run"] == "bad" and response["status"] != "failed":
            raise MemoryError
        return encoder(response)

    bad = RecordedSweep(run="bad", config={"id": "b"}, steps=3, sweep=SWEEP.sweep)
    response = responses.sweeps([bad, SWEEP], SweepsParams(["bad", "adam"]), encode_or_raise)
    first, second = json.loads(encode(response).text)["sweeps"]
    assert first["message"] == "The run cannot be read: MemoryError."
    assert second["steps"] == 3


def test_a_response_that_is_too_long_is_refused_before_the_next_run_is_read(monkeypatch):
    monkeypatch.setattr(json_text, "MAX_CHARACTERS", 5_000)
    encoder = RunEncoder()
    read = []

    def runs():
        for number in repeat(None, 1_000):
            read.append(number)
            yield SWEEP

    with pytest.raises(BadParameterError, match="would exceed 5,000 characters"):
        responses.sweeps(encoder.limit(runs()), SweepsParams(["adam"]), encoder)
    assert len(read) < 10


def test_downloads_are_the_recorded_columns():
    csv_file = download(TRIAL, DownloadParams("trial", "csv"))
    assert csv_file.text == "epoch,learning_rate,loss,accuracy\n0,nan,0.5,0.5\n1,nan,nan,0.75\n"
    json_file = download(TRIAL, DownloadParams("trial", "json"))
    assert json.loads(json_file.text)["columns"]["loss"] == [0.5, "NaN"]
    with pytest.raises(BadParameterError, match='No sweep or trial in the run "gone"'):
        download(None, DownloadParams("gone", "csv"))


def test_a_csv_table_of_several_runs():
    stream = io.StringIO()
    table = CsvTable(stream, ["step", "loss", "step", "run"], labels=["run"])
    table.add({"step": np.arange(2), "loss": np.array([0.1, -np.inf])}, ["=adam"])
    table.add({}, ["empty"])
    table.add({"run": np.array([7.0])}, ["b"])
    assert stream.getvalue() == "run,step,loss,metric_run\n'=adam,0,0.1,\n'=adam,1,-inf,\nb,,,7.0\n"
