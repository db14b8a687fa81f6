import json
import math
import pickle
import re
import time
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from tb_lrfinder.analysis.curve import DEFAULT_SMOOTHING, loss_delta
from tb_lrfinder.analysis.suggestion import DEFAULT_RULE, RULES, Ranges, Suggestion, suggest
from tb_lrfinder.analysis.usable_rows import longest_descents

STEPS = 400
RATES = np.geomspace(1e-7, 10, STEPS)
STEP = math.log10(RATES[1] / RATES[0])  # decades


def logistic(rates, at=1e-2, steepness=3.0):
    """From 2.3 down to 0.3, by half at `at`, where it is steepest."""
    return 2.3 - 2.0 / (1 + (at / rates) ** steepness)


def trough(rates, at=1e-2, width=1.2):
    """Flat at 2.3 with a cosine-shaped trough down to 0.3 at `at`, `width` decades to either side."""
    distance = np.clip((np.log10(rates) - math.log10(at)) / width, -1, 1)
    return 1.3 - np.cos(np.pi * distance)


def training_like(rates, noise=0.03, seed=0):
    """Flat, down to a minimum at about 0.1, then divergence."""
    losses = logistic(rates, steepness=2.0) + np.maximum(rates - 0.2, 0) ** 2 * 4
    return losses + np.random.default_rng(seed).normal(size=len(rates)) * noise


def decades(learning_rate, expected):
    return abs(math.log10(learning_rate / expected))


def suggested(rule, rates, losses, **settings):
    suggestion = suggest(rates, losses, rule, **settings)
    assert suggestion.learning_rate is not None, suggestion.reason
    return suggestion.learning_rate


def test_the_rules_are_listed_the_default_first():
    assert list(RULES) == [
        "mid_descent",
        "steepest",
        "valley",
        "minimum_tenth",
        "lowest_delta",
        "left_of_minimum",
    ]
    assert next(iter(RULES)) == DEFAULT_RULE
    for name, rule in RULES.items():
        assert rule.name == name
        assert rule.label
        assert rule.description.endswith(".")
        assert rule.formula
        assert rule.source
    with pytest.raises(TypeError):
        RULES["mine"] = RULES["valley"]


# Known answers: curves on which a rule's learning rate can be computed by hand.


@pytest.mark.parametrize("at", [1e-4, 1e-2, 0.3])
def test_mid_descent_is_the_mean_of_where_20_to_100_percent_of_the_descent_are_done(at):
    # A share p is done where log(lr / at) = log(p / (1 - p)) / 3, and the integral of log(p / (1 - p)) from
    # 0.2 to 1 is the entropy of 0.2.
    entropy = -(0.2 * math.log(0.2) + 0.8 * math.log(0.8))
    losses = np.where(200 * at > RATES, logistic(RATES, at), 9.0)
    rate = suggested("mid_descent", RATES, losses, smoothing=0)
    assert decades(rate, at * math.exp(entropy / 0.8 / 3)) < 0.005


def test_mid_descent_does_not_take_a_dip_on_the_way_for_the_descent():
    """The loss dips by two thirds of its descent at 1e-5, and comes back."""
    losses = logistic(RATES)
    dipped = losses - 1.3 * np.exp(-(((np.log10(RATES) + 5) / 0.3) ** 2) / 2)
    assert decades(suggested("mid_descent", RATES, dipped), suggested("mid_descent", RATES, losses)) < 0.05


def test_mid_descent_lies_between_the_steps_of_a_short_sweep():
    """Without smoothing, on a straight slope, the answer is exact though no step lies there."""
    rates = np.geomspace(1e-4, 1, 21)
    x = np.log10(rates)
    losses = np.clip(-2.5 * (x + 2.6), -3, 0) + 5  # down by 3 from 10**-2.6 to 10**-1.4; 60 % at 10**-1.88
    assert decades(suggested("mid_descent", rates, losses, smoothing=0), 10**-1.88) < 1e-9


@pytest.mark.parametrize("at", [1e-4, 1e-2, 0.3])
def test_steepest_is_where_the_slope_is(at):
    assert decades(suggested("steepest", RATES, logistic(RATES, at)), at) < 2 * STEP


