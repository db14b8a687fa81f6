"""Models with a custom `train_step` and no `call()`: on TensorFlow, `fit` trains them unbuilt."""

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.backends import BACKEND
from tests.keras.replay import batches_of, regression_data, replay, same_state, state_of

if BACKEND != "tensorflow":
    pytest.skip(
        "on the other backends, fit itself refuses a model that it cannot build", allow_module_level=True
    )

import tensorflow as tf


class Trainer(keras.Model):
    """A trainer around a network, as in Keras' examples of diffusion models and knowledge distillation."""

    def __init__(self, built=True, optimizer="adam"):
        keras.utils.set_random_seed(7)
        super().__init__()
        layers = [keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)]
        self.network = keras.Sequential([keras.Input((4,)), *layers] if built else layers)
        self.compile(optimizer)

    def train_step(self, data):
        x, y = data[:2]
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self.network(x, training=True) - y))
        weights = self.network.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return {"loss": loss}


class Diffusion(Trainer):
    """A second network that follows the first one by assignment, and noise in the step."""

    def __init__(self):
        super().__init__()
        self.average = keras.models.clone_model(self.network)
        self.average.set_weights(self.network.get_weights())
        self.seeds = keras.random.SeedGenerator(3)

    def train_step(self, data):
        x, y = data[:2]
        noise = keras.random.normal(tf.shape(x), seed=self.seeds)
        logs = super().train_step((x + 0.5 * noise, y))
        for weight, average in zip(self.network.weights, self.average.weights, strict=True):
            average.assign(0.9 * average + 0.1 * weight)
        return logs


class Variational(keras.Model):
    """A variational autoencoder: random numbers of a layer, and the losses in metrics of its own."""

    def __init__(self):
        keras.utils.set_random_seed(7)
        super().__init__()
        self.encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
        self.decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
        self.seed = keras.random.SeedGenerator(3)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.divergence_tracker = keras.metrics.Mean(name="kl_loss")
        self.compile("adam")

    @property
    def metrics(self):
        return [self.loss_tracker, self.divergence_tracker]

    def train_step(self, data):
        x = data[0]
        with tf.GradientTape() as tape:
            mean, log_variance = tf.split(self.encoder(x), 2, axis=1)
            noise = keras.random.normal(tf.shape(mean), seed=self.seed)
            output = self.decoder(mean + tf.exp(0.5 * log_variance) * noise)
            divergence = -0.5 * tf.reduce_mean(1 + log_variance - tf.square(mean) - tf.exp(log_variance))
            loss = tf.reduce_mean(tf.square(output - x)) + divergence
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.loss_tracker.update_state(loss)
        self.divergence_tracker.update_state(divergence)
        return {metric.name: metric.result() for metric in self.metrics}


MODELS = {
    "trainer": Trainer,
    "trainer of a network that is built by the first batch": lambda: Trainer(built=False),
    "trainer with moving averages": lambda: Trainer(optimizer=keras.optimizers.Adam(use_ema=True)),
    "network built by the first batch, with moving averages": lambda: Trainer(
        built=False, optimizer=keras.optimizers.Adam(use_ema=True)
    ),
    "diffusion with an averaged network": Diffusion,
    "autoencoder": Variational,
}


def sweep(model, data, **arguments):
    finder = LRFinder(None, 1e-4, 0.1, 10, stop=None, verbose=0, **arguments)
    model.fit(*data, batch_size=8, shuffle=False, verbose=0, callbacks=[finder])
    return finder


@pytest.mark.parametrize("kind", MODELS)
def test_the_first_fit_is_swept_exactly(kind):
    data = regression_data()
    finder = sweep(MODELS[kind](), data)
    assert finder.stop_reason == "completed"
    expected = replay(MODELS[kind](), batches_of(*data, batch_size=8), finder.sweep.learning_rate)
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", MODELS)
def test_training_afterward_is_as_without_a_sweep(kind):
    data = regression_data()
    model, twin = MODELS[kind](), MODELS[kind]()
    keras.utils.set_random_seed(3)
    sweep(model, data)
    keras.utils.set_random_seed(3)
    losses = [
        each.fit(*data, batch_size=8, epochs=2, shuffle=False, verbose=0).history["loss"]
        for each in (model, twin)
    ]
    assert losses[0] == losses[1]
    assert same_state(state_of(model), state_of(twin))


def test_a_second_sweep_is_the_same():
    data = regression_data()
    model = Trainer(built=False)
    keras.utils.set_random_seed(3)
    first = sweep(model, data)
    keras.utils.set_random_seed(3)
    assert np.array_equal(first.sweep.loss, sweep(model, data).sweep.loss)


def test_an_error_of_the_train_step_is_raised_as_it_is():
    class Broken(Trainer):
        def train_step(self, data):
            raise ZeroDivisionError("of the train step")

    model = Broken(built=False)
    with pytest.raises(ZeroDivisionError, match="of the train step"):
        sweep(model, regression_data())
    assert not model.network.built
    assert "train_step" not in vars(model)
