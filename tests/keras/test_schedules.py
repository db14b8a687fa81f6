"""Schedules with a multiple of their learning rates, and their peaks."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras.optimizers import schedules

from tb_lrfinder import ScaledSchedule
from tb_lrfinder.keras.schedules import peak, scaled
from tests.keras.replay import small_model
from tests.keras.schedules import OF_KERAS, OF_USERS, InverseSqrt, rates_of

ALL = OF_KERAS | OF_USERS
NUM_STEPS = 33


@pytest.mark.parametrize("name", ALL)
def test_every_rate_is_multiplied(name):
    expected = 0.37 * rates_of(ALL[name], range(NUM_STEPS))
    rounding = 2e-7 * expected.max()  # of the largest number in the formula of the schedule
    rates = rates_of(scaled(ALL[name], 0.37), range(NUM_STEPS))
    np.testing.assert_allclose(rates, expected, rtol=1e-6, atol=rounding)


@pytest.mark.parametrize("name", ALL)
def test_the_peak_is_the_highest_rate_of_the_training(name):
    rates = rates_of(ALL[name], range(NUM_STEPS))
    for num_steps in (2, 5, NUM_STEPS):
        # Compiled functions may round differently.
        assert peak(ALL[name], num_steps) == pytest.approx(rates[:num_steps].max(), rel=2e-7)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("exponential", 0.1),
        ("polynomial cycle", 0.1),
        ("linear warmup", 0.1),
        ("piecewise", 0.3),
        ("cosine", 0.01),
        ("cosine warmup", 0.03),
        ("restarts", 0.02),
        ("restarts that grow", 0.02),  # without limit: that of the first period
        ("subclass", 0.01),
    ],
)
def test_the_peak_of_a_training_of_unknown_length(name, expected):
    assert peak(ALL[name]) == expected


@pytest.mark.parametrize("warmup", [1, 90, 12345])
def test_a_schedule_of_a_user_is_sampled(warmup):
    expected = 0.1 * warmup**-0.5
    assert peak(InverseSqrt(warmup=warmup)) == pytest.approx(expected, rel=1e-6)
    assert peak(InverseSqrt(warmup=warmup), 2 * warmup) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", OF_KERAS)
def test_schedules_of_keras_stay_schedules_of_keras(name):
    twice = scaled(scaled(OF_KERAS[name], 3.0), 0.5)
    assert type(twice) is type(OF_KERAS[name])
    assert twice.get_config().keys() == OF_KERAS[name].get_config().keys()


@pytest.mark.parametrize("name", OF_USERS)
def test_others_are_wrapped_once(name):
    twice = scaled(scaled(OF_USERS[name], 3.0), 0.5)
    assert isinstance(twice, ScaledSchedule)
    assert (twice.schedule, twice.factor) == (OF_USERS[name], 1.5)


def test_rates_that_are_tensors_or_numpy_scalars():
    schedule = schedules.PiecewiseConstantDecay([2], [np.float32(0.5), keras.ops.convert_to_tensor(0.25)])
    assert scaled(schedule, 2.0).get_config()["values"] == [1.0, 0.5]


def test_a_schedule_without_a_positive_rate():
    with pytest.raises(ValueError, match="CosineDecay must have a positive learning rate in its first 1"):
        peak(OF_KERAS["warmup from zero"], 1)


@pytest.mark.parametrize("name", ALL)
def test_serialization(name):
    schedule = scaled(ALL[name], 0.5)
    if name == "subclass":  # which is not registered
        schedule = scaled(schedules.deserialize(schedules.serialize(InverseSqrt())), 0.5)
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is type(schedule)
    np.testing.assert_array_equal(rates_of(again, (0, 1, 8)), rates_of(schedule, (0, 1, 8)))


LOAD = """
import sys
import keras
from tests.keras.schedules import InverseSqrt
from tb_lrfinder import ScaledSchedule
schedule = keras.models.load_model(sys.argv[1]).optimizer._learning_rate
print(type(schedule).__name__, schedule.factor, schedule.schedule.warmup)
"""


def test_loading_in_another_process(tmp_path):
    model = small_model(keras.optimizers.SGD(scaled(InverseSqrt(warmup=3), 0.5)))
    model.save(tmp_path / "model.keras")
    printed = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path / "model.keras")],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert printed.stdout.split() == ["ScaledSchedule", "0.5", "3"]
