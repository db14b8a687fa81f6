"""Every argument of every public callable refuses bad values by name, and accepts NumPy scalars.

The callables that need Keras are in tests/keras/test_public_arguments.py.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest

import tb_lrfinder
from tb_lrfinder import (
    RULES,
    Divergence,
    Finding,
    Ranges,
    Suggestion,
    Sweep,
    Trial,
    TrialOutcome,
    TrialResults,
    analyze,
    loss_delta,
    ramp,
    read_log_dir,
    slope_per_decade,
    smooth,
    suggest,
)
from tb_lrfinder.analysis.stop_reasons import TRIAL_STOP_REASONS
from tests.argument_table import (
    Case,
    Values,
    arguments,
    boolean,
    choice,
    column,
    instance,
    integer,
    missing_rows,
    not_accepted,
    not_refused,
    number,
    path,
    string,
)

FIXTURES = Path(__file__).parent / "fixtures" / "0.1"
NEED_KERAS = (
    "BatchSizeSweeps",
    "LRFinder",
    "LRTrial",
    "RepeatedSweeps",
    "ScaledSchedule",
    "find_lr",
    "run_trials",
)
CREATED_BY_THE_PACKAGE = {
    "Analysis": "returned by analyze()",
    "Recorded": "returned by read_log_dir()",
    "Recorded.unreadable": "returned by read_log_dir()",
    "RecordedSweep": "returned by read_log_dir()",
    "RecordedTrial": "returned by read_log_dir()",
}

SWEEP = Sweep.from_losses(np.geomspace(1e-6, 1, 30), np.linspace(3, 1, 30))
TRIAL = Trial.from_columns({"loss": [2.0, 1.0]})
OUTCOME = TrialOutcome(0.1, TRIAL)
RANGES = Ranges(0.001, 0.01, (0.001, 0.01))
SMOOTHING = number(1, -0.1, 2.1)
DELTA_WINDOW = integer(2, 0, -1)
SKIPPED = integer(2, -1)


@functools.cache
def recorded(kind):
    return next(one for one in read_log_dir(str(FIXTURES)) if one.kind == kind)


def three_rows():
    return {"learning_rate": [0.1, 0.2, 0.3], "loss": [3.0, 2.0, 1.0]}


CASES = {
    "analyze": Case(
        analyze,
        {
            "sweep": instance(SWEEP),
            "smoothing": SMOOTHING,
            "delta_window": DELTA_WINDOW,
            "skip_start": SKIPPED,
            "skip_end": SKIPPED,
            "stop_reason": string("diverged", or_none=True, may_be_empty=True),
            "planned_steps": integer(30, or_none=True),
            "chance_loss": number(2.0, or_none=True),
        },
        lambda: {"sweep": SWEEP},
    ),
    "suggest": Case(
        suggest,
        {
            "learning_rates": column(
                [0.0, 0.1, 0.2],
                [-0.1, 0.1, 0.2],
                [0.1, np.nan, 0.2],
                [0.1, 0.2, np.inf],
                [0.3, 0.2, 0.1],
                [0.1, 0.1, 0.1],
                length=None,
            ),
            "losses": column(),
            "rule": choice(*RULES),
            "smoothing": SMOOTHING,
            "skip_start": SKIPPED,
            "skip_end": SKIPPED,
        },
        lambda: {"learning_rates": [0.1, 0.2, 0.3], "losses": [3.0, 2.0, 1.0]},
    ),
    "smooth": Case(
        smooth, {"learning_rate": column(length=None), "loss": column(), "decades": SMOOTHING}, three_rows
    ),
    "loss_delta": Case(
        loss_delta, {"loss": column(length=None), "window": DELTA_WINDOW}, lambda: {"loss": [3.0, 2.0, 1.0]}
    ),
    "slope_per_decade": Case(
        slope_per_decade,
        {"learning_rate": column(length=None), "smoothed": column()},
        lambda: {"learning_rate": [0.1, 0.2, 0.3], "smoothed": [3.0, 2.0, 1.0]},
    ),
    "ramp": Case(
        ramp,
        {
            "start_lr": number(1, 0.0, -1.0, 2.0, 3.0),
            "end_lr": number(3, 0.0, -1.0, 1.0, 0.5),
            "num_steps": integer(3, 1, 0, -5),
            "shape": choice("exponential", "linear"),
        },
        lambda: {"start_lr": 1.0, "end_lr": 2.0, "num_steps": 3},
    ),
    "Sweep": Case(
        Sweep,
        {
            "step": column([0.5, 1, 2], [0, np.nan, 2], [0, 1, np.inf]),
            "learning_rate": column(length=None),
            "loss": column(),
            "loss_delta": column(),
            "validation_loss": column(),
        },
        lambda: {**three_rows(), "step": [0, 1, 2], "loss_delta": [0.0] * 3, "validation_loss": [np.nan] * 3},
    ),
    "Sweep.from_losses": Case(
        Sweep.from_losses,
        {
            "learning_rate": column(length=None),
            "loss": column(),
            "validation_loss": column(or_none=True),
            "delta_window": DELTA_WINDOW,
            "step": column([0.5, 1, 2], [0, np.nan, 2], or_none=True),
        },
        three_rows,
    ),
    "Sweep.with_delta_window": Case(SWEEP.with_delta_window, {"delta_window": DELTA_WINDOW}),
    "Divergence": Case(
        Divergence,
        {
            "factor": number(2, 1.0, 0.0, -2.5),
            "burn_in": integer(2, 0, -1, or_none=True),
            "window": integer(2, 0, -1, or_none=True),
        },
    ),
    "Divergence.watch": Case(Divergence().watch, {"num_steps": integer(30, 0, -1)}),
    "Finding": Case(
        Finding,
        {"code": string(), "severity": choice("severe", "mild"), "message": string()},
        lambda: {"code": "no_ramp", "severity": "mild", "message": "Nothing."},
    ),
    "Ranges": Case(
        Ranges,
        {
            "long_training": number(1, 0.0, -1.0),
            "one_cycle_max": number(1, 0.0, -1.0),
            "cyclical": Values(
                wrong_type=(None, 1.0, "12", [1.0], (1.0, 2.0, 3.0), {1.0, 2.0}, (1.0, "2"), (True, 1.0)),
                wrong_value=((0.0, 1.0), (1.0, -1.0), (1.0, np.nan), [np.inf, 1.0]),
                good=((1.0, 2.0), [np.float32(1), np.int64(2)]),
            ),
        },
        lambda: {"long_training": 0.1, "one_cycle_max": 0.2, "cyclical": (0.1, 0.2)},
    ),
    "Suggestion": Case(
        Suggestion,
        {
            "learning_rate": number(1, 0.0, -1.0, or_none=True),
            "rule": string("valley"),
            "reason": string("The loss is flat.", or_none=True, may_be_empty=True),
            "ranges": instance(RANGES, or_none=True),
        },
        lambda: {"learning_rate": 0.1, "rule": "valley"},
    ),
    "Trial": Case(
        Trial,
        {
            "epoch": column([0.5, 1, 2], [0, np.nan, 2], length=None),
            "learning_rate": column(),
            "loss": column(),
            "validation_loss": column(or_none=True),
            "initial_loss": number(1, or_none=True, finite=False),
            "metrics": Values(
                wrong_type=(None, 1, "x", [1.0], {1: [1.0] * 3}, {"accuracy": "123"}, {"accuracy": None}),
                wrong_value=({"accuracy": 1.0}, {"accuracy": [1.0]}),
                good=({}, {"accuracy": [1, 2, 3]}, {"accuracy": np.ones(3, np.float32)}),
            ),
        },
        lambda: {**three_rows(), "epoch": [0, 1, 2]},
    ),
    "Trial.from_columns": Case(
        Trial.from_columns,
        {
            "columns": Values(
                wrong_type=(
                    None,
                    1,
                    "x",
                    [1.0],
                    {1: [1.0]},
                    {"loss": "123"},
                    {"loss": None},
                    {"loss": [True]},
                ),
                wrong_value=(
                    {"loss": 1.0},
                    {"loss": [[1.0]]},
                    {"loss": [1.0, 2.0], "accuracy": [1.0]},
                    {"epoch": [0.5]},
                    {"epoch": [np.nan]},
                ),
                good=({}, {"loss": []}, {"loss": [np.float32(1), 2]}, {"epoch": [0.0, 1.0]}),
            ),
            "initial_loss": number(1, or_none=True, finite=False),
        },
        lambda: {"columns": {"loss": [1.0]}},
    ),
    "TrialOutcome": Case(
        TrialOutcome,
        {
            "learning_rate": number(1, 0.0, -1.0),
            "trial": instance(TRIAL),
            "stop_reason": choice(*TRIAL_STOP_REASONS),
            "message": string("ValueError", or_none=True, may_be_empty=True),
            "log_dir": path(Path("logs"), or_none=True),
            "reused": boolean(),
        },
        lambda: {"learning_rate": 0.1},
    ),
    "TrialResults": Case(
        TrialResults,
        {
            "outcomes": Values(
                wrong_type=(None, 1, OUTCOME, {OUTCOME}, [1], [OUTCOME, None], iter([OUTCOME])),
                good=([], [OUTCOME], (OUTCOME,)),
            )
        },
    ),
    "read_log_dir": Case(
        read_log_dir,
        {
            "log_dir": path(FIXTURES),
            "progress": Values(wrong_type=(1, "x", [], True), good=(None, lambda done, total: None)),
        },
        lambda: {"log_dir": str(FIXTURES)},
    ),
    **{
        f"{name}.status": Case(
            lambda kind=kind, **arguments: recorded(kind).status(**arguments),
            {"now": number(1, or_none=True)},
        )
        for kind, names in {"sweep": ("Recorded", "RecordedSweep"), "trial": ("RecordedTrial",)}.items()
        for name in names
        if name in tb_lrfinder.__all__
    },
}


def test_every_public_argument_is_in_the_table():
    names = [name for name in tb_lrfinder.__all__ if name not in NEED_KERAS]
    assert missing_rows(CASES, names, CREATED_BY_THE_PACKAGE) == []


@pytest.mark.parametrize(("case", "name"), arguments(CASES))
def test_bad_values_are_refused_by_name_and_value(case, name):
    assert not_refused(CASES[case], name) == []


@pytest.mark.parametrize(("case", "name"), arguments(CASES))
def test_good_values_are_accepted_and_become_python_values(case, name):
    assert not_accepted(CASES[case], name) == []


def test_numpy_scalars_can_be_written_as_json():
    ranges = Ranges(np.float32(0.5), np.float64(1), (np.float16(0.5), np.int64(1)))
    suggestion = Suggestion(np.float32(0.5), np.str_("mid_descent"), ranges=ranges)
    assert json.loads(json.dumps(suggestion.to_json())) == suggestion.to_json()
    assert json.dumps(vars(Divergence(np.float32(2.5), np.int64(4), np.uint8(3)))) == (
        '{"factor": 2.5, "burn_in": 4, "window": 3}'
    )
