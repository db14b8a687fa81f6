"""True losses of models with a custom `train_step`, in the usual forms.

On JAX a step is a pure function of the state; those are in `test_pure_train_steps.py`.
"""

import warnings

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.backends import BACKEND, only_on_tensorflow
from tests.keras.replay import batches_of, regression_data, replay, small_model

if BACKEND == "tensorflow":
    import tensorflow as tf
elif BACKEND == "torch":
    import torch
else:
    pytest.skip("on JAX a train step is a pure function", allow_module_level=True)


class _Custom(keras.Model):
    """The net of `small_model`, with the same weights."""

    def __init__(self, **arguments):
        keras.utils.set_random_seed(7)
        super().__init__(**arguments)
        self.hidden = keras.layers.Dense(8, activation="tanh")
        self.out = keras.layers.Dense(1)
        self.compile("sgd", "mse")

    def call(self, inputs):
        return self.out(self.hidden(inputs))

    def step(self, data, loss_of):
        x, y = data
        if BACKEND == "torch":
            self.zero_grad()
            y_pred = self(x, training=True)
            loss = loss_of(x, y, y_pred)
            loss.backward()
            gradients = [variable.value.grad for variable in self.trainable_variables]
            with torch.no_grad():
                self.optimizer.apply(gradients, self.trainable_variables)
            return loss.detach(), y_pred.detach()
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = loss_of(x, y, y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return loss, y_pred


class LoopOverMetrics(_Custom):
    """As in Keras' guide: the compiled loss, into the metric named "loss", after the update."""

    def __init__(self):
        super().__init__()
        self.compile("sgd", "mse", metrics=["mae"])

    def train_step(self, data):
        loss, y_pred = self.step(data, lambda x, y, y_pred: self.compute_loss(x=x, y=y, y_pred=y_pred))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(data[1], y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


class OwnTracker(_Custom):
    """As in Keras' guide: an own loss in an own mean, which is all that `metrics` lists."""

    def __init__(self):
        super().__init__()
        self.own_loss = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.own_loss]

    def train_step(self, data):
        loss, _ = self.step(
            data, lambda x, y, y_pred: keras.ops.mean(keras.losses.mean_squared_error(y, y_pred))
        )
        self.own_loss.update_state(loss)
        return {"loss": self.own_loss.result()}


class PerSampleTracker(OwnTracker):
    """The own mean is given one loss for each sample, with weights."""

    def train_step(self, data):
        _, y_pred = self.step(data, lambda x, y, y_pred: self.compute_loss(x=x, y=y, y_pred=y_pred))
        squares = keras.losses.mean_squared_error(data[1], y_pred)
        self.own_loss.update_state(squares, sample_weight=keras.ops.ones_like(squares))
        return {"loss": self.own_loss.result()}


class CallsSuper(_Custom):
    """The step of Keras, with something added to its logs."""

    def train_step(self, data):
        return {**super().train_step(data), "extra": keras.ops.convert_to_tensor(1.0)}


class NestedFunction(_Custom):
    """The step is a compiled function of its own."""

    def train_step(self, data):
        return tf.function(super().train_step)(data)


def sweep(model, **finder):
    x, y = regression_data()
    options = {"start_lr": 1e-3, "end_lr": 0.2, "num_steps": 12, "stop": None, "verbose": 0}
    finder = LRFinder(None, **options | finder)
    model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0, callbacks=[finder])
    return finder


def expected(finder):
    x, y = regression_data()
    return replay(small_model("sgd"), batches_of(x, y, epochs=2), finder.sweep.learning_rate)


@pytest.mark.parametrize(
    "kind",
    [
        LoopOverMetrics,
        OwnTracker,
        PerSampleTracker,
        CallsSuper,
        pytest.param(NestedFunction, marks=only_on_tensorflow),
    ],
    ids=lambda kind: kind.__name__,
)
def test_the_loss_is_recorded_wherever_the_step_keeps_it(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        finder = sweep(kind())
    assert finder.sweep.loss == pytest.approx(expected(finder), rel=1e-6)


class OwnBesideKeras(OwnTracker):
    """An own mean named "loss", of twice the loss, and Keras' tracker, which is told the plain one later."""

    def train_step(self, data):
        loss, _ = self.step(data, lambda x, y, y_pred: self.compute_loss(x=x, y=y, y_pred=y_pred))
        self.own_loss.update_state(2 * loss)
        self._loss_tracker.update_state(loss)
        return {"loss": self.own_loss.result()}


def test_a_loss_metric_of_the_model_has_priority_over_the_loss_tracker():
    finder = sweep(OwnBesideKeras())
    assert finder.sweep.loss == pytest.approx(2 * expected(finder), rel=1e-6)


class ReturnsRawLoss(_Custom):
    """No metric at all: the step returns the loss of the batch."""

    def train_step(self, data):
        loss, _ = self.step(data, lambda x, y, y_pred: self.compute_loss(x=x, y=y, y_pred=y_pred))
        return {"loss": loss}


def test_a_loss_without_a_metric_is_taken_from_the_logs():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        finder = sweep(ReturnsRawLoss())
    assert finder.sweep.loss == pytest.approx(expected(finder), rel=1e-6)


class OtherName(_Custom):
    """The loss has another name, and there are two of them."""

    def __init__(self):
        super().__init__()
        self.total, self.part = keras.metrics.Mean(name="total"), keras.metrics.Mean(name="part")

    def train_step(self, data):
        loss, _ = self.step(data, lambda x, y, y_pred: self.compute_loss(x=x, y=y, y_pred=y_pred))
        self.total.update_state(loss)
        self.part.update_state(0.25 * loss)
        return {"total": self.total.result(), "part": self.part.result()}


@pytest.mark.parametrize(("monitor", "share"), [("total", 1.0), ("part", 0.25)])
def test_monitor_names_the_loss(monitor, share):
    finder = sweep(OtherName(), monitor=monitor)
    assert finder.sweep.loss == pytest.approx(share * expected(finder), rel=1e-6)


def test_a_missing_loss_is_an_error_that_names_those_there_are():
    model = OtherName()
    model(regression_data()[0])
    before = model.get_weights()
    with pytest.raises(
        ValueError, match=r"returns 'total', 'part'. Received: monitor='loss'.*monitor='total'"
    ):
        sweep(model)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert "train_step" not in vars(model)


class OwnTrainFunction(_Custom):
    def make_train_function(self, force=False):
        def function(iterator):
            data = next(iter(iterator))
            self.step(data, lambda x, y, y_pred: self.compute_loss(x=x, y=y, y_pred=y_pred))
            return {"loss": 1.0}

        self.train_function = function


def test_a_train_function_that_leaves_out_the_step_is_refused():
    with pytest.raises(RuntimeError, match="OwnTrainFunction overrides `make_train_function`"):
        sweep(OwnTrainFunction())


class TwoOptimizers(_Custom):
    """A GAN in miniature: `compile` was given its optimizers in another way."""

    def train_step(self, data):
        return {"loss": keras.ops.zeros(())}


def test_a_model_without_an_optimizer_is_refused():
    model = TwoOptimizers()
    model.compile(None, "mse")
    with pytest.raises(TypeError, match=r"Received: model=<TwoOptimizers .* with optimizer=None"):
        sweep(model)
