"""Bad arguments get a clear error before the training starts."""

import re

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.replay import regression_data, same_state, small_model, state_of


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"start_lr": 0.0}, ValueError),
        ({"start_lr": -1e-3}, ValueError),
        ({"start_lr": "1e-3"}, TypeError),
        ({"start_lr": float("nan")}, ValueError),
        ({"start_lr": None}, TypeError),
        ({"end_lr": float("inf")}, ValueError),
        ({"end_lr": True}, TypeError),
        ({"start_lr": 1.0, "end_lr": 0.1}, ValueError),
        ({"start_lr": 1.0, "end_lr": 1.0}, ValueError),
        ({"num_steps": 1}, ValueError),
        ({"num_steps": -5}, ValueError),
        ({"num_steps": 10.5}, TypeError),
        ({"num_steps": "100"}, TypeError),
        ({"ramp": "cosine"}, ValueError),
        ({"per": "step"}, ValueError),
        ({"batches_per_step": 0}, ValueError),
        ({"batches_per_step": 2, "per": "epoch"}, ValueError),
        ({"stop": "never"}, ValueError),
        ({"stop": 4.0}, ValueError),
        ({"validation_samples": 0}, ValueError),
        ({"smoothing": -0.1}, ValueError),
        ({"smoothing": 3}, ValueError),
        ({"delta_window": 0}, ValueError),
        ({"seed": -1}, ValueError),
        ({"seed": "a"}, TypeError),
        ({"monitor": 3}, TypeError),
        ({"log_dir": 5}, TypeError),
    ],
    ids=str,
)
def test_it_is_refused_by_name_and_value(arguments, error):
    with pytest.raises(error) as caught:
        LRFinder(**arguments)
    name = next(iter(arguments))
    assert f"`{name}`" in str(caught.value)
    assert f"{name}={arguments[name]!r}" in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"start_lr": np.float32(1e-5), "end_lr": 1, "num_steps": np.int64(20)},
        {"smoothing": 0, "delta_window": np.int32(5), "seed": np.int64(3)},
    ],
    ids=str,
)
def test_numbers_of_numpy_are_numbers(arguments):
    finder = LRFinder(verbose=0, **arguments)
    small_model().fit(*regression_data(), batch_size=8, epochs=20, verbose=0, callbacks=[finder])
    assert finder.stop_reason in ("completed", "diverged")


def fit_with(log_dir):
    model = small_model()
    model.fit(*regression_data(), verbose=0)
    before = state_of(model)
    batches = []
    spy = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: batches.append(batch))
    with pytest.raises(OSError, match=re.escape(f"log_dir={str(log_dir)!r}")):
        model.fit(*regression_data(), batch_size=8, epochs=20, verbose=0, callbacks=[LRFinder(log_dir), spy])
    assert not batches
    assert same_state(before, state_of(model))
    assert not {"train_step", "make_train_function"} & set(vars(model))


def test_a_file_as_log_dir(tmp_path):
    (tmp_path / "a").write_text("here first")
    fit_with(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "here first"


def test_a_directory_that_cannot_be_written_to():
    fit_with("/proc/lr_finder")


def test_a_model_that_is_none_of_keras_3():
    class Model:
        """As tf_keras has them."""

    with pytest.raises(
        TypeError, match=r"models of Keras 3\. Received: .*Model\. Build the model with `keras`"
    ):
        LRFinder().set_model(Model())
