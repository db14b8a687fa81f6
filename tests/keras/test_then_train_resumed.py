"""A training run that `BackupAndRestore` resumes keeps the learning rate that its sweep has found."""

import json

import keras
import numpy as np
import pytest
from keras.optimizers import schedules

from tests.keras.replay import same_state, small_model, state_of
from tests.keras.twin_training import EPOCHS, STEPS, fit, new_finder


class Crash(keras.callbacks.Callback):
    def __init__(self, epoch, batch=0):
        super().__init__()
        self.at = epoch, batch

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise MemoryError


def backup(path, **arguments):
    return keras.callbacks.BackupAndRestore(path / "backup", **arguments)


# Models without random numbers, whose state Keras does not store in a backup.


def with_schedule():
    return small_model(keras.optimizers.SGD(schedules.ExponentialDecay(0.5, 20, 0.7)))


def with_float():
    return small_model(keras.optimizers.Adam(0.5))


@pytest.mark.parametrize("make", [with_float, with_schedule])
def test_it_goes_on_as_if_nothing_had_happened(make, tmp_path, capsys):
    log_dir = None if make is with_float else tmp_path / "logs"
    finder = new_finder(log_dir)
    with pytest.raises(MemoryError):
        fit(make(), finder, backup(tmp_path), Crash(epoch=5))
    resumed, resuming = make(), new_finder(log_dir, verbose=1)
    history = fit(resumed, resuming, backup(tmp_path))
    assert history.epoch == list(range(5, EPOCHS))
    assert np.isfinite(history.history["loss"]).all()
    assert len(resuming.sweep) == 0
    shown = capsys.readouterr().out
    assert (
        "resumes an earlier training run from its backup, so there is no sweep. The training goes on" in shown
    )
    expected = make()
    fit(expected, new_finder())
    assert same_state(state_of(resumed), state_of(expected))
    assert not (tmp_path / "backup").exists()


def test_without_the_log_directory_a_schedule_stays_as_compiled(tmp_path):
    with pytest.raises(MemoryError):
        fit(with_schedule(), new_finder(tmp_path / "logs"), backup(tmp_path), Crash(epoch=5))
    with pytest.warns(UserWarning, match="neither in the backup nor in the log directory, so it stays"):
        fit(with_schedule(), new_finder(tmp_path / "elsewhere"), backup(tmp_path))


def test_a_schedule_requires_a_log_directory(tmp_path):
    model = with_schedule()
    before = state_of(model)
    with pytest.raises(ValueError, match=r"`log_dir` must be a path with then='train' and BackupAndRestore"):
        fit(model, new_finder(), backup(tmp_path))
    assert same_state(before, state_of(model))


def test_a_crash_in_the_sweep_leaves_no_backup(tmp_path):
    with pytest.raises(MemoryError):
        fit(with_float(), new_finder(), backup(tmp_path, save_freq=5), Crash(epoch=1))
    assert not (tmp_path / "backup").exists()


def test_a_backup_in_the_first_epoch_of_the_training_has_its_number(tmp_path):
    with pytest.raises(MemoryError):
        fit(with_float(), new_finder(), backup(tmp_path, save_freq=1), Crash(epoch=2, batch=10))
    written = json.loads((tmp_path / "backup" / "training_metadata.json").read_text())
    assert written["epoch"] == STEPS // 12 == 2


def test_a_backup_that_is_not_the_first_fit_of_its_model(tmp_path):
    """A later `fit` without a backup sweeps."""
    model = with_float()
    fit(model, backup(tmp_path), epochs=1)
    finder = new_finder()
    fit(model, finder, backup(tmp_path))
    assert len(finder.sweep) > 0
