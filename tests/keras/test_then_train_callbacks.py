"""What History and the other callbacks see of a fit that sweeps and then trains."""

import csv
import math
import re
import warnings

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder, LRTrial
from tests.keras.backends import averaged_weights, only_on_tensorflow, tensorflow_data
from tests.keras.replay import same_state, small_model, state_of
from tests.keras.twin_training import (
    BATCH_SIZE,
    DATA,
    EPOCHS,
    STEPS,
    fit,
    logs_of,
    new_finder,
    noisy_model,
    train_twin,
)

VALIDATION = tuple(array[:40] for array in DATA)


class Calls(keras.callbacks.Callback):
    """Lists its hooks with the epoch or batch; of a kind that is muted during a sweep, by its name."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("on_train_begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(("on_epoch_begin", epoch))

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(("on_train_batch_begin", batch))

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(("on_train_batch_end", batch))

    def on_epoch_end(self, epoch, logs=None):
        assert all(map(math.isfinite, logs.values()))
        self.calls.append(("on_epoch_end", epoch))

    def on_test_begin(self, logs=None):
        self.calls.append("on_test_begin")

    def on_train_end(self, logs=None):
        self.calls.append("on_train_end")


class MyCheckpoint(Calls):
    """Known by its name alone."""


orders = pytest.mark.parametrize("finder_is_first", [True, False])


def in_order(finder, other, finder_is_first):
    return [finder, other] if finder_is_first else [other, finder]


@orders
def test_a_muted_callback_wakes_before_the_first_batch_of_the_training(finder_is_first):
    finder, other = new_finder(), MyCheckpoint()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(small_model("sgd"), *in_order(finder, other, finder_is_first), validation_data=VALIDATION)
    assert other.calls[:6] == [
        "on_train_begin",
        ("on_epoch_begin", 2),
        ("on_train_batch_begin", 6),
        ("on_train_batch_end", 6),
        ("on_train_batch_begin", 7),
        ("on_train_batch_end", 7),
    ]
    assert other.calls.count("on_test_begin") == EPOCHS - 2
    assert other.calls[-2:] == [("on_epoch_end", EPOCHS - 1), "on_train_end"]


def test_it_wakes_with_the_next_epoch_if_the_sweep_ends_with_one():
    finder, other = new_finder(num_steps=24), MyCheckpoint()
    fit(small_model("sgd"), finder, other)
    assert other.calls[:3] == ["on_train_begin", ("on_epoch_begin", 2), ("on_train_batch_begin", 0)]


@only_on_tensorflow
def test_it_wakes_with_the_next_epoch_if_data_of_unknown_length_end_with_the_sweep():
    """Keras then begins a batch that does not exist."""
    data = tensorflow_data().Dataset.from_tensor_slices(DATA).batch(BATCH_SIZE).filter(lambda x, y: True)
    finder, other = new_finder(num_steps=24), MyCheckpoint()
    history = noisy_model().fit(data, epochs=4, verbose=0, callbacks=[other, finder])
    assert ("on_epoch_end", 1) not in other.calls
    assert other.calls[-2:] == [("on_epoch_end", 3), "on_train_end"]
    assert np.isnan(history.history["loss"]).tolist() == [True, True, False, False]


class Watching(Calls):
    """Of a kind that is not muted."""

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(("on_epoch_end", epoch, dict(logs)))


@orders
@pytest.mark.long
def test_other_callbacks_see_the_whole_fit(finder_is_first):
    finder, other = new_finder(), Watching()
    fit(small_model("sgd"), *in_order(finder, other, finder_is_first))
    batches = [call for call in other.calls if call[0] == "on_train_batch_end"]
    assert len(batches) == 12 * EPOCHS
    ends = [call[2] for call in other.calls if call[0] == "on_epoch_end"]
    assert [math.isnan(logs["loss"]) for logs in ends] == [True] * 2 + [False] * (EPOCHS - 2)


@pytest.mark.parametrize("num_steps", [STEPS, pytest.param(24, marks=pytest.mark.long)])
def test_history_has_the_training_alone(num_steps, tmp_path):
    """Also in a file, and with values of the validation that not every epoch has."""
    metrics = {"metrics": ["mae"]}
    finder, log = new_finder(num_steps=num_steps), keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = fit(noisy_model(**metrics), finder, log, validation_data=VALIDATION)
    names = ["loss", "mae", "val_loss", "val_mae"]
    assert sorted(history.history) == names
    twin = noisy_model(keras.optimizers.SGD(finder.suggestion.learning_rate), **metrics)
    expected = train_twin(twin, num_steps, validation_data=VALIDATION)
    swept, trained = logs_of(history)[:2], logs_of(history)[2:]
    assert all(math.isnan(logs[name]) for logs in swept for name in names)
    assert trained == expected
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == [str(epoch) for epoch in range(EPOCHS)]
    for row, logs in zip(rows, logs_of(history), strict=True):
        assert all(
            math.isnan(logs[name]) if row[name] == "nan" else float(row[name]) == logs[name] for name in names
        )


@pytest.mark.long
def test_the_validation_of_some_epochs_alone():
    history = fit(small_model("sgd"), new_finder(), validation_data=VALIDATION, validation_freq=2)
    assert np.isnan(history.history["val_loss"]).tolist() == [True] + [False] * 4
    assert np.isnan(history.history["loss"]).tolist() == [True] * 2 + [False] * 8


def test_early_stopping_and_a_checkpoint_of_the_best(tmp_path):
    """Neither knows of the losses of the sweep, nor of epochs without a loss."""
    path = tmp_path / "best.weights.h5"
    stopping = keras.callbacks.EarlyStopping("loss", patience=2, min_delta=0.01, restore_best_weights=True)
    best = keras.callbacks.ModelCheckpoint(path, "loss", save_best_only=True, save_weights_only=True)
    history = fit(small_model("sgd"), stopping, best, new_finder(), epochs=30).history["loss"]
    assert 4 < len(history) < 30
    assert best.best == min(history[2:])
    assert stopping.best in history[2:]
    assert path.exists()


@averaged_weights
@pytest.mark.long
def test_swapped_averages():
    model = noisy_model(keras.optimizers.SGD(0.1, use_ema=True))
    fit(model, new_finder(), keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    assert all(np.isfinite(value).all() for value in state_of(model) if value.dtype.kind == "f")


def test_a_plateau_decreases_the_suggestion():
    finder = new_finder()
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=0, min_delta=1e9)
    model = small_model("sgd")
    fit(model, finder, plateau)
    halvings = EPOCHS - 3  # not after the first epoch of the training, which is the best one
    expected = finder.suggestion.learning_rate * 0.5**halvings
    assert float(model.optimizer.learning_rate.numpy()) == pytest.approx(expected, rel=1e-6)


@orders
def test_a_scheduler_of_the_learning_rate_is_refused(finder_is_first):
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1)
    model = noisy_model()
    before = state_of(model)
    with pytest.raises(
        ValueError, match=r"LearningRateScheduler would overwrite the suggested learning rate"
    ):
        fit(model, *in_order(new_finder(), scheduler, finder_is_first))
    assert same_state(before, state_of(model))


@pytest.mark.parametrize("finder_is_first", [True, pytest.param(False, marks=pytest.mark.long)])
def test_a_trial_records_the_training(finder_is_first, tmp_path):
    finder, trial = new_finder(), LRTrial(tmp_path, verbose=0)
    history = fit(small_model("sgd"), *in_order(finder, trial, finder_is_first))
    assert trial.stop_reason == "completed"
    assert trial.trial.epoch.tolist() == list(range(2, EPOCHS))
    assert trial.trial.loss.tolist() == history.history["loss"][2:]
    assert trial.trial.learning_rate == pytest.approx(finder.suggestion.learning_rate)


@pytest.mark.long
def test_tensorboard(tmp_path):
    tensorflow_data()
    board = keras.callbacks.TensorBoard(tmp_path, update_freq=1)
    model = noisy_model()
    history = fit(model, new_finder(), board, validation_data=VALIDATION)
    assert len(history.history["loss"]) == EPOCHS
    assert any(tmp_path.rglob("*tfevents*"))


def test_two_finders_are_refused():
    with pytest.raises(ValueError, match="Remove one LRFinder"):
        fit(noisy_model(), new_finder(), LRFinder(verbose=0))


def test_a_callback_list_is_used_again():
    model = small_model("sgd")
    finder, other = new_finder(), MyCheckpoint()
    callbacks = keras.callbacks.CallbackList([finder, other], add_history=True, model=model)
    callbacks.set_params({"epochs": EPOCHS, "steps": 12})
    for _ in range(2):
        other.calls.clear()
        model.fit(*DATA, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0, callbacks=callbacks)
        losses = model.history.history["loss"][-EPOCHS:]  # Keras appends them
        assert np.isnan(losses).tolist() == [True] * 2 + [False] * 8
        assert other.calls[:2] == ["on_train_begin", ("on_epoch_begin", 2)]


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:The sweep has no suggestion")
def test_the_progress_bar_shows_the_training(monkeypatch, capsys):
    """Older versions of Keras show the mean of all values in the epoch, also of those that are NaN."""
    monkeypatch.setattr(keras.utils.Progbar, "update", _without_interval(keras.utils.Progbar.update))
    fit(small_model("sgd"), new_finder(end_lr=1e20), verbose=1)
    (epoch,) = re.findall(r"Epoch 3/10\n(.*?)Epoch 4/10", capsys.readouterr().out, re.DOTALL)
    shown = re.findall(r"(\d+)/12\x1b.*?loss: ([-+.e\w]+)", epoch)
    assert any(loss == "nan" for batch, loss in shown if int(batch) <= 6)
    trained = [float(loss) for batch, loss in shown if int(batch) > 6]
    assert len(trained) >= 6
    assert all(map(math.isfinite, trained))


def _without_interval(update):
    def update_(bar, *arguments, **keywords):
        bar.interval = 0
        return update(bar, *arguments, **keywords)

    return update_


@pytest.mark.long
def test_a_finder_is_used_again():
    finder = new_finder()
    for _ in range(2):
        model = noisy_model()
        fit(model, finder)
        twin = noisy_model(keras.optimizers.SGD(finder.suggestion.learning_rate))
        train_twin(twin, STEPS)
        assert same_state(state_of(model), state_of(twin))
