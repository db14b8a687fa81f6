"""The tasks of the held-out benchmark: data, network, optimizer, budget. `regret_build.py` trains them.

They are small enough for hundreds of trainings on one core, and as unlike each other as small tasks can be.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers
from regret_datasets import (
    Arrays,
    adding,
    bags_of_words,
    bars,
    counts,
    digits,
    digits_to_themselves,
    first_and_last,
    generated,
    noisy_sine,
    sum_of_signs,
    table,
    two_spirals,
    wave_forms,
)
from sklearn import datasets

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

TASKS = (
    Task(
        "wine_mlp_sgd",
        table(datasets.load_wine),
        dense(16, out=3, activation="tanh", end="softmax"),
        SGD,
        SPARSE,
        16,
        20,
    ),
    Task("iris_logistic_adam", table(datasets.load_iris), dense(out=3, end="softmax"), ADAM, SPARSE, 16, 30),
    Task("digits_logistic_nesterov", digits(), dense(out=10, end="softmax"), NESTEROV, SPARSE, 32, 10),
    Task(
        "digits_bnmlp_rmsprop",
        digits(),
        dense(48, 24, out=10, norm=True, end="softmax"),
        RMSPROP,
        SPARSE,
        64,
        8,
    ),
    Task(
        "digits_noisylabels_sgd_b8",
        digits(wrong_labels=0.2),
        dense(32, out=10, end="softmax"),
        SGD,
        SPARSE,
        8,
        4,
    ),
    Task(
        "classes_dropout_adafactor",
        generated("classification", n_samples=1500, n_informative=6, n_classes=3),
        dense(64, out=3, dropout=0.4, end="softmax"),
        ADAFACTOR,
        SPARSE,
        32,
        8,
    ),
    Task(
        "digits_deepmlp_adadelta",
        digits(),
        dense(32, 32, 32, out=10, end="softmax"),
        ADADELTA,
        SPARSE,
        32,
        12,
    ),
    Task(
        "digits_autoencoder_adam",
        digits_to_themselves,
        dense(32, 8, 32, out=64, end="sigmoid"),
        ADAM,
        MSE,
        64,
        15,
    ),
    Task(
        "digits_bncnn_momentum",
        digits(images=True),
        classifier(
            new(layers.Conv2D, 8, 3),
            NORM,
            layers.ReLU,
            POOL,
            new(layers.Conv2D, 16, 3, activation="relu"),
            FLATTEN,
            classes=10,
        ),
        MOMENTUM,
        SPARSE,
        64,
        6,
    ),
    Task(
        "digits_cnn_nadam_b128",
        digits(images=True),
        classifier(
            new(layers.Conv2D, 8, 3, activation="relu"),
            new(layers.Conv2D, 16, 3, activation="relu"),
            AVERAGE,
            classes=10,
        ),
        NADAM,
        SPARSE,
        128,
        10,
    ),
    Task(
        "bars_cnn_rmsprop",
        bars,
        classifier(
            new(layers.Conv2D, 6, 3, activation="elu"), POOL, FLATTEN, new(layers.Dense, 16, "elu"), classes=4
        ),
        RMSPROP_MOMENTUM,
        SPARSE,
        32,
        8,
    ),
    Task(
        "cancer_bnmlp_adamw",
        table(datasets.load_breast_cancer),
        dense(24, 12, out=1, norm=True, end="sigmoid"),
        ADAMW,
        BINARY,
        32,
        12,
    ),
    Task(
        "cancer_logistic_rmsprop_b128",
        table(datasets.load_breast_cancer),
        dense(out=1, end="sigmoid"),
        RMSPROP,
        BINARY,
        64,
        20,
    ),
    Task("diabetes_mlp_momentum", table(datasets.load_diabetes), dense(16, out=1), MOMENTUM, MSE, 32, 20),
    Task(
        "friedman2_rawtarget_rmsprop",
        generated("friedman2", n_samples=1200, noise=20.0),
        dense(32, out=1),
        RMSPROP,
        MSE,
        32,
        15,
    ),
    Task(
        "friedman3_mlp_adamax",
        generated("friedman3", n_samples=1200, noise=0.1),
        dense(32, 16, out=1, activation="tanh"),
        ADAMAX,
        MSE,
        64,
        15,
    ),
    Task(
        "friedman1_mae_amsgrad",
        generated("friedman1", n_samples=1200, noise=0.5),
        dense(32, out=1),
        AMSGRAD,
        MAE,
        32,
        12,
    ),
    Task(
        "counts_poisson_sgd",
        counts,
        dense(24, out=1, activation="tanh", end="softplus"),
        SGD,
        "poisson",
        32,
        12,
    ),
    Task(
        "circles_mlp_adagrad",
        generated("circles", n_samples=1000, noise=0.1, factor=0.5),
        dense(8, 8, out=1, end="sigmoid"),
        ADAGRAD,
        BINARY,
        32,
        20,
    ),
    Task(
        "spirals_mlp_adam",
        two_spirals,
        dense(32, 32, out=1, activation="tanh", end="sigmoid"),
        ADAM,
        BINARY,
        64,
        40,
    ),
    Task("sine_mlp_momentum", noisy_sine, dense(32, 32, out=1), MOMENTUM, MSE, 32, 20),
    Task(
        "blobs_mlp_lion",
        generated("blobs", n_samples=1200, centers=8, n_features=6, cluster_std=3.0),
        dense(24, out=8, end="softmax"),
        LION,
        SPARSE,
        32,
        10,
    ),
    Task(
        "classes_dropout_adamw_b256",
        generated("classification", n_samples=2500, n_features=16, n_informative=8, n_classes=4, flip_y=0.05),
        dense(48, 24, out=4, dropout=0.2, end="softmax"),
        ADAMW,
        SPARSE,
        256,
        20,
    ),
    Task(
        "words_embedding_adam",
        bags_of_words,
        classifier(new(layers.Embedding, 300, 12), layers.GlobalAveragePooling1D, classes=6),
        ADAM,
        SPARSE,
        64,
        12,
    ),
    Task(
        "words_embedding_sgd_b16",
        bags_of_words,
        classifier(new(layers.Embedding, 300, 8), FLATTEN, new(layers.Dense, 16, "relu"), classes=6),
        SGD,
        SPARSE,
        16,
        8,
    ),
    Task("signs_gru_adam", sum_of_signs, classifier(new(layers.GRU, 12), classes=2), ADAM, BINARY, 64, 8),
    Task("adding_lstm_nadam", adding, lambda: [layers.LSTM(16), layers.Dense(1)], NADAM, MSE, 32, 12),
    Task(
        "waveforms_conv1d_lion",
        wave_forms,
        classifier(
            new(layers.Conv1D, 12, 5, activation="relu"),
            new(layers.MaxPooling1D, 2),
            new(layers.Conv1D, 12, 5, activation="relu"),
            layers.GlobalAveragePooling1D,
            classes=3,
        ),
        LION,
        SPARSE,
        64,
        10,
    ),
    Task(
        "waveforms_rnn_rmsprop",
        wave_forms,
        classifier(new(layers.SimpleRNN, 24), classes=3),
        RMSPROP,
        SPARSE,
        32,
        10,
    ),
    Task(
        "tokens_attention_adamw",
        first_and_last,
        classifier(new(Attention, 4, 12, 16), classes=2),
        ADAMW,
        BINARY,
        64,
        12,
    ),
)
