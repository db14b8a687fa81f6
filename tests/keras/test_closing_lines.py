"""What a sweep prints at its end: the result, the diagnosis, and what to do next."""

import keras
import pytest

from tb_lrfinder import LRFinder
from tb_lrfinder.formatting import rate_text
from tests.keras.replay import regression_data, small_model
from tests.keras.twin_training import fit, new_finder, noisy_model


def lines_of(capsys, log_dir=None, **arguments):
    """A finder after a sweep, and the lines that it has printed."""
    finder = LRFinder(log_dir, **{"start_lr": 1e-5, "end_lr": 100.0, "num_steps": 60} | arguments)
    small_model("sgd").fit(*regression_data(1024), batch_size=64, epochs=4, verbose=0, callbacks=[finder])
    return finder, capsys.readouterr().out.splitlines()


def test_the_next_steps(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, lines = lines_of(capsys, "logs/adam")
    assert lines[-1] == (
        "Next: finder.apply() sets this learning rate, `tensorboard --logdir logs` shows the curve."
    )


@pytest.mark.parametrize(
    ("log_dir", "shown"), [("logs", "logs"), ("my logs/a", "'my logs'"), ("logs/a/b", "logs/a")]
)
def test_the_log_directory_of_all_sweeps(log_dir, shown, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert f"`tensorboard --logdir {shown}`" in lines_of(capsys, log_dir)[1][-1]


def test_an_absolute_path_may_be_anywhere(capsys, tmp_path):
    lines = lines_of(capsys, tmp_path / "a")[1]
    assert f"`tensorboard --logdir {tmp_path / 'a'}`" in lines[-1]


def test_without_a_log_directory(capsys):
    assert lines_of(capsys)[1][-1] == "Next: finder.apply() sets this learning rate."


def test_the_diagnosis(capsys):
    finder, lines = lines_of(capsys, num_steps=30)
    assert lines[1].startswith(f"Diagnosis: {finder.diagnosis[0]}")


def test_without_a_suggestion_the_diagnosis_is_the_reason(capsys):
    finder, lines = lines_of(capsys, start_lr=1e-9, end_lr=1e-8)
    (line,) = lines
    assert line.startswith(f"LR Finder: no suggestion ({finder.diagnosis[0].message.rstrip('.')}")


def test_without_restoring_there_is_nothing_to_apply_it_to(capsys):
    assert "apply()" not in "".join(lines_of(capsys, restore=False)[1])


def test_a_training_that_goes_on(capsys):
    finder = new_finder(verbose=1)
    fit(noisy_model(), finder)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(
        f"LR Finder: suggested learning rate {rate_text(finder.suggestion.learning_rate)} ("
    )
    assert lines[0].endswith(
        "The model was restored to its state before the sweep, and training goes on at this learning rate."
    )
    assert "apply()" not in "".join(lines)


def test_a_training_that_goes_on_with_a_schedule(capsys):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 20, 0.7)
    fit(noisy_model(keras.optimizers.SGD(schedule)), new_finder(verbose=1))
    shown = capsys.readouterr().out
    assert "multiplied the learning rates of the schedule ExponentialDecay" in shown


def test_a_training_that_goes_on_without_a_suggestion(capsys):
    with pytest.warns(UserWarning, match="no suggestion"):
        fit(noisy_model(), new_finder(verbose=1, start_lr=1e-9, end_lr=1e-8))
    assert "training goes on at the learning rate it was compiled with." in capsys.readouterr().out
