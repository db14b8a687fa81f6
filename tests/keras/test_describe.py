"""What a sweep says of the model that it was."""

from __future__ import annotations

import keras
import pytest

from tb_lrfinder.keras.describe import model_name


class MixerNet(keras.Model):
    def call(self, inputs):
        return inputs


def functional(**name):
    inputs = keras.Input((2,))
    return keras.Model(inputs, keras.layers.Dense(1)(inputs), **name)


@pytest.mark.parametrize("make", [functional, keras.Sequential, MixerNet])
def test_models_that_nobody_has_named_are_called_alike(make):
    first, second = make(), make()
    assert first.name != second.name
    assert model_name(first) == model_name(second) == first.name


@pytest.mark.parametrize("name", ["convnet_2", "functional_3b", "lenet_5"])
def test_a_name_that_was_given_stays(name):
    assert model_name(functional(name=name)) == name
