"""Runs are only read again after they have changed."""

from __future__ import annotations

import time

import pytest
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext

from tb_lrfinder.storage import schema
from tb_lrfinder.storage.run_cache import RunCache
from tb_lrfinder.storage.run_reader import RunReader
from tb_lrfinder.storage.writer import SweepWriter


class CountingProvider(MultiplexerDataProvider):
    """Remembers which runs were read."""

    def __init__(self, multiplexer, log_dir):
        super().__init__(multiplexer, log_dir)
        self.read = []

    def read_tensors(self, ctx=None, *, run_tag_filter=None, **options):
        self.read.append(sorted(run_tag_filter.runs))
        return super().read_tensors(ctx, run_tag_filter=run_tag_filter, **options)


@pytest.fixture
def writers(tmp_path):
    writers = {name: SweepWriter(tmp_path / name, {"id": name}) for name in ("a", "b")}
    for writer in writers.values():
        for step in range(3):
            writer.add(step, 1e-3 * (step + 1), 2.0, 0.0)
        writer.flush()
    yield writers
    for writer in writers.values():
        writer.close({"stop_reason": "completed"})


def test_only_changed_runs_are_read_again(tmp_path, writers):
    multiplexer = EventMultiplexer(tensor_size_guidance={schema.PLUGIN_NAME: 1})
    multiplexer.AddRunsFromDirectory(str(tmp_path))
    provider = CountingProvider(multiplexer, str(tmp_path))
    reader, ctx = RunReader(provider), RequestContext()

    def read():
        multiplexer.Reload()
        return {
            run: recorded.steps for run, recorded in reader.read_runs(ctx, "", ["b", "a", "gone"]).items()
        }

    assert read() == {"b": 3, "a": 3}
    assert read() == {"b": 3, "a": 3}
    writers["a"].add(3, 4e-3, 1.0, 0.0)
    writers["a"].flush()
    assert read() == {"b": 3, "a": 4}
    time.sleep(0.01)
    writers["b"].close({"stop_reason": "diverged"})
    multiplexer.Reload()
    assert reader.read_runs(ctx, "", ["b"])["b"].result["stop_reason"] == "diverged"
    assert provider.read == [["a", "b"], ["a"], ["b"]]


def test_the_least_recently_used_runs_are_evicted():
    cache = RunCache(max_bytes=100_000)
    cache.put("a", 1, 40_000, "rows of a")
    cache.put("b", 1, 40_000, "rows of b")
    assert cache.get("a", 1) == "rows of a"
    cache.put("c", 1, 40_000, "rows of c")
    assert [cache.get(run, 1) for run in "abc"] == ["rows of a", None, "rows of c"]


def test_a_new_state_replaces_the_cached_one():
    cache = RunCache(max_bytes=100_000)
    cache.put("a", 1, 90_000, "old")
    assert cache.get("a", 2) is None
    cache.put("a", 2, 95_000, "new")
    assert (cache.get("a", 1), cache.get("a", 2)) == (None, "new")


def test_a_run_that_exceeds_the_limit_is_not_cached():
    cache = RunCache(max_bytes=100_000)
    cache.put("a", 1, 101_000, "rows")
    assert cache.get("a", 1) is None
    cache.put("b", 1, 98_000, "rows")
    assert cache.get("b", 1) == "rows"


def test_empty_entries_count():
    cache = RunCache(max_bytes=100_000)
    for number in range(1_000):
        cache.put(number, 1, 0, "nothing")
    assert sum(cache.get(number, 1) is not None for number in range(1_000)) == 100