@pytest.mark.parametrize("at", [1e-4, 1e-2, 0.1])
@pytest.mark.parametrize(("rule", "part"), [("minimum_tenth", 10), ("left_of_minimum", 2)])
def test_the_rules_of_the_minimum_know_where_it_is(rule, part, at):
    assert decades(suggested(rule, RATES, trough(RATES, at)), at / part) < 2 * STEP


@pytest.mark.parametrize("cliff", [3.0, 30.0, 1e9])
@pytest.mark.parametrize("smoothing", [0.1, DEFAULT_SMOOTHING, 0.5])
def test_the_minimum_is_not_dragged_by_the_smoothing(cliff, smoothing):
    """A slow descent that ends at a cliff at 0.1: a plain Gaussian moves its minimum by half a decade."""
    x = np.log10(RATES)
    losses = np.where(x < -1, 2.3 - np.clip(0.8 * (x + 3.5), 0, 2), cliff)
    assert decades(suggested("minimum_tenth", RATES, losses, smoothing=smoothing), 0.01) < 3 * STEP


def test_valley_is_in_the_middle_of_the_longest_descent():
    losses = np.full(100, 5.0)
    losses[40:70] = np.linspace(4.9, 1.0, 30)
    losses[70:] = 6.0
    rates = np.geomspace(1e-7, 10, 100)
    # 31 rows that only fall, the last of which is row 69: 31 - 1 = 30, 69 - 30 + 10 + 5 = 54.
    assert suggested("valley", rates, losses) == rates[54]


def test_lowest_delta_is_where_the_loss_has_fallen_most_over_20_steps():
    losses = logistic(RATES)
    expected = RATES[20 + loss_delta(losses, 20)[20:].argmin()]
    assert suggested("lowest_delta", RATES, losses) == expected
    assert decades(expected, 1e-2 * 10 ** (10 * STEP)) < 1.5 * STEP  # its window has its middle at the slope


def test_lowest_delta_does_not_look_at_rows_without_a_full_window():
    losses = logistic(RATES)
    losses[0] = 2.5  # a delta of -0.2 at the next step, over a window of one
    assert decades(suggested("lowest_delta", RATES, losses), 1e-2) < 0.3


def test_what_comes_after_the_divergence_does_not_count():
    """After it has diverged, the loss may be anything, such as exactly 0 with a saturated network."""
    losses = training_like(RATES)
    after = losses.copy()
    after[RATES > 2] = np.random.default_rng(1).choice([0.0, 50.0], size=(RATES > 2).sum())
    for rule in RULES:
        assert decades(suggested(rule, RATES, after), suggested(rule, RATES, losses)) < 0.1, rule


def brute_force_longest_descent(values):
    lengths = [1] * len(values)
    for row, value in enumerate(values):
        lengths[row] += max((lengths[i] for i in range(row) if values[i] > value), default=0)
    return max(lengths), lengths.index(max(lengths))


@pytest.mark.parametrize("seed", range(20))
def test_the_longest_descent_is_that_of_the_quadratic_search(seed):
    random = np.random.default_rng(seed)
    values = random.integers(0, 12, size=40).astype(float) if seed % 2 else random.normal(size=60)
    lengths, lasts = longest_descents(values)
    for rows in range(1, len(values) + 1):
        expected = brute_force_longest_descent(values[:rows].tolist())
        assert (lengths[rows - 1], lasts[rows - 1]) == expected


def test_the_longest_descent_of_a_long_sweep_is_found_fast():
    values = np.random.default_rng(0).normal(size=100_000) - np.linspace(0, 3, 100_000)
    start = time.perf_counter()
    lengths, _ = longest_descents(values)
    assert time.perf_counter() - start < 2  # the quadratic search takes an hour
    assert lengths[-1] > 800


# Invariances.


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("factor", [1e-3, 0.5, 100.0])
def test_the_suggestion_follows_the_scale_of_the_learning_rates(rule, factor):
    losses = training_like(RATES)
    expected = suggested(rule, RATES, losses) * factor
    assert suggested(rule, RATES * factor, losses) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("scale", "offset"), [(1000.0, 0.0), (1e-4, 0.0), (1.0, -50.0), (3.0, 1e4)])
