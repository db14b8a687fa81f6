"""The description of the model in the event file."""

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
def test_models_with_automatic_names_have_the_same_name(make):
    first, second = make(), make()
    assert first.name != second.name
    assert model_name(first) == model_name(second) == first.name


@pytest.mark.parametrize("name", ["convnet_2", "functional_3b", "lenet_5"])
def test_a_chosen_name_is_kept(name):
    assert model_name(functional(name=name)) == name
