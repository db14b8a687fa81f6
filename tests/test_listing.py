"""The list of runs is cached if listing is slow or incomplete."""

from __future__ import annotations

from tb_lrfinder.storage.listing import MISSING_SECONDS, RunListCache
from tb_lrfinder.storage.recorded import RunSummary


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def listing(clock, names, seconds=0.0):
    """A function that lists these runs, takes this long, and counts its calls."""

    def list_runs():
        list_runs.calls += 1
        clock.now += seconds
        return [RunSummary(run=name, kind="sweep", config={}) for name in names]

    list_runs.calls = 0
    return list_runs


def names(listed):
    return [one.run for one in listed.runs]


def test_a_fast_list_is_not_cached():
    clock = Clock()
    cache, list_runs = RunListCache(clock), listing(clock, ["a"], seconds=0.1)
    for _ in range(5):
        cache.get(list_runs)
    assert list_runs.calls == 5


def test_slow_listing_takes_at_most_a_tenth_of_the_time():
    clock = Clock()
    cache, list_runs = RunListCache(clock), listing(clock, ["a"], seconds=3.0)
    while clock.now < 300:
        assert names(cache.get(list_runs)) == ["a"]
        clock.now += 1
    assert 8 <= list_runs.calls <= 10


MANY = [f"r{number}" for number in range(1_016)]


def test_many_missing_runs_are_kept_with_a_notice():
    clock = Clock()
    cache = RunListCache(clock)
    assert cache.get(listing(clock, MANY)).notice is None
    for count in (0, 685, 1_016, 0):
        clock.now += 2
        listed = cache.get(listing(clock, MANY[:count]))
        assert names(listed) == MANY
        assert "of 1,016 were missing" in listed.notice
        assert listed.missing == set(MANY[count:])
    assert "ulimit -n" in listed.notice
    cache.get(listing(clock, MANY))
    clock.now += MISSING_SECONDS + 1
    assert cache.get(listing(clock, MANY)).notice is None


def test_new_runs_are_listed_with_missing_runs():
    clock = Clock()
    cache = RunListCache(clock)
    cache.get(listing(clock, MANY))
    assert names(cache.get(listing(clock, ["new"]))) == ["new", *MANY]


def test_runs_that_remain_missing_are_removed():
    clock = Clock()
    cache = RunListCache(clock)
    cache.get(listing(clock, MANY))
    clock.now += MISSING_SECONDS + 1
    assert names(cache.get(listing(clock, []))) == []


def test_a_few_missing_runs_were_deleted():
    clock = Clock()
    cache = RunListCache(clock)
    cache.get(listing(clock, MANY))
    listed = cache.get(listing(clock, MANY[5:]))
    assert (names(listed), listed.notice) == (MANY[5:], None)
