"""The list of runs: looked at anew where that is cheap, and kept where it would cost or show too little."""

from __future__ import annotations

from tb_lrfinder.storage.listing import MISSING_SECONDS, RunListCache
from tb_lrfinder.storage.recorded import RunSummary


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def looks(clock, names, seconds=0.0):
    """A look at these runs that takes so long, and how often it was taken."""

    def look():
        look.taken += 1
        clock.now += seconds
        return [RunSummary(run=name, kind="sweep", config={}) for name in names]

    look.taken = 0
    return look


def names(listed):
    return [one.run for one in listed.runs]


def test_a_cheap_look_is_taken_each_time():
    clock = Clock()
    listing, look = RunListCache(clock), looks(clock, ["a"], seconds=0.1)
    for _ in range(5):
        listing.get(look)
    assert look.taken == 5


def test_a_look_that_costs_much_takes_a_tenth_of_the_time_at_most():
    clock = Clock()
    listing, look = RunListCache(clock), looks(clock, ["a"], seconds=3.0)
    while clock.now < 300:
        assert names(listing.get(look)) == ["a"]
        clock.now += 1
    assert 8 <= look.taken <= 10


MANY = [f"r{number}" for number in range(1_016)]


def test_runs_that_are_gone_all_at_once_are_kept_and_said_to_be():
    clock = Clock()
    listing = RunListCache(clock)
    assert listing.get(looks(clock, MANY)).notice is None
    for count in (0, 685, 1_016, 0):
        clock.now += 2
        listed = listing.get(looks(clock, MANY[:count]))
        assert names(listed) == MANY
        assert "of 1,016 were missing" in listed.notice
        assert listed.missing == set(MANY[count:])
    assert "ulimit -n" in listed.notice
    listing.get(looks(clock, MANY))
    clock.now += MISSING_SECONDS + 1
    assert listing.get(looks(clock, MANY)).notice is None


def test_what_is_new_is_seen_beside_runs_that_are_missed():
    clock = Clock()
    listing = RunListCache(clock)
    listing.get(looks(clock, MANY))
    assert names(listing.get(looks(clock, ["new"]))) == ["new", *MANY]


def test_runs_that_stay_away_are_let_go():
    clock = Clock()
    listing = RunListCache(clock)
    listing.get(looks(clock, MANY))
    clock.now += MISSING_SECONDS + 1
    assert names(listing.get(looks(clock, []))) == []


def test_a_few_runs_that_are_gone_were_deleted():
    clock = Clock()
    listing = RunListCache(clock)
    listing.get(looks(clock, MANY))
    listed = listing.get(looks(clock, MANY[5:]))
    assert (names(listed), listed.notice) == (MANY[5:], None)
