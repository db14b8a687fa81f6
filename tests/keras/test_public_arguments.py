"""The public callables that need Keras: arguments as in tests/test_public_arguments.py, and real sweeps."""

import functools
import inspect

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure

from tb_lrfinder import (
    RULES,
    BatchSizeSweeps,
    Divergence,
    LRFinder,
    LRTrial,
    RepeatedSweeps,
    ScaledSchedule,
    Suggestion,
    find_lr,
    read_log_dir,
    run_trials,
)
from tests.argument_table import (
    Case,
    Values,
    arguments,
    boolean,
    choice,
    integer,
    missing_rows,
    not_accepted,
    not_checked,
    not_refused,
    number,
    path,
    string,
    verbose,
)
from tests.keras.replay import regression_data, small_model

X, Y = regression_data(32)
OF_CALLBACK = {
    f"{name}.{method}": "called by fit"
    for name in ("LRFinder", "LRTrial")
    for method in dir(keras.callbacks.Callback)
}
OF_SCHEDULE = {
    f"ScaledSchedule.{method}": "called by Keras"
    for method in dir(keras.optimizers.schedules.LearningRateSchedule)
}

FINDER = {
    "log_dir": path("logs", or_none=True),
    "start_lr": number(1, 0.0, -1.0, 10.0, 11.0, or_none=True),
    "end_lr": number(2, 0.0, -1.0, 1e-7, 1e-8),
    "num_steps": integer(3, 1, 0, -5, or_none=True),
    "ramp": choice("exponential", "linear"),
    "per": choice("batch", "epoch"),
    "batches_per_step": integer(2, 0, -1),
    "stop": Values(
        wrong_type=(1, 4.0, True, ["divergence"], {}, object(), Divergence),
        wrong_value=("never", "", "Divergence"),
        good=("divergence", None, Divergence(factor=np.float32(3))),
    ),
    "validation_data": not_checked("read when the sweep starts, as by evaluate()"),
    "validation_samples": integer(2, 0, -1),
    "monitor": string(),
    "optimizer": string("g_optimizer", or_none=True),
    "restore": boolean(),
    "smoothing": number(1, -0.1, 2.1, 3.0),
    "delta_window": integer(2, 0, -1),
    "seed": integer(2, -1, or_none=True),
    "verbose": verbose(),
    "then": choice("train", or_none=True),
}


def make_model(learning_rate):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(learning_rate), "mse")
    return model


@functools.cache
def a_model():
    """A model that is never trained: its arguments are refused before."""
    return make_model(0.1)


@functools.cache
def finished():
    """A finder after a sweep without noise, whose batches are all the data."""
    finder = LRFinder(start_lr=1e-5, end_lr=10.0, num_steps=50, verbose=0)
    small_model("sgd").fit(X, Y, batch_size=len(X), epochs=50, verbose=0, callbacks=[finder])
    return finder


def two_sizes():
    """The same sweep as if it were of two batch sizes."""
    sweeps = RepeatedSweeps([finished()])
    return BatchSizeSweeps({8: sweeps, 16: sweeps})


def short_sweep(**given):
    """`find_lr` with a ramp that is short where `given` does not say otherwise."""
    return find_lr(**{"num_steps": 2, "start_lr": 1e-4, "stop": None, **given})


def one_trial(**given):
    """`run_trials` with one epoch, and with `around` in place of `learning_rates` if it is given."""
    if "around" in given:
        del given["learning_rates"]
    return run_trials(**{"epochs": 1, **given})


