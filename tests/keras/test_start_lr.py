"""`start_lr=None`: a thousandth of the optimizer's own learning rate."""

import keras
import numpy as np
import pytest
from keras.optimizers import schedules

from tb_lrfinder import LRFinder, find_lr
from tests.keras.backends import needs_multi_optimizer
from tests.keras.event_file import read_config
from tests.keras.replay import batches_of, regression_data, replay, same_state, small_model, state_of

X, Y = regression_data(64)


def swept(optimizer, **arguments):
    model = small_model(optimizer)
    finder = LRFinder(**{"start_lr": None, "end_lr": 0.1, "num_steps": 4, "verbose": 0} | arguments)
    model.fit(X, Y, batch_size=16, shuffle=False, verbose=0, callbacks=[finder])
    return finder


def test_a_constant_learning_rate(tmp_path):
    finder = swept(keras.optimizers.Adam(0.003), log_dir=tmp_path)
    rates = finder.sweep.learning_rate
    np.testing.assert_allclose(rates, np.geomspace(3e-6, 0.1, 4), rtol=1e-6)
    assert finder.sweep.loss == pytest.approx(replay(small_model("adam"), batches_of(X, Y), rates), rel=1e-6)
    assert read_config(finder.log_dir)["start_lr"] == np.float32(3e-6)


@pytest.mark.parametrize(
    "learning_rate",
    [schedules.CosineDecay(0.0, 9, warmup_target=0.02, warmup_steps=5), lambda: 0.02],
    ids=["peak of the schedule", "callable"],
)
def test_other_learning_rates(learning_rate):
    assert swept(keras.optimizers.SGD(learning_rate)).sweep.learning_rate[0] == np.float32(2e-5)


def test_loss_scaling():
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.02))
    assert swept(optimizer).sweep.learning_rate[0] == np.float32(2e-5)


@needs_multi_optimizer
def test_the_default_optimizer_of_several():
    model = small_model()
    first, second = keras.optimizers.SGD(0.02), keras.optimizers.SGD(0.5)
    optimizer_map = keras.optimizers.OptimizerMap(first, {model.layers[-1].kernel.path: second})
    finder = swept(keras.optimizers.MultiOptimizer(optimizer_map))
    assert finder.sweep.learning_rate[0] == np.float32(2e-5)


def test_another_model_with_the_same_finder():
    model = small_model(keras.optimizers.SGD(0.5))
    finder = swept(keras.optimizers.SGD(0.02))
    model.fit(X, Y, batch_size=16, verbose=0, callbacks=[finder])
    assert finder.sweep.learning_rate[0] == np.float32(5e-4)


@pytest.mark.parametrize(
    ("rate", "message"),
    [
        (0.0, "`start_lr` must be a number .* with a learning rate of 0 for 'sgd'"),
        (100.0, "`start_lr` must be less than `end_lr`.*start_lr=None, which is 0.1 .* end_lr=0.1"),
    ],
)
def test_refused_before_the_first_batch(rate, message):
    model = small_model(keras.optimizers.SGD(rate, name="sgd"))
    before = state_of(model)
    with pytest.raises(ValueError, match=message):
        find_lr(model, X, Y, start_lr=None, end_lr=0.1, num_steps=4, batch_size=16, verbose=0)
    assert same_state(before, state_of(model))
