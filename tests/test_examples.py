"""The examples, run as they are, and what their first lines promise."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from tb_lrfinder.storage.reader import read_log_dir

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

pytestmark = pytest.mark.xdist_group("examples")  # TensorFlow is loaded once


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the example of a name; what its `main` returns, and the log directory."""
    pytest.importorskip("sklearn")
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def run_(name):
        main = importlib.import_module(name).main
        monkeypatch.delitem(sys.modules, name)
        result = main(tmp_path)
        if os.environ.get("REQUIRE_BROWSER") == "1":
            assert (tmp_path / "tab.png").stat().st_size > 20_000
        return result, tmp_path

    return run_


def test_adam_wants_a_learning_rate_at_least_half_a_decade_below_that_of_sgd(run):
    suggestions, log_dir = run("sgd_and_adam")
    assert np.log10(suggestions["SGD"] / suggestions["Adam"]) > 0.5
    for recorded in read_log_dir(log_dir):
        assert len(recorded.sweep) >= 300
        assert recorded.config["batch_size"] == 250
        assert recorded.config["delta_window"] == 20
        assert recorded.sweep.learning_rate[0] == pytest.approx(1e-4)


def test_one_fit_finds_the_learning_rate_and_trains_better_than_with_the_default(run):
    results, log_dir = run("train_in_one_fit")
    rate, accuracy = results["one_fit"]
    assert rate > 5 * results["default"][0]
    assert accuracy > results["default"][1] + 0.05
    (recorded,) = read_log_dir(log_dir)
    assert recorded.result["suggestion"]["learning_rate"] == pytest.approx(rate)
    assert (log_dir / "one_fit.weights.h5").exists()


@pytest.mark.long
def test_the_ramp_of_an_epoch_a_step_points_to_a_learning_rate_that_trains_the_circles(run):
    (learning_rate, accuracy), log_dir = run("epoch_ramp")
    assert 1e-2 < learning_rate < 1e-1
    assert accuracy > 0.97
    (recorded,) = read_log_dir(log_dir)
    np.testing.assert_allclose(recorded.sweep.learning_rate, 1e-4 * 10 ** (np.arange(100) / 20), rtol=1e-6)


@pytest.mark.long
def test_the_generalization_gap_grows_with_the_learning_rate(run):
    trials, log_dir = run("generalization_gap")
    gaps = [trial.trial.gap for trial in trials.values()]
    assert gaps == sorted(gaps)
    assert gaps[-1] > 10 * gaps[0] > 0
    kinds = sorted(recorded.kind for recorded in read_log_dir(log_dir))
    assert kinds == ["sweep"] + ["trial"] * 4


@pytest.mark.long
def test_three_learning_rates_are_too_small_good_and_too_large(run):
    trials, _ = run("three_learning_rates")
    small, good, large = (trial.trial for trial in trials.values())
    assert good.loss[-1] < large.loss[-1] < small.loss[-1]
    assert small.descent > 0.99
    assert good.descent > large.descent


def test_a_schedule_goes_on_from_the_suggestion_and_rmsprop_is_swept(run):
    finders, log_dir = run("schedules")
    assert all(finder.suggestion.learning_rate for finder in finders.values())
    recorded = {each.run: each for each in read_log_dir(log_dir)}
    settings = recorded["rmsprop"].config["optimizer_settings"]
    assert (settings["rho"], settings["momentum"]) == (0.9, 0.9)
    course = recorded["trained_with_decay"].trial.learning_rate
    assert (np.diff(course) < 0).all()
    assert course[0] < finders["exponential_decay"].suggestion.learning_rate < 1.2 * course[0]


@pytest.mark.long
def test_fine_tuning_has_an_uncertain_suggestion_and_trials_that_answer(run):
    (finder, results), log_dir = run("fine_tuning")
    assert 1e-6 < finder.suggestion.learning_rate < 1e-4
    assert finder.diagnosis[0].code == "already_trained"
    assert 1e-5 < results.best.learning_rate < 1e-1
    assert sum(recorded.kind == "trial" for recorded in read_log_dir(log_dir)) == 7