def test_the_suggestion_does_not_depend_on_the_scale_and_the_offset_of_the_loss(rule, scale, offset):
    losses = training_like(RATES)
    expected = suggested(rule, RATES, losses)
    assert suggested(rule, RATES, losses * scale + offset) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("rule", ["mid_descent", "steepest", "minimum_tenth", "left_of_minimum"])
@pytest.mark.parametrize("steps", [60, 100, 1000, 10_000])
def test_the_suggestion_does_not_depend_on_the_number_of_steps(rule, steps):
    rates = np.geomspace(1e-7, 10, steps)
    expected = suggested(rule, RATES, trough(RATES))
    assert decades(suggested(rule, rates, trough(rates)), expected) < 0.08


@pytest.mark.parametrize("rule", ["mid_descent", "steepest", "minimum_tenth", "left_of_minimum"])
def test_the_suggestion_does_not_depend_on_the_shape_of_the_ramp(rule):
    linear = np.linspace(1e-4, 1, 3000)
    exponential = np.geomspace(1e-4, 1, 3000)
    expected = suggested(rule, exponential, trough(exponential, at=0.05, width=1.0))
    assert decades(suggested(rule, linear, trough(linear, at=0.05, width=1.0)), expected) < 0.05


@pytest.mark.parametrize("rule", ["mid_descent", "steepest", "minimum_tenth"])
@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_noise_moves_the_suggestion_little(rule, noise):
    expected = suggested(rule, RATES, trough(RATES))
    moved = []
    for seed in range(20):
        noisy = trough(RATES) + np.random.default_rng(seed).normal(size=STEPS) * noise
        moved.append(decades(suggested(rule, RATES, noisy), expected))
    assert np.median(moved) < 0.1
    assert max(moved) < 0.4


@pytest.mark.parametrize("rule", ["mid_descent", "steepest", "minimum_tenth", "left_of_minimum"])
@pytest.mark.parametrize("spike", [1e4, -1e4, np.nan, np.inf])
def test_spikes_do_not_move_the_suggestion(rule, spike):
    losses = trough(RATES)
    losses[[5, 150, 151, 210, 260]] = spike
    assert decades(suggested(rule, RATES, losses), suggested(rule, RATES, trough(RATES))) < 0.06


@pytest.mark.parametrize("rule", RULES)
def test_a_divergent_tail_does_not_move_the_suggestion(rule):
    losses = training_like(RATES)
    exploding = losses.copy()
    exploding[-20:] = np.geomspace(losses[-20], 1e12, 20)
    assert decades(suggested(rule, RATES, exploding), suggested(rule, RATES, losses)) < 0.03


def test_where_the_sweep_was_stopped_matters_little():
    losses = training_like(RATES)
    whole = suggested("mid_descent", RATES, losses)
    for end in (0.4, 0.7, 1.5, 5.0):
        kept = end > RATES
        assert decades(suggested("mid_descent", RATES[kept], losses[kept]), whole) < 0.1, end


def test_steepest_does_not_look_beyond_the_minimum():
    """A dip, a rise that stays below the initial level, and a fall that is steeper than the descent."""
    x = np.log10(RATES)
    losses = np.interp(x, [-4, -2.5, -1.5, -0.5, -0.2, 1], [2.3, 0.3, 0.3, 2.0, 0.6, 0.6])
    assert 10**-4 < suggested("steepest", RATES, losses) < 10**-2.5


# No suggestion.


def test_a_descent_below_the_resolution_of_a_float32_is_none():
    assert suggest(RATES, 1e6 + 0.1 * logistic(RATES)).learning_rate is None
    assert suggest(RATES, 1e3 + 0.1 * logistic(RATES)).learning_rate is not None


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        (np.full(STEPS, 2.3), "does not decrease"),
        (np.zeros(STEPS), "does not decrease"),
        (np.linspace(1, 2, STEPS), "diverged immediately|does not decrease"),
        (np.full(STEPS, np.nan), "from the first step, where"),
    ],
)
def test_there_is_a_reason_where_there_is_no_suggestion(losses, words):
    suggestion = suggest(RATES, losses)
    assert suggestion.learning_rate is None
    assert suggestion.ranges is None
    assert re.search(words, suggestion.reason), suggestion.reason
    assert suggestion.reason[-1] == "."


