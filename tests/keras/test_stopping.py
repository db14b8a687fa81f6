"""When a sweep ends, by the name that `stop_reason` gives it."""

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tb_lrfinder.analysis.divergence import Divergence
from tests.keras.backends import several_batches_an_execution
from tests.keras.replay import regression_data, small_model


def sweep(model, x, y, num_steps=60, batch_size=16, **arguments):
    finder = LRFinder(
        None, **{"start_lr": 1e-5, "end_lr": 100.0, "num_steps": num_steps, "verbose": 0} | arguments
    )
    model.fit(x, y, batch_size=batch_size, epochs=100, verbose=0, callbacks=[finder])
    return finder


def test_diverged():
    finder = sweep(small_model("sgd"), *regression_data(192))
    assert finder.stop_reason == "diverged"
    lowest = finder.sweep.loss.argmin()
    assert 20 < lowest < len(finder.sweep) < 60
    assert np.isfinite(finder.sweep.loss).all()
    assert finder.suggestion.learning_rate < finder.sweep.learning_rate[lowest]


def negative(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1) - 1000.0


def test_diverged_with_a_loss_that_is_negative_all_the_way():
    """The same steps as with the positive loss: "4 times the best" would have stopped at once, or never."""
    positive = sweep(small_model("sgd"), *regression_data(192))
    model = small_model("sgd", loss=negative)
    finder = sweep(model, *regression_data(192))
    assert finder.stop_reason == "diverged"
    assert finder.sweep.loss[: -len(finder.sweep) // 3].max() < 0
    assert abs(len(finder.sweep) - len(positive.sweep)) <= 2


def test_completed():
    finder = sweep(small_model("sgd"), *regression_data(192), end_lr=1e-3)
    assert finder.stop_reason == "completed"
    assert len(finder.sweep) == 60


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("batches_per_step", [1, 4])
def test_non_finite_at_once(bad, batches_per_step):
    x, y = regression_data(192)
    y[80] = bad  # in the sixth batch
    finder = LRFinder(None, num_steps=12 // batches_per_step, batches_per_step=batches_per_step, verbose=0)
    history = small_model().fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=[finder])
    assert finder.stop_reason == "non_finite"
    assert len(finder.sweep) == 5 // batches_per_step + 1
    assert not np.isfinite(finder.sweep.loss[-1])
    assert np.isfinite(finder.sweep.loss[:-1]).all()
    assert len(history.history["loss"]) == 1


def test_none_always_completes_the_ramp():
    x, y = regression_data(192)
    y[80] = np.nan
    finder = LRFinder(None, num_steps=12, stop=None, verbose=0)
    small_model().fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=[finder])
    assert finder.stop_reason == "completed"
    assert len(finder.sweep) == 12


def test_own_settings():
    early = sweep(
        small_model("sgd"), *regression_data(192), stop=Divergence(factor=1.05, burn_in=6, window=1)
    )
    late = sweep(small_model("sgd"), *regression_data(192), stop=Divergence(factor=1e6))
    assert early.stop_reason == "diverged"
    assert len(early.sweep) < len(late.sweep)


def test_data_in_order_of_their_weight_do_not_diverge():
    """The loss rises within every epoch, from near 0 to its highest."""
    x, y = regression_data(1600)
    weight = np.linspace(0.01, 2, len(x)).astype("float32")
    finder = LRFinder(None, 1e-7, 1e-4, 100, verbose=0)
    small_model().fit(
        x, y, sample_weight=weight, batch_size=32, epochs=2, shuffle=False, verbose=0, callbacks=[finder]
    )
    assert finder.sweep.loss[40:50].mean() > 10 * finder.sweep.loss[:3].mean()
    assert finder.stop_reason == "completed"


@several_batches_an_execution
def test_the_stop_acts_at_the_end_of_an_execution():
    x, y = regression_data(192)
    y[80] = np.nan
    batches = []
    spy = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: batches.append(batch))
    finder = LRFinder(None, num_steps=12, verbose=0)
    model = small_model(steps_per_execution=4)
    model.fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=[finder, spy])
    assert finder.stop_reason == "non_finite"
    assert len(finder.sweep) == 6  # the row of the batch that was to blame is the last
    swept, batches = batches, []
    fresh = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: batches.append(batch))
    model.fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=[fresh])
    assert len(batches) == 3  # executions of an epoch; which batch names them depends on the version of Keras
    assert swept == batches[:2]
