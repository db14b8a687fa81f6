"""The loss of a model that has learned nothing, where the compiled loss and the output tell."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tb_lrfinder.keras.chance_loss import chance_loss
from tests.keras.event_file import read_config

losses = keras.losses


def classifier(units=10, outputs=1):
    inputs = keras.Input((4,))
    heads = [keras.layers.Dense(units)(inputs) for _ in range(outputs)]
    return keras.Model(inputs, heads[0] if outputs == 1 else heads)


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(10)

    def call(self, inputs):
        return self.dense(inputs)


@pytest.mark.parametrize(
    ("loss", "units", "expected"),
    [
        ("sparse_categorical_crossentropy", 10, math.log(10)),
        (losses.SparseCategoricalCrossentropy(from_logits=True), 10, math.log(10)),
        (losses.sparse_categorical_crossentropy, 10, math.log(10)),
        (losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), 3, math.log(3)),
        ("binary_crossentropy", 1, math.log(2)),
        (losses.BinaryCrossentropy(from_logits=True), 7, math.log(2)),
        (losses.SparseCategoricalCrossentropy(reduction="sum"), 10, None),
        (losses.CategoricalCrossentropy(axis=1), 10, None),
        ("mse", 10, None),
        ("kl_divergence", 10, None),
        (lambda y_true, y_pred: y_pred, 10, None),
        ({"dense": "mse"}, 10, None),
        (None, 10, None),
    ],
)
def test_only_crossentropies_are_known(loss, units, expected):
    model = classifier(units)
    model.compile("sgd", loss)
    assert chance_loss(model) == (None if expected is None else pytest.approx(expected))


def test_it_is_the_loss_of_uniform_probabilities():
    model = classifier()
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
    model.layers[-1].set_weights([np.zeros((4, 10)), np.zeros(10)])
    assert model.evaluate(np.ones((8, 4)), np.arange(8), verbose=0) == pytest.approx(chance_loss(model))


def with_dictionary():
    inputs = keras.Input((4,))
    return keras.Model(inputs, {name: keras.layers.Dense(10)(inputs) for name in "ab"})


def test_models_whose_output_is_unknown_or_not_one():
    unbuilt = keras.Sequential([keras.layers.Dense(10)])
    for model in (Subclassed(), unbuilt, classifier(outputs=2), with_dictionary()):
        model.compile("sgd", "sparse_categorical_crossentropy")
        assert chance_loss(model) is None


@pytest.mark.parametrize(("monitor", "expected"), [("loss", math.log(10)), ("accuracy", None)])
def test_a_sweep_records_it(tmp_path, monitor, expected):
    model = classifier()
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    finder = LRFinder(tmp_path, num_steps=3, per="epoch", monitor=monitor, verbose=0)
    data = np.ones((4, 4)), np.zeros(4)
    model.fit(*data, epochs=3, validation_data=data, verbose=0, callbacks=[finder])
    recorded = read_config(tmp_path)["chance_loss"]
    assert recorded == (None if expected is None else pytest.approx(expected))