def test_flat_noise_hardly_ever_passes_for_a_descent():
    found = 0
    for seed in range(200):
        losses = 2.3 + np.random.default_rng(seed).normal(size=100) * 0.1
        found += suggest(np.geomspace(1e-7, 10, 100), losses).learning_rate is not None
    assert found <= 8


@pytest.mark.parametrize("steps", [0, 1, 2, 9])
def test_a_few_steps_are_no_curve(steps):
    suggestion = suggest(np.geomspace(1e-7, 10, steps), np.linspace(3, 1, steps))
    assert suggestion.learning_rate is None
    assert f"Too few steps with a finite loss: {steps}, " in suggestion.reason


def test_skipped_rows_can_leave_too_few():
    assert (
        "Too few steps with a finite loss: 5, "
        in suggest(RATES, logistic(RATES), skip_start=200, skip_end=195).reason
    )
    assert (
        "Too few steps with a finite loss: 0, " in suggest(RATES, logistic(RATES), skip_start=10_000).reason
    )


def test_skipped_rows_do_not_count():
    losses = logistic(RATES)
    losses[:100] = np.linspace(30, 2.3, 100)
    without = suggested("mid_descent", RATES, logistic(RATES))
    assert decades(suggested("mid_descent", RATES, losses, skip_start=100), without) < 0.05
    assert decades(suggested("minimum_tenth", RATES, trough(RATES), skip_end=150), 1e-3) < 0.05


# One curve, three uses.


def test_the_default_has_ranges_in_order():
    suggestion = suggest(RATES, training_like(RATES))
    ranges = suggestion.ranges
    base, top = ranges.cyclical
    assert ranges.long_training == pytest.approx(suggestion.learning_rate / 3)
    assert ranges.one_cycle_max == pytest.approx(suggestion.learning_rate * 3)
    assert base < suggestion.learning_rate < top == ranges.one_cycle_max
    assert all(type(value) is float for value in (ranges.long_training, ranges.one_cycle_max, base, top))
    assert suggest(RATES, training_like(RATES), "valley").ranges is None


def test_the_base_of_the_cycle_is_where_the_descent_begins():
    # 1 / (1 + (at / lr) ** 3) = 0.1 where lr = at * 9 ** (-1 / 3)
    base, _ = suggest(RATES, logistic(RATES), smoothing=0.02).ranges.cyclical
    assert decades(base, 1e-2 * 9 ** (-1 / 3)) < 0.02


def test_the_peak_of_one_cycle_does_not_lie_beyond_the_minimum():
    x = np.log10(RATES)
    losses = np.where(x < -2, 2.3 - np.clip(4 * (x + 2.5), 0, 2), 50.0)  # a cliff right after a steep descent
    suggestion = suggest(RATES, losses, smoothing=0.05)
    assert suggestion.learning_rate * 3 > 1.2e-2
    assert suggestion.learning_rate < suggestion.ranges.one_cycle_max <= 1e-2


# What is handed out.


def test_the_learning_rate_is_a_plain_float():
    for rule in RULES:
        assert (
            type(
                suggest(RATES.astype(np.float32), training_like(RATES).astype(np.float32), rule).learning_rate
            )
            is float
        )


def test_lists_are_as_good_as_arrays():
    losses = training_like(RATES)
    assert suggest(RATES.tolist(), losses.tolist()) == suggest(RATES, losses)


def test_the_arguments_are_not_changed():
    rates, losses = RATES.copy(), training_like(RATES)
    losses[7] = np.nan
    before = losses.copy()
    suggest(rates, losses, smoothing=0)
    suggest(rates, losses)
    np.testing.assert_array_equal(losses, before)
    np.testing.assert_array_equal(rates, RATES)


def test_a_suggestion_is_plain_data():
    suggestion = Suggestion(2e-3, "mid_descent", None, Ranges(7e-4, 6e-3, (5e-4, 6e-3)))
    assert suggestion.to_json() == {
        "rule": "mid_descent",
        "learning_rate": 2e-3,
        "reason": None,
        "ranges": {"long_training": 7e-4, "one_cycle_max": 6e-3, "cyclical": [5e-4, 6e-3]},
    }
    assert json.loads(json.dumps(suggestion.to_json())) == suggestion.to_json()
    assert pickle.loads(pickle.dumps(suggestion)) == suggestion
    with pytest.raises(FrozenInstanceError):
        suggestion.learning_rate = 1.0


