"""A fit that is shorter than the ramp, and calls other than `fit`."""

import warnings

import keras
import pytest

from tb_lrfinder import LRFinder
from tests.keras.event_file import read_config
from tests.keras.replay import regression_data, same_state, small_model, state_of

DATA = regression_data()


def fit(finder, epochs, **arguments):
    return small_model("sgd").fit(
        *DATA, batch_size=8, epochs=epochs, verbose=0, callbacks=[finder], **arguments
    )  # 12 batches per epoch


def new_finder(log_dir=None, **arguments):
    return LRFinder(log_dir, **{"start_lr": 1e-4, "end_lr": 0.1, "stop": None, "verbose": 0} | arguments)


def shortened(num_steps):
    return pytest.warns(UserWarning, match=f"too short for a ramp of 100 steps, so the ramp has {num_steps}")


def test_the_ramp_becomes_as_long_as_the_fit(tmp_path):
    finder = new_finder(tmp_path)
    with shortened(36) as caught:
        fit(finder, epochs=3)
    assert len([one for one in caught if issubclass(one.category, UserWarning)]) == 1
    assert finder.stop_reason == "completed"
    assert len(finder.sweep) == 36
    assert finder.sweep.learning_rate[[0, -1]] == pytest.approx([1e-4, 0.1], rel=1e-6)
    assert read_config(tmp_path)["num_steps"] == 36


@pytest.mark.combinations
@pytest.mark.parametrize(
    ("arguments", "epochs", "num_steps"),
    [
        ({"batches_per_step": 2}, 6, 36),
        ({}, 8, 96),
        ({"per": "epoch"}, 30, 30),
    ],
)
def test_the_unit_of_the_ramp(arguments, epochs, num_steps):
    finder = new_finder(**arguments)
    with shortened(num_steps):
        fit(finder, epochs)
    assert len(finder.sweep) == num_steps


@pytest.mark.parametrize(
    ("arguments", "epochs", "message"),
    [
        ({}, 2, r"The ramp needs 100 batches .* only has 24 \(12 per epoch\)\. Pass epochs=9"),
        ({"num_steps": 25}, 2, r"The ramp needs 25 batches .* Pass epochs=3"),
        ({"per": "epoch"}, 29, r"needs 100 epochs, but `fit\(\)` only has 29\. Pass epochs=100"),
    ],
)
def test_below_thirty_steps_it_is_refused(arguments, epochs, message):
    with pytest.raises(ValueError, match=message):
        fit(new_finder(**arguments), epochs)


def test_a_short_ramp_that_fits_is_as_given():
    finder = new_finder(num_steps=12)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(finder, epochs=1)
    assert len(finder.sweep) == 12


@pytest.mark.parametrize("method", ["evaluate", "predict"])
@pytest.mark.parametrize("then", [None, "train"])
@pytest.mark.combinations
def test_a_finder_warns_that_it_does_nothing_outside_of_fit(method, then, tmp_path):
    model = small_model()
    model.fit(*DATA, verbose=0)
    before = state_of(model)
    others = [keras.callbacks.EarlyStopping("loss")]
    x = DATA if method == "evaluate" else DATA[:1]
    with pytest.warns(UserWarning, match=rf"LRFinder does nothing in `{method}\(\)`") as caught:
        getattr(model, method)(*x, verbose=0, callbacks=[new_finder(tmp_path, then=then), *others])
    assert len([one for one in caught if issubclass(one.category, UserWarning)]) == 1
    assert same_state(before, state_of(model))
    assert not any(tmp_path.iterdir())


def test_the_validation_of_a_fit_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(new_finder(num_steps=30), epochs=3, validation_data=DATA)
