"""Sweeps of a model that is already trained, in real training."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tb_lrfinder import find_lr, read_log_dir
from tb_lrfinder.plugin.request_params import SweepsParams
from tb_lrfinder.plugin.sweep_response import sweep_fields

CLASSES = 4


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    y = random.integers(0, CLASSES, 256)
    return (np.eye(CLASSES)[y] * 3 + random.normal(size=(256, CLASSES))).astype("float32"), y


@pytest.fixture
def trained(data):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((CLASSES,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(CLASSES)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss)
    model.fit(*data, epochs=20, verbose=0)
    return model


def test_a_sweep_suggests_a_rate_that_keeps_what_was_learned(data, trained, tmp_path):
    before = trained.evaluate(*data, verbose=0)
    finder = find_lr(trained, *data, log_dir=tmp_path, batch_size=32, verbose=0)
    assert finder.diagnosis[0].code == "already_trained"
    assert f"compared to {np.log(CLASSES):.2g} without any training" in finder.diagnosis[0].message
    assert trained.evaluate(*data, verbose=0) == before
    assert finder.apply() == pytest.approx(finder.suggestion.learning_rate)
    trained.fit(*data, epochs=4, verbose=0)
    assert trained.evaluate(*data, verbose=0) < 1.05 * before
    trained.optimizer.learning_rate = 100 * finder.suggestion.learning_rate
    trained.fit(*data, epochs=4, verbose=0)
    assert trained.evaluate(*data, verbose=0) > 1.05 * before


def test_the_page_computes_the_same_for_other_settings(data, trained, tmp_path):
    find_lr(trained, *data, log_dir=tmp_path, batch_size=32, verbose=0)
    (recorded,) = read_log_dir(tmp_path)
    stored, computed = (
        sweep_fields(recorded, SweepsParams([recorded.run], smoothing=smoothing))
        for smoothing in (None, 0.29)
    )
    assert stored["diagnosis"][0]["code"] == "already_trained"
    assert computed["diagnosis"] == stored["diagnosis"]
    assert computed["suggestion"]["learning_rate"] == stored["suggestion"]["learning_rate"]


def test_the_same_model_untrained_has_a_descent(data, trained):
    untrained = keras.models.clone_model(trained)
    untrained.compile(keras.optimizers.Adam(), trained.loss)
    finder = find_lr(untrained, *data, batch_size=32, verbose=0)
    assert "already_trained" not in [finding.code for finding in finder.diagnosis]
    assert finder.suggestion.learning_rate > 1e-4
