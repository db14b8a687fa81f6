"""Models whose methods are decorated with `tf.function`: their existing traces, and those of the sweep."""

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tb_lrfinder.keras import internals
from tb_lrfinder.keras.sweep.set_learning_rate import set_learning_rate
from tests.keras.backends import BACKEND
from tests.keras.replay import batches_of, regression_data, replay, same_state, small_model, state_of

if BACKEND != "tensorflow":
    pytest.skip("tf.function only exists on TensorFlow", allow_module_level=True)

import tensorflow as tf


class _Model(keras.Model):
    """The same model as `small_model`, with the same weights."""

    def __init__(self):
        keras.utils.set_random_seed(7)
        super().__init__()
        self.hidden = keras.layers.Dense(8, activation="tanh")
        self.out = keras.layers.Dense(1)
        self.compile("sgd", "mse")
        self.loss_mean = keras.metrics.Mean(name="loss")
        self.hidden.build((None, 4))
        self.out.build((None, 8))

    @property
    def metrics(self):
        return [self.loss_mean]

    def call(self, inputs):
        return self.out(self.hidden(inputs))

    def update(self, x, y):
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
            if loss > 1e9:  # requires AutoGraph
                loss = loss * 1.0
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.loss_mean.update_state(loss)
        return {"loss": self.loss_mean.result()}


class DecoratedStep(_Model):
    @tf.function
    def train_step(self, data):
        x, y = data[:2]
        return self.update(x, y)


class DecoratedHelper(_Model):
    def train_step(self, data):
        x, y = data[:2]
        return self.decorated(x, y)

    @tf.function
    def decorated(self, x, y):
        return self.update(x, y)


class DecoratedAttribute(_Model):
    def __init__(self):
        super().__init__()
        self.decorated = tf.function(self.update)

    def train_step(self, data):
        x, y = data[:2]
        return self.decorated(x, y)


kinds = pytest.mark.parametrize(
    "kind", [DecoratedStep, DecoratedHelper, DecoratedAttribute], ids=lambda kind: kind.__name__
)
modes = pytest.mark.parametrize("run_eagerly", [False, True], ids=["compiled", "eager"])


def train(model, epochs=1, callbacks=(), seed=0):
    return model.fit(
        *regression_data(seed=seed),
        batch_size=16,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=[*callbacks],
    )


def sweep(model, **arguments):
    options = {"start_lr": 1e-3, "end_lr": 0.2, "num_steps": 12, "stop": None, "verbose": 0}
    finder = LRFinder(None, **options | arguments)
    train(model, epochs=2, callbacks=[finder])
    return finder


@kinds
@modes
@pytest.mark.parametrize("traced_before", [False, True], ids=["new", "traced before"])
def test_the_sweep_records_true_losses_and_leaves_no_trace(kind, run_eagerly, traced_before):
    model, twin = kind(), small_model("sgd")
    model.run_eagerly = run_eagerly
    if traced_before:
        train(model)
        train(twin)
    before = state_of(model)
    finder = sweep(model)
    assert same_state(before, state_of(model))

    reference = small_model("sgd")
    reference.set_weights(twin.get_weights())
    batches = batches_of(*regression_data(), epochs=2)
    assert finder.sweep.loss == pytest.approx(
        replay(reference, batches, finder.sweep.learning_rate), rel=1e-6
    )

    # Training after the sweep uses the optimizer's own learning rate.
    history = train(model, epochs=2)
    expected = train(twin, epochs=2)
    assert history.history["loss"] == pytest.approx(expected.history["loss"], rel=1e-6)
    model.optimizer.learning_rate = 0.0
    before = model.get_weights()
    train(model)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@kinds
def test_a_second_sweep_has_a_ramp_of_its_own(kind):
    model = kind()
    first = sweep(model)
    second = sweep(model, start_lr=1e-2, end_lr=0.1)
    for finder in (first, second):
        rates = finder.sweep.learning_rate
        losses = replay(small_model("sgd"), batches_of(*regression_data(), epochs=2), rates)
        assert finder.sweep.loss == pytest.approx(losses, rel=1e-6)


@kinds
def test_a_scaled_schedule_is_used_by_functions_that_were_traced_with_the_old_one(kind):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    model, twin = kind(), small_model(keras.optimizers.SGD(schedule))
    model.compile(keras.optimizers.SGD(schedule), "mse")
    train(model)
    train(twin)
    set_learning_rate(model, [model.optimizer], 0.01)
    twin.compile(keras.optimizers.SGD(internals.own_learning_rate(model.optimizer)), "mse")
    twin.optimizer.build(twin.trainable_variables)
    twin.optimizer.iterations.assign(model.optimizer.iterations)
    assert train(model).history["loss"] == pytest.approx(train(twin).history["loss"], rel=1e-6)
    np.testing.assert_allclose(model.get_weights()[0], twin.get_weights()[0], rtol=1e-5)


class DecoratedCall(_Model):
    @tf.function
    def call(self, inputs):
        return self.out(self.hidden(inputs))

    def train_step(self, data):
        x, y = data[:2]
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.loss_mean.update_state(loss)
        return {"loss": self.loss_mean.result()}

    def test_step(self, data):
        x, y = data[:2]
        self.loss_mean.update_state(
            self.compute_loss(x=x, y=y, y_pred=self(x, training=False), training=False)
        )
        return {"loss": self.loss_mean.result()}


@modes
def test_the_validation_loss_does_not_keep_the_weights_of_the_sweep(run_eagerly):
    data = regression_data(24, seed=1)
    model, twin = DecoratedCall(), small_model("sgd")
    model.run_eagerly = run_eagerly
    finder = sweep(model, validation_data=data)
    assert len(set(finder.sweep.validation_loss)) == 12
    train(model)
    train(twin)
    expected = twin.evaluate(*data, batch_size=24, verbose=0)
    found = model.evaluate(*data, batch_size=24, verbose=0, return_dict=True)["loss"]
    assert found == pytest.approx(expected, rel=1e-6)


def test_tensorflow_is_as_before_after_a_sweep():
    kind = type(tf.function(lambda: None))
    before = kind.__call__
    sweep(DecoratedStep())
    assert kind.__call__ is before
    with pytest.raises(ValueError, match="Received: monitor='other'"):
        sweep(DecoratedStep(), monitor="other")
    assert kind.__call__ is before
