"""NaN in the data is neither noise nor a too large learning rate: real fits, NaN at every position."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.analysis.stop_reasons import STOP_REASONS
from tb_lrfinder.analysis.suggestion import suggest
from tb_lrfinder.formatting import rate_text
from tests.command_line import command

STEPS = 60
BATCH = 32


def data(bad=None, at=None, where="inputs"):
    random = np.random.default_rng(0)
    x = random.normal(size=(STEPS * BATCH, 8)).astype("float32")
    y = (x @ random.normal(size=(8, 1)) + random.normal(0, 0.5, (len(x), 1))).astype("float32")
    if at is not None:
        (x if where == "inputs" else y)[at * BATCH + 3] = bad
    return x, y


def sweep(x, y, start_lr=1e-7, end_lr=10.0, log_dir=None, **settings):
    keras.utils.set_random_seed(2)
    # Not relu: TensorFlow makes 0 of NaN there.
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, "tanh"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(), "mse")
    finder = LRFinder(log_dir, start_lr, end_lr, STEPS, **{"verbose": 0} | settings)
    model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[finder])
    return finder


def codes(finder):
    return [finding.code for finding in finder.diagnosis]


@pytest.mark.combinations
# The learning rate begins to act at about step 35, see `test_without_nan`.
@pytest.mark.parametrize("at", [1, 2, 4, 7, 9, 10, 13, 20, 27])
@pytest.mark.parametrize(("bad", "where"), [(np.nan, "inputs"), (np.inf, "labels")])
def test_nan_before_the_learning_rate_acts(at, bad, where):
    finder = sweep(*data(bad, at, where))
    assert codes(finder)[0] == "non_finite_early"
    said = finder.suggestion.reason
    assert finder.suggestion.learning_rate is None
    assert f"step {at}," in said
    assert f"learning rate of {rate_text(finder.sweep.learning_rate[at])}" in said
    for word in ("NaN" if where == "inputs" else "infinite", "inputs", "labels", "`from_logits`", "log(0)"):
        assert word in said
    assert "num_steps" not in said
    assert "start_lr" not in said


@pytest.mark.parametrize("at", [2, 20])
def test_nan_in_a_sweep_that_is_not_stopped(at):
    finder = sweep(*data(np.nan, at), stop=None)
    assert len(finder.sweep) == STEPS
    assert codes(finder) == ["non_finite_early"]


def test_nan_from_the_first_step_on_says_what_to_check_too():
    finder = sweep(*data(np.nan, 0))
    assert codes(finder) == ["never_finite"]
    for word in ("inputs", "labels", "`from_logits`", "log(0)"):
        assert word in finder.suggestion.reason


def test_without_nan():
    finder = sweep(*data(), end_lr=1e6, stop=None)
    assert finder.suggestion.learning_rate is not None
    assert "non_finite_early" not in codes(finder)
    assert not np.isfinite(finder.sweep.loss[-1])  # and this is a learning rate that is too large


@pytest.mark.parametrize("at", range(44, 56, 3))
def test_nan_where_the_loss_has_come_down_or_risen_is_not_blamed_on_the_data(at):
    assert "non_finite_early" not in codes(sweep(*data(np.nan, at)))


@pytest.mark.combinations
@pytest.mark.parametrize("start_lr", [0.3, 3.0, 1e3, 1e20, 1e36])
@pytest.mark.parametrize("stop", [None, "auto"])
def test_a_start_that_is_too_large_is_not_blamed_on_the_data(start_lr, stop):
    settings = {} if stop else {"stop": None}
    finder = sweep(*data(), start_lr=start_lr, end_lr=start_lr * 100, **settings)
    assert finder.suggestion.learning_rate is None
    assert "non_finite_early" not in codes(finder)
    assert "start_lr" in finder.suggestion.reason


def test_the_message_is_shown_everywhere(tmp_path, capsys):
    finder = sweep(*data(np.nan, 12), log_dir=tmp_path / "run", verbose=1)
    told = "The loss became NaN at step 12"
    assert told in capsys.readouterr().out
    assert told in finder._repr_html_().replace("\n", " ")
    said = command("report", tmp_path).stdout
    assert told in " ".join(said.split())
    assert command("report", tmp_path, "--strict", code=1)
    from tb_lrfinder.storage.reader import read_log_dir

    (recorded,) = read_log_dir(str(tmp_path))
    assert recorded.result["diagnosis"][0]["code"] == "non_finite_early"
    assert recorded.result["divergence_learning_rate"] is None
    assert recorded.result["stop_reason"] in STOP_REASONS


def test_the_step_is_that_of_the_sweep_where_rows_are_left_out():
    rates = np.geomspace(1e-7, 1, 100)
    losses = 2 + 0.01 * np.cos(np.arange(100.0))
    losses[30:] = np.nan
    analysis = analyze(Sweep.from_losses(rates, losses), skip_start=5)
    assert "step 30," in analysis.suggestion.reason
    assert "step 30," in suggest(rates, losses, skip_start=5).reason
