"""As `test_custom_train_steps.py`, where a train step takes the state and returns it (JAX)."""

import warnings

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.backends import BACKEND
from tests.keras.replay import batches_of, regression_data, replay, small_model

if BACKEND != "jax":
    pytest.skip("only on JAX is a train step a pure function", allow_module_level=True)

import jax


class _Custom(keras.Model):
    """The net of `small_model`, with the same weights."""

    def __init__(self, **arguments):
        keras.utils.set_random_seed(7)
        super().__init__(**arguments)
        self.hidden = keras.layers.Dense(8, activation="tanh")
        self.out = keras.layers.Dense(1)
        self.compile("sgd", "mse", metrics=["mae"])

    def call(self, inputs):
        return self.out(self.hidden(inputs))

    def loss_and_updates(self, trainable, non_trainable, x, y):
        y_pred, non_trainable = self.stateless_call(trainable, non_trainable, x)
        return self.compute_loss(x=x, y=y, y_pred=y_pred), (y_pred, non_trainable)

    def update(self, state, data):
        trainable, non_trainable, optimizer, metrics = state
        gradient = jax.value_and_grad(self.loss_and_updates, has_aux=True)
        (loss, (y_pred, non_trainable)), gradients = gradient(trainable, non_trainable, *data)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        return loss, y_pred, (trainable, non_trainable, optimizer, metrics)


class LoopOverMetrics(_Custom):
    """As in Keras' guide: every metric is told, the one named "loss" the loss."""

    def train_step(self, state, data):
        loss, y_pred, (*rest, metrics) = self.update(state, data)
        logs, updated = {}, []
        for metric in self.metrics:
            mine = metrics[len(updated) : len(updated) + len(metric.variables)]
            told = (loss,) if metric.name == "loss" else (data[1], y_pred)
            mine = metric.stateless_update_state(mine, *told)
            logs[metric.name] = metric.stateless_result(mine)
            updated += mine
        return logs, (*rest, updated)


class OwnTracker(_Custom):
    """An own mean, which is all that `metrics` lists."""

    def __init__(self):
        super().__init__()
        self.own_loss = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.own_loss]

    def train_step(self, state, data):
        loss, _, (*rest, metrics) = self.update(state, data)
        metrics = self.own_loss.stateless_update_state(metrics, loss)
        return {"loss": self.own_loss.stateless_result(metrics)}, (*rest, metrics)


class CallsSuper(_Custom):
    """The step of Keras, with something added to its logs."""

    def train_step(self, state, data):
        logs, state = super().train_step(state, data)
        return {**logs, "extra": keras.ops.convert_to_tensor(1.0)}, state


def sweep(model, **finder):
    x, y = regression_data()
    options = {"start_lr": 1e-3, "end_lr": 0.2, "num_steps": 12, "stop": None, "verbose": 0}
    finder = LRFinder(None, **options | finder)
    model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0, callbacks=[finder])
    return finder


def expected(finder):
    x, y = regression_data()
    return replay(small_model("sgd"), batches_of(x, y, epochs=2), finder.sweep.learning_rate)


@pytest.mark.parametrize("kind", [LoopOverMetrics, OwnTracker, CallsSuper], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("run_eagerly", [False, True], ids=["compiled", "eager"])
def test_the_loss_is_recorded_wherever_the_step_keeps_it(kind, run_eagerly):
    model = kind()
    model.run_eagerly = run_eagerly
    model(regression_data()[0])
    before = model.get_weights()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        finder = sweep(model)
    assert finder.sweep.loss == pytest.approx(expected(finder), rel=1e-6)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


class ReturnsRawLoss(_Custom):
    """No metric at all: the step returns the loss of the batch."""

    def train_step(self, state, data):
        loss, _, state = self.update(state, data)
        return {"loss": loss}, state


def test_a_loss_without_a_metric_is_taken_from_the_logs():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        finder = sweep(ReturnsRawLoss())
    assert finder.sweep.loss == pytest.approx(expected(finder), rel=1e-6)


class OtherName(_Custom):
    """The loss has another name."""

    def train_step(self, state, data):
        loss, _, state = self.update(state, data)
        return {"total": loss}, state


def test_monitor_names_the_loss():
    finder = sweep(OtherName(), monitor="total")
    assert finder.sweep.loss == pytest.approx(expected(finder), rel=1e-6)


def test_a_missing_loss_is_an_error_that_names_those_there_are():
    model = OtherName()
    model(regression_data()[0])
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"returns 'total'. Received: monitor='loss'.*monitor='total'"):
        sweep(model)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert "train_step" not in vars(model)


class OwnTrainFunction(_Custom):
    def make_train_function(self, force=False):
        def function(state, iterator):
            next(iterator)
            return {"loss": 1.0}, state

        self.train_function = function


def test_a_train_function_that_leaves_out_the_step_is_refused():
    with pytest.raises(RuntimeError, match="OwnTrainFunction overrides `make_train_function`"):
        sweep(OwnTrainFunction())


class DecoratedHelper(_Custom):
    """The update is a `jax.jit` function, which has a cached trace of its own."""

    def __init__(self):
        super().__init__()
        self.decorated = jax.jit(self.update)

    def train_step(self, state, data):
        loss, _, state = self.decorated(state, data)
        return {"loss": loss}, state


@pytest.mark.parametrize("traced_before", [False, True], ids=["new", "traced before"])
@pytest.mark.parametrize("run_eagerly", [False, True], ids=["compiled", "eager"])
def test_a_decorated_function_uses_the_ramp_in_the_sweep_only(run_eagerly, traced_before):
    model, twin = DecoratedHelper(), small_model("sgd")
    model.run_eagerly = run_eagerly
    model(regression_data()[0])
    fit = {"batch_size": 16, "shuffle": False, "verbose": 0}
    if traced_before:
        model.fit(*regression_data(), **fit)
        twin.fit(*regression_data(), **fit)
    reference = small_model("sgd")
    reference.set_weights(twin.get_weights())

    finder = sweep(model)
    losses = replay(reference, batches_of(*regression_data(), epochs=2), finder.sweep.learning_rate)
    assert finder.sweep.loss == pytest.approx(losses, rel=1e-6)

    model.fit(*regression_data(), **fit)
    twin.fit(*regression_data(), **fit)
    for weight, expected_weight in zip(model.get_weights(), twin.get_weights(), strict=True):
        assert weight == pytest.approx(expected_weight, rel=1e-6, abs=1e-7)