CASES = {
    "LRFinder": Case(LRFinder, FINDER),
    "LRFinder.apply": Case(
        lambda **given: finished().apply(**given),
        {
            "rule": Values(wrong_type=(1, ["valley"]), wrong_value=("best", ""), good=()),
            "scale_schedule": boolean(),
        },
    ),
    "LRFinder.plot": Case(
        lambda **given: finished().plot(**given),
        {
            "ax": Values(wrong_type=(1, "loss", object(), Figure()), good=(None, Figure().subplots())),
            "skip_start": integer(2, -1, 10**6),
            "skip_end": integer(2, -1, 10**6),
        },
    ),
    "LRFinder.save": Case(
        lambda log_dir: finished().save(log_dir), {"log_dir": Values(path().wrong_type, path().wrong_value)}
    ),
    "find_lr": Case(
        short_sweep,
        {
            "model": Values(wrong_type=(None, 1, "model", object(), make_model)),
            "x": not_checked("passed to fit()"),
            "y": not_checked("passed to fit()"),
            **{
                name: Values(one.wrong_type, one.wrong_value)
                for name, one in FINDER.items()
                if name != "then"  # of fit() alone
            },
            "verbose": Values((None, 0.5, "1", [1]), (3, -1, np.int64(3))),  # "auto" and 2 are those of fit()
            "repeats": integer(1, 0, -1),
            "batch_sizes": Values(
                wrong_type=(32, "32", b"32", [None], ["32"], [True], [8.0], [[8]], {8}, object()),
                wrong_value=([], [0], [-8], [8, 8], [33], [np.int64(0)]),
                good=(None, [8], (8, np.int64(16)), np.array([8, 16])),
            ),
        },
        lambda: {"model": a_model(), "x": X, "y": Y, "verbose": 0},
    ),
    "RepeatedSweeps": Case(
        RepeatedSweeps,
        {
            "finders": Values(
                wrong_type=(None, 1, LRFinder, {}, [None], [1], "finder"),
                wrong_value=([], [LRFinder()]),
            )
        },
    ),
    "RepeatedSweeps.apply": Case(
        lambda **given: RepeatedSweeps([finished()]).apply(**given),
        {
            "rule": Values(wrong_type=(1, ["valley"]), wrong_value=("best", ""), good=(None, "mid_descent")),
            "scale_schedule": boolean(),
        },
    ),
    "BatchSizeSweeps": Case(
        BatchSizeSweeps,
        {
            "sweeps": Values(
                wrong_type=(None, 1, [], "sweeps", {8: None}, {8: LRFinder()}),
                wrong_value=({},),
            )
        },
    ),
    "BatchSizeSweeps.learning_rate": Case(
        lambda batch_size: two_sizes().learning_rate(batch_size), {"batch_size": integer(8, 0, -1)}
    ),
    "LRTrial": Case(
        LRTrial,
        {name: FINDER[name] for name in ("log_dir", "monitor", "seed", "verbose")},
    ),
    "ScaledSchedule": Case(
        ScaledSchedule,
        {
            "schedule": Values(wrong_type=(None, 0.1, "cosine", lambda step: 0.1, object())),
            "factor": number(1, 0.0, -1.0),
        },
        lambda: {"schedule": keras.optimizers.schedules.CosineDecay(0.1, 10), "factor": 0.5},
    ),
    "run_trials": Case(
        one_trial,
        {
            "make_model": Values(wrong_type=(None, 1, "model", lambda: None, keras.Sequential())),
            "data": Values(wrong_type=(None, iter([(X, Y)])), wrong_value=((X, Y, Y, Y), ())),
            "learning_rates": Values(
                wrong_type=(0.1, "0.1", b"0.1", [None], ["0.1"], [True], [[0.1]], [1j], object()),
                wrong_value=([], [0.0], [-0.1], [0.1, np.nan], [np.inf], [0.1, 0.1], [0.1, np.float32(0.1)]),
            ),
            "around": Values(
                wrong_type=("0.1", b"0.1", [0.1], True, {}, object(), Suggestion),
                wrong_value=(0.0, -0.1, np.nan, np.inf, np.float32("nan")),
            ),
            "epochs": Values(integer(1).wrong_type, (0, -1, np.int64(0))),
            "validation_data": Values(wrong_type=(iter([(X, Y)]),), wrong_value=((X, Y, Y, Y),)),
            "log_dir": Values(path(or_none=True).wrong_type, ("", "lo\0gs", "s3://bucket/logs")),
            "seed": Values(integer(1).wrong_type, (-1, np.int64(-1))),
            "executor": Values(wrong_type=(1, "processes", object(), print)),
            "verbose": Values(wrong_value=verbose().wrong_value),
        },
        lambda: {"make_model": make_model, "data": (X, Y), "learning_rates": [0.1], "verbose": 0},
    ),
}


