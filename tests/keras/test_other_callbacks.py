"""Each Keras callback in the same fit, in either order: it works, or is refused before the first batch."""

import json

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.backends import averaged_weights, tensorflow_data
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

COMPATIBLE = {
    "ReduceLROnPlateau": lambda path: keras.callbacks.ReduceLROnPlateau("loss", patience=0, min_delta=1e9),
    "LearningRateScheduler": lambda path: keras.callbacks.LearningRateScheduler(lambda epoch, rate: 7.0),
    "TensorBoard": lambda path: keras.callbacks.TensorBoard(path / "board", histogram_freq=1, update_freq=1),
    "TerminateOnNaN": lambda path: keras.callbacks.TerminateOnNaN(),
    "CSVLogger": lambda path: keras.callbacks.CSVLogger(path / "log.csv"),
    "SwapEMAWeights": lambda path: keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
}


@orders
@lengths
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=averaged_weights if name == "SwapEMAWeights" else ()) for name in COMPATIBLE],
)
def test_it_works_and_leaves_no_trace(name, order, length, tmp_path):
    if name == "TensorBoard":
        pytest.importorskip("tensorflow", reason="keras.callbacks.TensorBoard writes with TensorFlow")
    averages = name == "SwapEMAWeights"
    model, twin = (prepared(keras.optimizers.SGD(0.01, use_ema=averages)) for _ in range(2))
    before = state_of(model)
    finder = new_finder()
    fit(model, finder, COMPATIBLE[name](tmp_path), order, length)
    assert finder.stop_reason == "completed"
    if not (averages and length is OVER_SEVERAL):  # it swaps the weights between the epochs of any training
        assert_exact(finder, twin, length)
    assert same_state(before, state_of(model))


@orders
def test_terminate_on_nan_when_there_is_one(order):
    model = prepared()
    before = state_of(model)
    x, y = regression_data()
    y[40] = np.nan
    finder = new_finder(stop="divergence")
    nan = keras.callbacks.TerminateOnNaN()
    callbacks = [finder, nan] if order == "finder first" else [nan, finder]
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0, callbacks=callbacks)
    assert finder.stop_reason == "non_finite"
    assert same_state(before, state_of(model))


@orders
def test_early_stopping_within_one_epoch(order):
    """`restore_best_weights` sets weights at the very end; the finder has the last word all the same."""
    model = prepared()
    before = state_of(model)
    finder = new_finder()
    early = keras.callbacks.EarlyStopping("val_loss", patience=0, restore_best_weights=True)
    fit(model, finder, early, order, WITHIN_ONE_EPOCH)
    assert finder.stop_reason == "completed"
    assert same_state(before, state_of(model))


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
@pytest.mark.parametrize("best_only", [False, True])
def test_a_checkpoint_at_the_end_of_the_epoch_is_of_the_restored_model(order, best_only, tmp_path):
    model = prepared()
    path = tmp_path / "saved.weights.h5"
    checkpoint = keras.callbacks.ModelCheckpoint(path, save_weights_only=True, save_best_only=best_only)
    before = model.get_weights()
    fit(model, new_finder(), checkpoint, order, WITHIN_ONE_EPOCH)
    twin = small_model("sgd")
    twin.load_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(before, twin.get_weights(), strict=True))


REFUSED = {
    "ModelCheckpoint over several epochs": (
        lambda path: keras.callbacks.ModelCheckpoint(path / "m.keras"),
        OVER_SEVERAL,
        {},
        "Remove ModelCheckpoint from .* more than one epoch, and it would save the swept model",
    ),
    "ModelCheckpoint between batches": (
        lambda path: keras.callbacks.ModelCheckpoint(path / "m.keras", save_freq=2),
        WITHIN_ONE_EPOCH,
        {},
        "Remove ModelCheckpoint from .* saves between batches",
    ),
    "ModelCheckpoint of a model that is kept": (
        lambda path: keras.callbacks.ModelCheckpoint(path / "m.keras"),
        WITHIN_ONE_EPOCH,
        {"restore": False},
        "restore=False",
    ),
    "BackupAndRestore": (
        lambda path: keras.callbacks.BackupAndRestore(path / "backup"),
        WITHIN_ONE_EPOCH,
        {},
        "Remove BackupAndRestore from",
    ),
    "EarlyStopping over several epochs": (
        lambda path: keras.callbacks.EarlyStopping(),
        OVER_SEVERAL,
        {},
        "Remove EarlyStopping from .* The sweep stops on its own",
    ),
    "EarlyStopping of an epoch-wise ramp": (
        lambda path: keras.callbacks.EarlyStopping(),
        {"epochs": 10},
        {"per": "epoch"},
        "Remove EarlyStopping from",
    ),
    "another finder": (
        lambda path: new_finder(),
        WITHIN_ONE_EPOCH,
        {},
        "Remove LRFinder from .* only one sweep",
    ),
}


@orders
@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_before_the_first_batch(case, order, tmp_path):
    make, length, arguments, message = REFUSED[case]
    model = prepared()
    before, names = state_of(model), set(vars(model))
    with pytest.raises(ValueError, match=message):
        fit(model, new_finder(**arguments), make(tmp_path), order, length)
    assert same_state(before, state_of(model))
    assert set(vars(model)) == names
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_data_of_unknown_length_may_take_several_epochs():
    """Nobody can say whether the ramp ends within the first epoch, so a checkpoint is refused."""
    data = tensorflow_data().Dataset.from_tensor_slices(regression_data()).batch(8).filter(lambda x, y: True)
    checkpoint = keras.callbacks.ModelCheckpoint("never.keras")
    with pytest.raises(ValueError, match="Remove ModelCheckpoint from"):
        prepared().fit(data, epochs=2, verbose=0, callbacks=[new_finder(), checkpoint])


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
    with pytest.raises(ValueError, match="BackupAndRestore"):
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
