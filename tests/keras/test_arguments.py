"""Bad arguments get a clear error before the training starts."""

import re

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder, find_lr
from tests.keras.event_file import read_config, read_sweep
from tests.keras.replay import regression_data, same_state, small_model, state_of


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"start_lr": 0.0}, ValueError),
        ({"start_lr": -1e-3}, ValueError),
        ({"start_lr": "1e-3"}, TypeError),
        ({"start_lr": float("nan")}, ValueError),
        ({"start_lr": "own"}, TypeError),
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
        ({"stop": 4.0}, TypeError),
        ({"validation_samples": 0}, ValueError),
        ({"smoothing": -0.1}, ValueError),
        ({"smoothing": 3}, ValueError),
        ({"delta_window": 0}, ValueError),
        ({"seed": -1}, ValueError),
        ({"seed": "a"}, TypeError),
        ({"monitor": 3}, TypeError),
        ({"monitor": ""}, ValueError),
        ({"optimizer": 3}, TypeError),
        ({"optimizer": ""}, ValueError),
        ({"restore": "no"}, TypeError),
        ({"restore": 0}, TypeError),
        ({"smoothing": "0.2"}, TypeError),
        ({"delta_window": 2.0}, TypeError),
        ({"verbose": 2}, ValueError),
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


def test_numpy_scalars_are_numbers(tmp_path):
    finder = LRFinder(
        np.str_(tmp_path / "a"),
        np.float32(1e-5),
        np.float64(1),
        np.int64(20),
        ramp=np.str_("linear"),
        per=np.str_("batch"),
        batches_per_step=np.int32(2),
        stop=None,
        validation_data=regression_data(8),
        validation_samples=np.int16(4),
        monitor=np.str_("loss"),
        restore=np.bool_(True),
        smoothing=np.float32(0.25),
        delta_window=np.int32(5),
        seed=np.uint8(3),
        verbose=np.int64(0),
    )
    small_model().fit(*regression_data(), batch_size=8, epochs=20, verbose=0, callbacks=[finder])
    assert finder.stop_reason == "completed"
    config = read_config(finder.log_dir)
    assert (config["num_steps"], config["batches_per_step"], config["delta_window"]) == (20, 2, 5)
    assert (config["ramp"], config["smoothing"], config["seed"]) == ("linear", 0.25, 3)
    assert len(read_sweep(finder.log_dir)[0]) == 20


def test_find_lr_takes_numpy_scalars_too():
    finder = find_lr(
        small_model(), *regression_data(), num_steps=np.int64(5), batches_per_step=np.int64(2), verbose=0
    )
    assert len(finder.sweep) == 5
    with pytest.raises(
        TypeError, match=r"`batches_per_step` must be an integer .* Received: batches_per_step='2'"
    ):
        find_lr(small_model(), *regression_data(), batches_per_step="2")


@pytest.mark.parametrize(
    "model", [None, "model", keras.layers.Dense(1)], ids=lambda model: type(model).__name__
)
def test_find_lr_without_a_model(model):
    with pytest.raises(TypeError, match="`model` must be a Keras 3 model"):
        find_lr(model, *regression_data())


@pytest.mark.parametrize(("log_dir", "error"), [(None, TypeError), (3, TypeError), ("", ValueError)])
def test_where_to_save(log_dir, error):
    with pytest.raises(error, match=f"`log_dir` must be a path. Received: log_dir={log_dir!r}"):
        LRFinder().save(log_dir)


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
        TypeError, match=r"must be a Keras 3 model\. Received: .*Model\. Build the model with `keras`"
    ):
        LRFinder().set_model(Model())
