"""Small models that are trained as the larger ones of Keras' examples, on all backends."""

from __future__ import annotations

import keras

from tests.keras.backends import BACKEND
from tests.keras.custom_steps import CustomStep

ops = keras.ops


def mean_square(value):
    return ops.mean(ops.square(value))


class Tracked(CustomStep):
    """The loss is reported by a tracker of the model, as in most examples."""

    def __init__(self, optimizer="adam"):
        super().__init__(optimizer)
        self.loss_tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.loss_tracker]

    def finish(self, loss, y, y_pred):
        self.loss_tracker.update_state(loss)
        return {"loss": self.loss_tracker.result()}


class Autoencoder(CustomStep):
    """A variational autoencoder: random numbers in the step, and a tracker of another name."""

    def __init__(self):
        super().__init__("adam")
        self.encoder, self.decoder = keras.layers.Dense(4), keras.layers.Dense(4)
        self.seeds = keras.random.SeedGenerator(3)
        self.total = keras.metrics.Mean(name="total_loss")
        self.divergence = keras.metrics.Mean(name="kl_loss")

    @property
    def metrics(self):
        return [self.total, self.divergence]

    def call(self, inputs):
        encoded = self.encoder(inputs)
        mean, log_variance = encoded[:, :2], encoded[:, 2:]
        noise = keras.random.normal(ops.shape(mean), seed=self.seeds)
        return ops.concatenate([self.decoder(mean + ops.exp(0.5 * log_variance) * noise), encoded], axis=1)

    def divergence_of(self, y_pred):
        mean, log_variance = y_pred[:, 4:6], y_pred[:, 6:]
        return -0.5 * ops.mean(1 + log_variance - ops.square(mean) - ops.exp(log_variance))

    def loss_of(self, x, y, y_pred):
        return mean_square(y_pred[:, :4] - ops.convert_to_tensor(x)) + self.divergence_of(y_pred)

    def finish(self, loss, y, y_pred):
        self.total.update_state(loss)
        self.divergence.update_state(self.divergence_of(y_pred))
        return {"loss": self.total.result(), "kl_loss": self.divergence.result()}


class Siamese(Tracked):
    """An embedding, trained with a loss of triplets."""

    def call(self, inputs):
        anchor, near, far = (super(Siamese, self).call(each) for each in (inputs, inputs + 0.1, -inputs))
        return ops.square(anchor - near) - ops.square(anchor - far)

    def loss_of(self, x, y, y_pred):
        return ops.mean(ops.maximum(y_pred + 0.5, 0.0))


class Student(Tracked):
    """Distillation: a teacher that is not trained, and a loss of both predictions."""

    def __init__(self):
        super().__init__()
        self.teacher = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        self.teacher.trainable = False

    def call(self, inputs):
        return ops.concatenate([super().call(inputs), self.teacher(inputs)], axis=1)

    def loss_of(self, x, y, y_pred):
        student, teacher = y_pred[:, :1], y_pred[:, 1:]
        return 0.3 * self.compute_loss(x=x, y=y, y_pred=student) + 0.7 * mean_square(teacher - student)


class Trainer(Tracked):
    """A trainer that is wrapped around a network."""

    def __init__(self):
        super().__init__()
        layers = [keras.layers.Dense(8, activation="tanh"), keras.layers.BatchNormalization()]
        self.network = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(1)])

    def call(self, inputs, training=False):
        return self.network(inputs, training=training)


class Diffusion(Tracked):
    """Predicts noise, and keeps a moving average of its network in a second one, by assignment."""

    def __init__(self):
        super().__init__()
        self.network, self.average = (
            keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)]) for _ in range(2)
        )
        self.average.trainable = False
        self.average.set_weights(self.network.get_weights())
        self.seeds = keras.random.SeedGenerator(5)

    def call(self, inputs):
        noise = keras.random.normal(ops.shape(inputs), seed=self.seeds)
        return self.network(inputs + 0.5 * noise) - noise

    def loss_of(self, x, y, y_pred):
        return mean_square(y_pred)

    def train_step(self, *arguments):
        result = super().train_step(*arguments)
        if BACKEND != "jax":
            for weight, average in zip(self.network.weights, self.average.weights, strict=True):
                average.assign(0.9 * average + 0.1 * weight)
            return result
        logs, (trainable, non_trainable, optimizer, metrics) = result
        new = {
            variable.path: value for variable, value in zip(self.trainable_variables, trainable, strict=True)
        }
        of_average = {
            average.path: new[weight.path]
            for weight, average in zip(self.network.weights, self.average.weights, strict=True)
        }
        non_trainable = [
            0.9 * value + 0.1 * of_average[variable.path] if variable.path in of_average else value
            for variable, value in zip(self.non_trainable_variables, non_trainable, strict=True)
        ]
        return logs, (trainable, non_trainable, optimizer, metrics)


ALL = {
    "variational autoencoder": Autoencoder,
    "siamese network": Siamese,
    "distillation": Student,
    "trainer around a network": Trainer,
    "diffusion with an averaged network": Diffusion,
}
