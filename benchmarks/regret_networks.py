"""What the tasks of the benchmark are made of besides their data: networks, optimizers, losses."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers
from regret_datasets import Arrays

Network = Callable[[], list[Any]]


@dataclass(frozen=True)
class Task:
    """One row of the table.

    Args:
        name: Data set, network and optimizer in short.
        data: Returns all inputs and targets; a fifth of them, chosen once, is for validation.
        network: Returns new layers.
        optimizer: Returns a new optimizer for a learning rate; with None, one with Keras' default.
        loss: Name of a Keras loss.
        batch: Size of a batch.
        epochs: Of a short training. A long one has four times as many.
    """

    name: str
    data: Callable[[], Arrays]
    network: Network
    optimizer: Callable[[float | None], Any]
    loss: str
    batch: int
    epochs: int


def _optimizer(kind: str, **settings: Any) -> Callable[[float | None], Any]:
    def make(learning_rate: float | None) -> Any:
        given = {} if learning_rate is None else {"learning_rate": learning_rate}
        return getattr(keras.optimizers, kind)(**given, **settings)

    return make


SGD = _optimizer("SGD")
MOMENTUM = _optimizer("SGD", momentum=0.9)
NESTEROV = _optimizer("SGD", momentum=0.9, nesterov=True)
HEAVY_MOMENTUM = _optimizer("SGD", momentum=0.95)
ADAM = _optimizer("Adam")
ADAMW = _optimizer("AdamW", weight_decay=0.01)
ADAMAX = _optimizer("Adamax")
AMSGRAD = _optimizer("Adam", amsgrad=True)
NADAM = _optimizer("Nadam")
RMSPROP = _optimizer("RMSprop")
RMSPROP_MOMENTUM = _optimizer("RMSprop", rho=0.95, momentum=0.9)
ADAGRAD = _optimizer("Adagrad")
ADADELTA = _optimizer("Adadelta")
LION = _optimizer("Lion")
ADAFACTOR = _optimizer("Adafactor")

# Networks.


def dense(
    *units: int, out: int, activation: str = "relu", norm: bool = False, dropout: float = 0.0, end: Any = None
) -> Network:
    def network() -> list[Any]:
        stack: list[Any] = []
        for width in units:
            stack.append(layers.Dense(width, use_bias=not norm))
            stack += [layers.BatchNormalization()] * norm
            stack.append(layers.Activation(activation))
            stack += [layers.Dropout(dropout)] if dropout else []
        return [*stack, layers.Dense(out, activation=end)]

    return network


def classifier(*front: Callable[[], Any], classes: int) -> Network:
    """Some layers, and a softmax or a sigmoid."""

    def network() -> list[Any]:
        end = layers.Dense(1, "sigmoid") if classes == 2 else layers.Dense(classes, "softmax")
        return [*(make() for make in front), end]

    return network


class Attention(layers.Layer):
    """One block of self-attention with what belongs to it, on tokens and their positions."""

    def __init__(self, tokens: int, length: int, width: int) -> None:
        super().__init__()
        self.embed, self.place = layers.Embedding(tokens, width), layers.Embedding(length, width)
        self.attend, self.norm = layers.MultiHeadAttention(2, width // 2), layers.LayerNormalization()
        self.inner, self.outer = layers.Dense(2 * width, "gelu"), layers.Dense(width)
        self.positions = np.arange(length)

    def call(self, tokens: Any) -> Any:
        """Averages over the positions in the end."""
        x = self.embed(tokens) + self.place(self.positions)
        x = x + self.attend(x, x)
        x = x + self.outer(self.inner(self.norm(x)))
        return keras.ops.mean(x, 1)


new = functools.partial  # a layer that is made anew for each network
FLATTEN, AVERAGE, NORM = layers.Flatten, layers.GlobalAveragePooling2D, layers.BatchNormalization
POOL = new(layers.MaxPooling2D)
SPARSE, BINARY = "sparse_categorical_crossentropy", "binary_crossentropy"
MSE, MAE = "mean_squared_error", "mean_absolute_error"