def test_every_public_argument_is_in_the_table():
    names = (
        "BatchSizeSweeps",
        "LRFinder",
        "LRTrial",
        "RepeatedSweeps",
        "ScaledSchedule",
        "find_lr",
        "run_trials",
    )
    assert missing_rows(CASES, names, OF_CALLBACK | OF_SCHEDULE) == []


@pytest.mark.parametrize(("case", "name"), arguments(CASES))
def test_bad_values_are_refused_by_name_and_value(case, name):
    assert not_refused(CASES[case], name) == []


@pytest.mark.parametrize(("case", "name"), arguments(CASES))
def test_good_values_are_accepted(case, name):
    assert not_accepted(CASES[case], name) == []


def test_a_sweep_with_numpy_scalars_alone_is_written_and_read(tmp_path):
    given = {
        "log_dir": tmp_path / "numpy",
        "start_lr": np.float32(1e-4),
        "end_lr": np.int64(1),
        "num_steps": np.int64(12),
        "ramp": np.str_("exponential"),
        "per": np.str_("batch"),
        "batches_per_step": np.uint8(2),
        "stop": Divergence(np.float16(50), np.int32(5), np.uint64(3)),
        "validation_data": (X, Y),
        "validation_samples": np.int16(8),
        "monitor": np.str_("loss"),
        "optimizer": np.str_("optimizer"),
        "restore": np.True_,
        "smoothing": np.float16(0.5),
        "delta_window": np.array(3),
        "seed": np.uint32(3),
        "verbose": np.False_,
        "then": None,
    }
    assert set(given) == set(inspect.signature(LRFinder).parameters)
    finder = LRFinder(**given)
    small_model("sgd").fit(X, Y, batch_size=8, epochs=6, verbose=0, callbacks=[finder])
    assert finder.stop_reason == "completed"
    (recorded,) = read_log_dir(str(tmp_path))
    sweep, config = recorded.sweep, recorded.config
    assert len(sweep) == 12
    np.testing.assert_allclose(sweep.learning_rate, np.geomspace(1e-4, 1, 12), rtol=1e-6)
    np.testing.assert_array_equal(sweep.loss, finder.sweep.loss.astype(np.float32))
    assert np.isfinite(sweep.validation_loss).all()
    expected = {
        "num_steps": 12,
        "batches_per_step": 2,
        "smoothing": 0.5,
        "delta_window": 3,
        "seed": 3,
        "ramp": "exponential",
    }
    assert {name: config[name] for name in expected} == expected


@pytest.mark.parametrize("rate", [np.float64, np.float32, np.longdouble])
def test_trials_with_numpy_scalars_are_written_and_read(tmp_path, rate):
    results = run_trials(
        make_model,
        (X, Y),
        learning_rates=np.array([0.01, 0.1]).astype(rate),
        epochs=np.int64(2),
        seed=np.uint8(5),
        log_dir=tmp_path,
        verbose=np.int64(0),
    )
    assert {type(one.learning_rate) for one in results} == {float}
    trials = read_log_dir(str(tmp_path))
    assert [round(one.config["learning_rate"], 6) for one in trials] == [0.01, 0.1]
    assert {one.config["seed"] for one in trials} == {5}
    assert [len(one.trial) for one in trials] == [2, 2]


@pytest.mark.parametrize("around", [np.float32(0.1), np.int64(1), Suggestion(np.float32(0.1), "valley")])
def test_trials_around_a_numpy_scalar(around):
    results = run_trials(make_model, (X, Y), around=around, epochs=1, verbose=0)
    assert {type(one.learning_rate) for one in results} == {float}
    assert len(results) == 3


def test_a_trial_with_numpy_scalars_is_written_and_read(tmp_path):
    trial = LRTrial(tmp_path, monitor=np.str_("loss"), seed=np.int64(3), verbose=np.int64(0))
    make_model(0.01).fit(X, Y, epochs=2, verbose=0, callbacks=[trial])
    (recorded,) = read_log_dir(str(tmp_path))
    assert recorded.config["seed"] == 3
    assert recorded.result["stop_reason"] == "completed"


def test_every_rule_can_be_applied():
    for rule in (None, *RULES, np.str_("valley")):
        assert finished().apply(rule) > 0
