"""Each Keras callback in the same fit, in either order: it is called, or muted with a warning."""

import json
import warnings

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.backends import averaged_weights
from tests.keras.replay import batches_of, regression_data, replay, same_state, small_model, state_of

WITHIN_ONE_EPOCH = {"batch_size": 8, "epochs": 1}  # 12 batches for 10 steps
OVER_SEVERAL = {"batch_size": 24, "epochs": 3}  # 4 batches an epoch


def new_finder(**arguments):
    return LRFinder(
        None, **{"start_lr": 1e-4, "end_lr": 0.1, "num_steps": 10, "stop": None, "verbose": 0} | arguments
    )


def prepared(optimizer="sgd"):
    model = small_model(optimizer)
    model.fit(*regression_data(), verbose=0)
    return model


def fit(model, finder, other, order, length, **arguments):
    callbacks = [finder, other] if order == "finder first" else [other, finder]
    data = regression_data()
    return model.fit(
        *data, shuffle=False, verbose=0, validation_data=data, callbacks=callbacks, **length | arguments
    )


def assert_exact(finder, twin, length):
    """The sweep is the one that there would have been without the other callback."""
    batches = batches_of(*regression_data(), batch_size=length["batch_size"], epochs=length["epochs"])
    assert len(finder.sweep) == 10
    assert finder.sweep.loss == pytest.approx(replay(twin, batches, finder.sweep.learning_rate), rel=1e-6)


orders = pytest.mark.parametrize("order", ["finder first", "finder last"])
lengths = pytest.mark.parametrize(
    "length", [WITHIN_ONE_EPOCH, OVER_SEVERAL], ids=["within an epoch", "over several epochs"]
)

CALLED = {
    "TensorBoard": lambda path: keras.callbacks.TensorBoard(path / "board", histogram_freq=1, update_freq=1),
    "CSVLogger": lambda path: keras.callbacks.CSVLogger(path / "log.csv"),
}


@pytest.mark.combinations
@orders
@lengths
@pytest.mark.parametrize("name", CALLED)
def test_it_is_called_and_leaves_no_trace(name, order, length, tmp_path):
    if name == "TensorBoard":
        pytest.importorskip("tensorflow", reason="keras.callbacks.TensorBoard writes with TensorFlow")
    model, twin = prepared(), prepared()
    before = state_of(model)
    finder = new_finder()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(model, finder, CALLED[name](tmp_path), order, length)
    assert finder.stop_reason == "completed"
    assert_exact(finder, twin, length)
    assert same_state(before, state_of(model))
    assert any(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())


class MyEarlyStop(keras.callbacks.Callback):
    """As in other libraries: known by its name alone."""


class SaveBestEpoch(keras.callbacks.Callback):
    pass


class RemoteCheckpointCallback(keras.callbacks.Callback):
    pass


def checkpoint(path, **arguments):
    return keras.callbacks.ModelCheckpoint(path / "m.keras", **arguments)


MUTED = {
    "ModelCheckpoint": checkpoint,
    "ModelCheckpoint of the best": lambda path: checkpoint(path, monitor="loss", save_best_only=True),
    "ModelCheckpoint between batches": lambda path: checkpoint(path, save_freq=2),
    "BackupAndRestore": lambda path: keras.callbacks.BackupAndRestore(path / "backup"),
    "EarlyStopping": lambda path: keras.callbacks.EarlyStopping(
        "val_loss", patience=0, restore_best_weights=True
    ),
    "ReduceLROnPlateau": lambda path: keras.callbacks.ReduceLROnPlateau("loss", patience=0, min_delta=1e9),
    "LearningRateScheduler": lambda path: keras.callbacks.LearningRateScheduler(lambda epoch, rate: 7.0),
    "TerminateOnNaN": lambda path: keras.callbacks.TerminateOnNaN(),
    "SwapEMAWeights": lambda path: keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
    "early stopping of another library": lambda path: MyEarlyStop(),
    "checkpoint of another library": lambda path: RemoteCheckpointCallback(),
    "KerasTuner's checkpoint": lambda path: SaveBestEpoch(),
}
HOOKS = [name for name in dir(keras.callbacks.Callback) if name.startswith("on_")]


