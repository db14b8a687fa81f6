"""Large reads are split into parts, and errors are isolated."""

from __future__ import annotations

import numpy as np
import pytest
from tensorboard import errors
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext

from tb_lrfinder.storage import schema, tensor_source
from tb_lrfinder.storage.run_reader import RunReader
from tb_lrfinder.storage.tensor_source import TensorSource
from tests import odd_runs

STEPS, RUNS = 40, 6


class SmallProvider(MultiplexerDataProvider):
    """TensorBoard's own with a smaller limit on the values of one answer, as its data server has one."""

    most = 25
    poison = ""
    asked = 0

    def read_tensors(self, ctx=None, **options):
        self.asked += 1
        data = super().read_tensors(ctx, **options)
        tags = [tag for run in data.values() for tag in run]
        if len(tags) > self.most or (self.poison and self.poison in tags):
            raise OSError("Received message larger than max")
        return data


@pytest.fixture
def provider(tmp_path):
    for run in range(RUNS):
        chunks = [
            (f"rows/{step:05}", np.array([[step, 1e-3 * (step + 1), 2.0, 0.0, np.nan]], np.float32))
            for step in range(STEPS)
        ]
        odd_runs.write(tmp_path / f"{run}", [("sweep", odd_runs.CONFIG), *chunks])
    multiplexer = EventMultiplexer(tensor_size_guidance={schema.PLUGIN_NAME: 1})
    multiplexer.AddRunsFromDirectory(str(tmp_path))
    multiplexer.Reload()
    return SmallProvider(multiplexer, str(tmp_path))


def test_runs_that_are_too_large_are_read_in_halves(provider):
    read = RunReader(provider).read_runs(RequestContext(), "", [f"{run}" for run in range(RUNS)])
    assert [one.steps for one in read.values()] == [STEPS] * RUNS
    assert [one.message for one in read.values()] == [None] * RUNS
    np.testing.assert_array_equal(read["3"].sweep.step, range(STEPS))


def test_large_reads_are_split_in_advance(provider, monkeypatch):
    monkeypatch.setattr(tensor_source, "MAX_TAGS_PER_READ", 15)
    read = RunReader(provider).read_runs(RequestContext(), "", [f"{run}" for run in range(RUNS)])
    assert [one.steps for one in read.values()] == [STEPS] * RUNS
    assert provider.asked == RUNS * 4  # of 41 tags in halves of halves


def test_an_unreadable_chunk_affects_only_its_run(provider, tmp_path):
    odd_runs.write(tmp_path / "bad", [("sweep", odd_runs.CONFIG), ("rows/99999", odd_runs.ROWS)])
    provider._multiplexer.AddRunsFromDirectory(str(tmp_path))
    provider._multiplexer.Reload()
    provider.poison = "lr_finder/rows/99999"
    read = RunReader(provider).read_runs(RequestContext(), "", ["bad", *(f"{run}" for run in range(RUNS))])
    assert "cannot read the tag 'lr_finder/rows/99999'" in read.pop("bad").message
    assert [(one.steps, one.message) for one in read.values()] == [(STEPS, None)] * RUNS


def test_public_errors_of_tensorboard_are_raised(provider, monkeypatch):
    def refuse(*_, **__):
        raise errors.NotFoundError("no such experiment")

    monkeypatch.setattr(provider, "list_tensors", refuse)
    with pytest.raises(errors.NotFoundError):
        TensorSource(provider, RequestContext(), "").list()
