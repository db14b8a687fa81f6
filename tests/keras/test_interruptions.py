"""An interrupted sweep leaves no trace either."""

import warnings

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.backends import BACKEND
from tests.keras.replay import regression_data, same_state, small_model, state_of


class StopError(Exception):
    pass


def raising(error, batch=5):
    def on_train_batch_begin(index, logs=None):
        if index == batch:
            raise error

    return keras.callbacks.LambdaCallback(on_train_batch_begin=on_train_batch_begin)


def new_finder(log_dir=None, **arguments):
    return LRFinder(log_dir, 1e-4, 10.0, 12, stop=None, verbose=0, **arguments)


def cut_off(model, error, epoch=1):
    """Have `error` raised by a line of Keras' `fit` that no guard sees, as Ctrl-C may."""
    epochs = iter(range(epoch))

    def reset_metrics():
        if next(epochs, None) is None:
            del vars(model)["reset_metrics"]
            raise error
        type(model).reset_metrics(model)

    object.__setattr__(model, "reset_metrics", reset_metrics)


def interrupted(model, finder, error):
    """A fit that ends in the middle of the sweep, after five steps, where nobody notices."""
    cut_off(model, error)
    with pytest.raises(type(error)):
        model.fit(*regression_data(), batch_size=20, epochs=3, verbose=0, callbacks=[finder])


def prepared():
    model = small_model()
    model.fit(*regression_data(), verbose=0)
    return model


@pytest.mark.parametrize(
    "error", [StopError("broken"), KeyboardInterrupt(), MemoryError()], ids=lambda e: type(e).__name__
)
def test_finder_restore(error):
    model = prepared()
    before = state_of(model)
    finder = new_finder()
    interrupted(model, finder, error)
    assert not same_state(before, state_of(model))
    finder.restore()
    assert same_state(before, state_of(model))
    assert finder.stop_reason == "interrupted"
    assert len(finder.sweep) == 5
    finder.restore()  # once more changes nothing
    assert same_state(before, state_of(model))


@pytest.mark.parametrize(
    ("error", "reason"),
    [(StopError("broken"), "failed"), (KeyboardInterrupt(), "interrupted")],
    ids=["error", "ctrl-c"],
)
def test_with_finder(error, reason):
    model = prepared()
    before = state_of(model)
    with pytest.raises(type(error)), new_finder() as finder:
        model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder, raising(error)])
    assert same_state(before, state_of(model))
    assert finder.stop_reason == reason


def test_with_finder_after_a_sweep_that_ended():
    model = prepared()
    before = state_of(model)
    with new_finder() as finder:
        model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder])
    assert finder.stop_reason == "completed"
    assert same_state(before, state_of(model))


def test_the_next_fit_without_the_finder_restores_the_model():
    plain, model = prepared(), prepared()
    interrupted(model, new_finder(), StopError())
    with pytest.warns(UserWarning, match="was interrupted; the model has been restored"):
        model.fit(*regression_data(), shuffle=False, verbose=0)
    plain.fit(*regression_data(), shuffle=False, verbose=0)
    assert same_state(state_of(plain), state_of(model))
    assert not {"make_train_function", "train_step"} & set(vars(model))


def test_the_next_train_on_batch_restores_the_model():
    plain, model = prepared(), prepared()
    interrupted(model, new_finder(), StopError())
    with pytest.warns(UserWarning, match="restored"):
        model.train_on_batch(*regression_data())
    plain.train_on_batch(*regression_data())
    assert same_state(state_of(plain), state_of(model))


@pytest.mark.parametrize("same_finder", [True, False])
def test_the_next_fit_with_a_finder_restores_the_model(same_finder):
    model = prepared()
    before = state_of(model)
    finder = new_finder()
    interrupted(model, finder, StopError())
    again = finder if same_finder else new_finder()
    with pytest.warns(UserWarning, match="restored"):
        model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[again])
    assert again.stop_reason == "completed"
    assert same_state(before, state_of(model))


def test_the_same_finder_on_another_model_restores_the_first():
    first, second = prepared(), prepared()
    before = [state_of(first), state_of(second)]
    finder = new_finder()
    interrupted(first, finder, StopError())
    second.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder])
    assert finder.stop_reason == "completed"
    assert same_state(before[0], state_of(first))
    assert same_state(before[1], state_of(second))
    first.fit(*regression_data(), verbose=0)
    assert finder.stop_reason == "completed"


def test_compile_in_between():
    """A new optimizer, loss tracker and train function are left alone; the weights come back."""
    model = prepared()
    before = model.get_weights()
    finder = new_finder()
    interrupted(model, finder, StopError())
    model.compile("sgd", "mae")
    finder.restore()
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert model.train_function is None
    model.fit(*regression_data(), verbose=0)
    assert float(model.optimizer.learning_rate.numpy()) == np.float32(0.01)


@pytest.mark.parametrize("built", [True, False])
def test_an_error_in_a_step_restores_the_model_immediately(built):
    """A generator that breaks: the error goes through the train function."""
    keras.utils.set_random_seed(7)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("adam", "mse")
    if built:
        model.build((None, 4))
    x, y = regression_data()

    def batches():
        for start in range(0, 40, 8):
            yield x[start : start + 8], y[start : start + 8]
        raise StopError("the disk is gone")

    finder = new_finder()
    before = model.get_weights()
    # TensorFlow wraps what a generator raises in an error of its own.
    kind = Exception if BACKEND == "tensorflow" else StopError
    with pytest.raises(kind, match="the disk is gone"):
        model.fit(batches(), verbose=0, callbacks=[finder])
    assert finder.stop_reason == "failed"
    assert 3 <= len(finder.sweep) <= 5
    if built:
        assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model.fit(x, y, verbose=0)  # nothing is left to restore


def test_what_was_recorded_is_written_with_the_error(tmp_path):
    from tests.keras.event_file import read_sweep

    model = prepared()
    finder = new_finder(tmp_path / "sweep")
    with pytest.raises(StopError), finder:
        model.fit(
            *regression_data(), batch_size=8, verbose=0, callbacks=[finder, raising(StopError("no more"))]
        )
    rows, result = read_sweep(finder.log_dir)
    assert len(rows) == 5
    assert result["stop_reason"] == "failed"
    assert result["message"] == "StopError: no more"


def test_an_error_before_the_first_batch_changes_nothing(tmp_path):
    model = prepared()
    before, names = state_of(model), set(vars(model))
    finder = LRFinder(tmp_path / "sweep", num_steps=500)
    with pytest.raises(ValueError, match="epochs="):
        model.fit(*regression_data(), verbose=0, callbacks=[finder])
    assert same_state(before, state_of(model))
    assert set(vars(model)) == names
    assert not (tmp_path / "sweep").exists()


def test_ctrl_c_while_the_event_file_is_closed_keeps_the_results(tmp_path, monkeypatch):
    """Closing may take long on a slow disk or network."""
    from tb_lrfinder.storage.writer import SweepWriter

    real = SweepWriter.close

    def close(self, result):
        monkeypatch.setattr(SweepWriter, "close", real)
        real(self, result)
        raise KeyboardInterrupt

    monkeypatch.setattr(SweepWriter, "close", close)
    model = small_model()
    model.fit(*regression_data(), verbose=0)
    before = state_of(model)
    finder = LRFinder(tmp_path / "a", 1e-4, 0.1, 5, stop=None, verbose=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder])
    assert finder.stop_reason == "completed"
    assert finder.log_dir == str(tmp_path / "a")
    assert finder.suggestion is not None
    assert same_state(before, state_of(model))