def recording(callback):
    """The callback, with a list of the hooks that are called."""
    calls = []

    def recorded(name, hook):
        def call(*arguments, **keywords):
            calls.append(name)
            return hook(*arguments, **keywords)

        return call

    for name in HOOKS:
        setattr(callback, name, recorded(name, getattr(callback, name)))
    return calls


def plain_state(callback):
    return {name: value for name, value in vars(callback).items() if not name.startswith(("on_", "_model"))}


@pytest.mark.combinations
@orders
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=averaged_weights if name == "SwapEMAWeights" else ()) for name in MUTED]
)
def test_it_is_muted(name, order, tmp_path):
    averages = name == "SwapEMAWeights"
    model, twin = (prepared(keras.optimizers.SGD(0.01, use_ema=averages)) for _ in range(2))
    before = state_of(model)
    finder, other = new_finder(), MUTED[name](tmp_path)
    state = plain_state(other)
    calls = recording(other)
    with pytest.warns(UserWarning, match=f"does not let it call: {type(other).__name__}\\.$"):
        fit(model, finder, other, order, OVER_SEVERAL)
    assert calls == []
    assert plain_state(other) == state
    assert finder.stop_reason == "completed"
    assert_exact(finder, twin, OVER_SEVERAL)
    assert same_state(before, state_of(model))
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


@orders
def test_it_is_called_in_the_fit_that_trains(order, tmp_path):
    """Also from the same CallbackList, which Keras lets a person reuse."""
    model, finder, other = prepared(), new_finder(), checkpoint(tmp_path)
    pair = [finder, other] if order == "finder first" else [other, finder]
    callbacks = keras.callbacks.CallbackList(pair, add_history=True)
    data = regression_data()
    with pytest.warns(UserWarning, match="ModelCheckpoint"):
        callbacks.set_model(model)
    callbacks.set_params({"epochs": 1, "steps": 12})
    model.fit(*data, batch_size=8, verbose=0, callbacks=callbacks)
    assert finder.stop_reason == "completed"
    assert not (tmp_path / "m.keras").exists()
    assert [each for each in callbacks.callbacks if each in pair] == pair
    model.fit(*data, batch_size=8, verbose=0, callbacks=[other])
    assert (tmp_path / "m.keras").exists()


def test_all_are_named_in_one_warning(tmp_path):
    others = [make(tmp_path) for make in MUTED.values()]
    with pytest.warns(UserWarning, match="does not let it call") as caught:
        prepared().fit(*regression_data(), batch_size=8, verbose=0, callbacks=[*others, new_finder()])
    messages = [str(warning.message) for warning in caught if "does not let it call" in str(warning.message)]
    assert len(messages) == 1
    for other in others:
        assert messages[0].count(f" {type(other).__name__}") == 1


@pytest.mark.parametrize("fails_in", ["on_train_begin", "on_epoch_end"])
def test_it_is_called_again_after_an_error(fails_in, tmp_path):
    class Fails(keras.callbacks.Callback):
        pass

    def fail(*arguments):
        raise MemoryError

    failing, finder, other = Fails(), new_finder(), checkpoint(tmp_path)
    setattr(failing, fails_in, fail)
    model = prepared()
    callbacks = keras.callbacks.CallbackList([failing, other, finder], add_history=True)
    with pytest.warns(UserWarning, match="ModelCheckpoint"):
        callbacks.set_model(model)
    callbacks.set_params({"epochs": 1, "steps": 12})
    with pytest.raises(MemoryError):
        model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=callbacks)
    callbacks.callbacks = [each for each in callbacks.callbacks if each is not failing]
    with pytest.warns(UserWarning, match="ModelCheckpoint"):
        callbacks.set_model(model)
    model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=callbacks)
    assert finder.stop_reason == "completed"
    assert other in callbacks.callbacks


