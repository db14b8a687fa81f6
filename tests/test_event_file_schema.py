"""Files of earlier releases are read, and docs/event_files.md documents their content.

The files below tests/fixtures never change. A release with a new schema version adds its own.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_ndarray

from tb_lrfinder.analysis.curve import COLUMNS
from tb_lrfinder.analysis.stop_reasons import STOP_REASONS, TRIAL_STOP_REASONS
from tb_lrfinder.analysis.trial import TRIAL_COLUMNS
from tb_lrfinder.plugin import responses
from tb_lrfinder.plugin.request_params import SweepsParams
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.reader import read_log_dir
from tests.serving import tensorboard

FIXTURES = Path(__file__).resolve().parent / "fixtures"
RELEASES = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())
PAGE = (FIXTURES.parent.parent / "docs" / "event_files.md").read_text()


@pytest.mark.parametrize("release", RELEASES)
def test_files_of_a_release_are_read(release):
    expected = json.loads((FIXTURES / release / "expected.json").read_text())
    recorded = {one.run: one for one in read_log_dir(str(FIXTURES / release))}
    assert recorded.keys() == expected.keys()
    for run, wanted in expected.items():
        one = recorded[run]
        assert one.problem is None
        assert (one.kind, one.config, one.result) == (wanted["kind"], wanted["config"], wanted["result"])
        assert one.columns().keys() == wanted["columns"].keys()
        for name, values in wanted["columns"].items():
            if name != "loss_delta":  # release 0.1 computed it again in float64, see below
                np.testing.assert_array_equal(one.columns()[name], np.array(values, float), err_msg=name)


@pytest.mark.parametrize("run", ["finished", "killed"])
def test_every_column_is_served_as_it_was_stored(run):
    (file,) = (FIXTURES / "0.1" / run).glob("*.lr_finder")
    last = {}
    for event in EventFileLoader(str(file)).Load():
        for value in event.summary.value:
            last[value.tag] = make_ndarray(value.tensor)
    rows = np.concatenate([last[tag] for tag in sorted(last) if tag.startswith("lr_finder/rows/")])
    (one,) = read_log_dir(file.parent)
    stored = dict(zip(COLUMNS, rows.T, strict=True))
    for name, column in one.columns().items():
        np.testing.assert_array_equal(column, stored[name], err_msg=name)
    (served,) = responses.sweeps([one], SweepsParams([one.run]))["sweeps"]
    np.testing.assert_array_equal(served["columns"]["loss_delta"], stored["loss_delta"])


def test_files_of_the_first_release_cover_all_cases():
    recorded = {one.run: one for one in read_log_dir(str(FIXTURES / "0.1"))}
    assert {run: one.status() for run, one in recorded.items()} == {
        "finished": "finished",
        "killed": "interrupted",
        "trial": "finished",
    }
    assert recorded["finished"].steps > schema.ROWS_PER_CHUNK
    assert np.isfinite(recorded["finished"].sweep.validation_loss).any()
    assert np.isnan(recorded["trial"].trial.validation_loss[0])  # a column that came later


def test_tensorboard_serves_files_of_the_first_release():
    with tensorboard(FIXTURES / "0.1") as server:
        runs = {run["run"]: run for run in server.wait_for_runs(2, status="finished")}
        assert runs["finished"]["suggestion"]["learning_rate"] > 0
        (sweep,) = server.plugin("sweeps", run="finished").json()["sweeps"]
        assert len(sweep["columns"]["loss"]) == runs["finished"]["steps"]
        (trial,) = server.plugin("trials", run="trial").json()["trials"]
        assert trial["columns"]["mae"] == ["NaN", 0.5, 0.375]


def test_scalar_summaries_of_the_first_release_are_readable():
    accumulator = EventAccumulator(str(FIXTURES / "0.1" / "killed"))
    accumulator.Reload()
    assert accumulator.Tags()["scalars"] == [
        "lr_finder/learning_rate",
        "lr_finder/loss",
        "lr_finder/loss_delta",
    ]
    assert [scalar.value for scalar in accumulator.Scalars("lr_finder/loss")][:2] == [2.0, 1.9375]


def patched(directory, old, new):
    """A copy of a file of the first release with other bytes in it, as many as before."""
    assert len(old) == len(new), "lengths are part of the protocol buffers"
    source = next((FIXTURES / "0.1" / "finished").iterdir())
    data, position = source.read_bytes(), 0
    directory.mkdir()
    with (directory / source.name).open("wb") as stream:
        writer = RecordWriter(stream)
        while position < len(data):
            length = int.from_bytes(data[position : position + 8], "little")
            writer.write(data[position + 12 : position + 12 + length].replace(old, new))
            position += 16 + length
    return directory


def test_an_unknown_version_is_reported(tmp_path):
    patched(tmp_path / "later", b'"schema_version": 1', b'"schema_version": 7')
    (recorded,) = read_log_dir(str(tmp_path))
    assert recorded.status() == "failed"
    assert "it has schema version 7, but this version of tb_lrfinder supports version 1" in recorded.message
    assert "pip install --upgrade tb_lrfinder" in recorded.message


def test_unknown_keys_and_columns_are_ignored(tmp_path):
    shutil.copytree(FIXTURES / "0.1" / "finished", tmp_path / "known")
    patched(tmp_path / "unknown", b'"validation_loss"]', b'"gradient___norm"]')
    patched(tmp_path / "other", b'"parameters": ', b'"newer_info": ')
    recorded = {one.run: one for one in read_log_dir(str(tmp_path))}
    assert recorded["other"].problem is None
    assert "parameters" not in recorded["other"].config
    assert recorded["other"].config["newer_info"] == recorded["known"].config["parameters"]
    assert recorded["unknown"].problem is None
    np.testing.assert_array_equal(recorded["unknown"].sweep.loss, recorded["known"].sweep.loss)
    assert np.isnan(recorded["unknown"].sweep.validation_loss).all()


@pytest.mark.parametrize("kind", ["SweepConfig", "TrialConfig", "SweepResult", "TrialResult"])
def test_the_documentation_lists_every_key(kind):
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert set(getattr(schema, kind).__annotations__) <= named


def test_the_documentation_lists_every_tag_column_and_stop_reason():
    named = set(re.findall(r"`([\w/]+)`", PAGE))
    tags = {schema.SWEEP_TAG, schema.TRIAL_TAG, schema.RESULT_TAG, schema.rows_tag(0)}
    scalars = {*schema.SCALAR_TAGS.values(), *schema.TRIAL_SCALAR_TAGS.values()}
    assert tags | scalars | {*COLUMNS, *TRIAL_COLUMNS} <= named
    for reasons in (STOP_REASONS, TRIAL_STOP_REASONS):
        for reason, meaning in reasons.items():
            assert re.search(rf"\| `{reason}` \|.*{re.escape(meaning)}", PAGE), reason
