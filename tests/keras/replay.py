"""The expected rows of a sweep, computed batch by batch with `train_on_batch` of Keras.

With the metrics cleared before every batch, what `train_on_batch` returns is the loss of that batch alone,
from the weights before it; and it is given the learning rate in the plainest way, as a float.
"""

from __future__ import annotations

import keras
import numpy as np


def regression_data(samples=96, features=4, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(samples, features)).astype("float32")
    y = (x @ rng.normal(size=(features, 1)) + 0.1 * rng.normal(size=(samples, 1))).astype("float32")
    return x, y


def small_model(optimizer="adam", *, features=4, loss="mse", **compile_arguments):
    """The same weights each time: those of two models made after another agree."""
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [keras.Input((features,)), keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)]
    )
    model.compile(optimizer, loss, **compile_arguments)
    return model


def batches_of(x, y=None, sample_weight=None, *, batch_size=16, epochs=1):
    """The batches that `fit(..., shuffle=False)` gives, over all epochs."""
    total = len(keras.tree.flatten(x)[0])

    def cut(data, start):
        if data is None:
            return None
        return keras.tree.map_structure(lambda array: array[start : start + batch_size], data)

    one_epoch = [
        (cut(x, start), cut(y, start), cut(sample_weight, start)) for start in range(0, total, batch_size)
    ]
    return one_epoch * epochs


def replay(model, batches, rates, batches_per_step=1, name="loss"):
    """Train a twin of the swept model with float learning rates; return the loss of each batch."""
    losses = []
    for index, (x, y, sample_weight) in enumerate(batches[: len(rates) * batches_per_step]):
        model.optimizer.learning_rate = rates[index // batches_per_step]
        model.reset_metrics()  # which train_on_batch of older versions does not
        losses.append(model.train_on_batch(x, y, sample_weight=sample_weight, return_dict=True)[name])
    return np.array(losses)


def state_of(model):
    """Every number that a training step may change, by the path of its variable."""
    variables = [*model.variables, *model.optimizer.variables]
    return [np.array(variable.numpy()) for variable in variables]


def same_state(first, second):
    return len(first) == len(second) and all(
        a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(first, second, strict=True)
    )