def test_a_suggestion_prints_well():
    ranges = Ranges(7e-4, 6e-3, (5e-4, 6e-3))
    assert str(Suggestion(2.123456e-3, "mid_descent", None, ranges)) == (
        "Suggested learning rate 0.0021 "
        "(mid_descent; long training 0.0007, one-cycle peak 0.006, cyclical 0.0005 to 0.006)"
    )
    assert repr(Suggestion(1e-3, "valley")) == "<Suggested learning rate 0.001 (valley)>"
    assert str(Suggestion(None, "valley", "The loss is flat.")) == "No suggestion (valley): The loss is flat."


# Bad input.


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "words"),
    [
        (([1, 2, 3], [1, 2]), {}, ValueError, r"`losses` must have 3 values.*losses.shape=\(2,\)"),
        (([[1, 2]], [[1, 2]]), {}, ValueError, r"`learning_rates` must be .* one dimension.*\(1, 2\)"),
        (([1, 2], [[1, 2]]), {}, ValueError, "`losses` must be .* one dimension"),
        ((1.0, 2.0), {}, ValueError, "`learning_rates` must be .* one dimension"),
        (([0.0, 0.1], [1, 2]), {}, ValueError, r"positive and finite. Received: learning_rates\[0\]=0"),
        (([0.1, -0.2], [1, 2]), {}, ValueError, r"Received: learning_rates\[1\]=-0.2"),
        (([0.1, np.nan], [1, 2]), {}, ValueError, r"Received: learning_rates\[1\]=nan"),
        (([0.1, np.inf], [1, 2]), {}, ValueError, r"Received: learning_rates\[1\]=inf"),
        (([0.1, 0.3, 0.2], [1, 2, 3]), {}, ValueError, r"decrease.*\[1\]=0.3, .*\[2\]=0.2. Sort"),
        (([0.1, 0.1, 0.1], [1, 2, 3]), {}, ValueError, "must increase.*0.1 in all 3 rows"),
        ((["a", "b"], [1, 2]), {}, TypeError, "`learning_rates` must be a list or an array of numbers.*'a'"),
        (([0.1, 0.2], [None, {}]), {}, TypeError, "`losses` must be a list or an array of numbers"),
        (([0.1, 0.2], [1, 2]), {"rule": "best"}, ValueError, "`rule` must be one of 'mid_descent'.*'best'"),
        (
            ([0.1, 0.2], [1, 2]),
            {"smoothing": -0.1},
            ValueError,
            "`smoothing` must be .* at least 0.*smoothing=-0.1",
        ),
        (([0.1, 0.2], [1, 2]), {"smoothing": np.nan}, ValueError, "`smoothing`"),
        (([0.1, 0.2], [1, 2]), {"smoothing": "0.2"}, TypeError, "`smoothing` must be a finite number.*'0.2'"),
        (
            ([0.1, 0.2], [1, 2]),
            {"skip_start": -1},
            ValueError,
            "`skip_start` must be an integer.*skip_start=-1",
        ),
        (([0.1, 0.2], [1, 2]), {"skip_end": 1.5}, TypeError, "`skip_end` must be an integer.*skip_end=1.5"),
    ],
)
def test_bad_input_is_named_with_its_value_and_what_to_do(arguments, settings, error, words):
    with pytest.raises(error, match=words):
        suggest(*arguments, **settings)


def test_learning_rates_may_repeat_as_long_as_they_rise():
    rates = np.repeat(RATES, 2)
    twice = suggest(rates, np.repeat(logistic(RATES), 2))
    assert twice.learning_rate == pytest.approx(suggest(RATES, logistic(RATES)).learning_rate, rel=0.05)
    for rows in (2, 3):
        with pytest.raises(ValueError, match=f"learning_rates=0.001 in all {rows} rows. Sweep from"):
            suggest([1e-3] * rows, [1.0] * rows)
    assert suggest([1e-3], [1.0]).learning_rate is None


def test_an_endless_smoothing_is_refused():
    with pytest.raises(ValueError, match=r"`smoothing` must be a finite number"):
        suggest(RATES, logistic(RATES), smoothing=float("inf"))


def test_without_ranges_there_are_none_in_json():
    assert suggest(RATES, logistic(RATES), "valley").to_json()["ranges"] is None