def test_warnings_as_errors_leave_the_callbacks_as_they_were(tmp_path):
    model, other = prepared(), checkpoint(tmp_path)
    before = state_of(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with pytest.raises(UserWarning, match="ModelCheckpoint"):
            model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[other, new_finder()])
    assert same_state(before, state_of(model))
    model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[other])
    assert (tmp_path / "m.keras").exists()


@pytest.mark.combinations
@orders
@pytest.mark.parametrize("restore", [True, False])
def test_nan_in_the_data_beside_terminate_on_nan(order, restore):
    model = prepared()
    before = state_of(model)
    x, y = regression_data()
    y[40] = np.nan
    finder = new_finder(stop="divergence", restore=restore)
    nan = keras.callbacks.TerminateOnNaN()
    callbacks = [finder, nan] if order == "finder first" else [nan, finder]
    with pytest.warns(UserWarning, match="TerminateOnNaN"):
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0, callbacks=callbacks)
    assert finder.stop_reason == "non_finite"
    assert same_state(before, state_of(model)) == restore


class _SetsWeightsAtTheEnd(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        self.model.set_weights([array * 0 for array in self.model.get_weights()])


@orders
def test_the_sweep_ends_after_all_other_callbacks(order):
    model = prepared()
    before = state_of(model)
    fit(model, new_finder(), _SetsWeightsAtTheEnd(), order, WITHIN_ONE_EPOCH)
    assert same_state(before, state_of(model))


@orders
def test_two_finders_are_refused_before_the_first_batch(order, tmp_path):
    model = prepared()
    before, names = state_of(model), set(vars(model))
    with pytest.raises(ValueError, match=r"Remove one LRFinder from .* only one sweep"):
        fit(model, new_finder(), new_finder(), order, WITHIN_ONE_EPOCH)
    assert same_state(before, state_of(model))
    assert set(vars(model)) == names


def test_a_backup_of_a_training_run_is_not_changed(tmp_path):
    backup = tmp_path / "backup"

    class Crash(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise MemoryError

    model = prepared()
    restore = keras.callbacks.BackupAndRestore(backup)
    with pytest.raises(MemoryError):
        model.fit(*regression_data(), epochs=3, verbose=0, callbacks=[restore, Crash()])
    with pytest.warns(UserWarning, match="BackupAndRestore"):
        model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[new_finder(), restore])
    assert json.loads((backup / "training_metadata.json").read_text())["epoch"] == 1


def test_a_finder_without_a_callback_list():
    model = prepared()
    before = state_of(model)
    finder = new_finder()
    model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=finder)
    assert finder.stop_reason == "completed"
    assert same_state(before, state_of(model))


def test_a_finder_used_twice(tmp_path):
    model = prepared()
    before = state_of(model)
    finder = LRFinder(tmp_path / "sweep", 1e-4, 0.1, 10, stop=None, verbose=0)
    directories, sweeps = [], []
    for _ in range(2):
        model.fit(*regression_data(), batch_size=8, shuffle=False, verbose=0, callbacks=[finder])
        directories.append(finder.log_dir)
        sweeps.append(finder.sweep)
    assert directories == [str(tmp_path / "sweep"), str(tmp_path / "sweep" / "2")]
    assert np.array_equal(sweeps[0].loss, sweeps[1].loss)
    assert same_state(before, state_of(model))


def test_a_callback_list_that_is_used_twice():
    model = prepared()
    finder = new_finder()
    callbacks = keras.callbacks.CallbackList([finder, _SetsWeightsAtTheEnd()], add_history=True, model=model)
    callbacks.set_params({"epochs": 1, "steps": 12})
    before = state_of(model)
    for _ in range(2):
        model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=callbacks)
        assert finder.stop_reason == "completed"
        assert same_state(before, state_of(model))


def test_a_finder_in_the_fit_of_another_model():
    first, second = prepared(), prepared("adam")
    before = [state_of(first), state_of(second)]
    finder = new_finder()
    for model in (first, second):
        model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder])
    assert same_state(before[0], state_of(first))
    assert same_state(before[1], state_of(second))
