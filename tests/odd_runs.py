"""Runs of somebody who may write to the log directory and means no good: any JSON, columns, wall times."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_TENSOR, Summary, SummaryMetadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util

from tb_lrfinder.storage import schema
from tb_lrfinder.storage.writer import SweepWriter

ROWS = np.array([[0, 1e-3, 2.0, 0.0, np.nan], [1, 2e-3, 1.5, -0.5, np.nan]], np.float32)
EPOCHS = np.array([[0, 1e-3, 2.0], [1, 1e-3, 1.5]], np.float32)
CONFIG = {"schema_version": 1, "id": "a", "start_time": 1.0}
TRIAL = CONFIG | {"columns": ["epoch", "learning_rate", "loss"], "fingerprint": "f"}
DEEP = '{"schema_version": 1, "settings": %s}'


def deep(depth: int, innermost: str = "NaN") -> str:
    """JSON that is nested so deep."""
    return DEEP % ("[" * depth + innermost + "]" * depth)


NAMED: dict[str, list[tuple[str, Any]]] = {
    "later_than_its_events": [("trial", TRIAL | {"start_time": 4e9}), ("rows/00000", EPOCHS)],
    "start_is_nan": [("trial", json.dumps(TRIAL | {"start_time": math.nan})), ("rows/00000", EPOCHS)],
    "start_is_1e999": [("trial", json.dumps(TRIAL).replace("1.0", "1e999")), ("rows/00000", EPOCHS)],
    "start_of_400_digits": [("trial", TRIAL | {"start_time": 10**400}), ("rows/00000", EPOCHS)],
    "sweep_start_of_400_digits": [("sweep", CONFIG | {"start_time": 10**400}), ("rows/00000", ROWS)],
    "delta_window_is_true": [("sweep", CONFIG | {"delta_window": True}), ("rows/00000", ROWS)],
    "delta_window_is_huge": [("sweep", CONFIG | {"delta_window": 10**30}), ("rows/00000", ROWS)],
    "delta_window_of_400_digits": [("sweep", CONFIG | {"delta_window": 10**400}), ("rows/00000", ROWS)],
    **{f"nested_{depth}": [("sweep", deep(depth)), ("rows/00000", ROWS)] for depth in (500, 700, 900, 980)},
    "nested_in_a_result": [("sweep", CONFIG), ("result", deep(900)), ("rows/00000", ROWS)],
    "initial_loss_is_huge": [("trial", TRIAL | {"initial_loss": 10**400}), ("rows/00000", EPOCHS)],
    "initial_loss_is_1e308": [("trial", TRIAL | {"initial_loss": -1e308}), ("rows/00000", EPOCHS)],
    "lone_surrogate": [
        ("trial", TRIAL | {"columns": ["epoch", "learning_rate", "\ud800"], "model": "\udfff"}),
        ("rows/00000", EPOCHS),
    ],
    "float64_extremes": [
        ("trial", TRIAL),
        ("rows/00000", np.array([[0, 1e308, 1e308], [1, 1e308, -1e308]])),
    ],
    "step_of_1e300": [("sweep", CONFIG), ("rows/00000", np.array([[1e300, 1e-3, 2.0, 0.0, 1.0]]))],
    "num_steps_of_400_digits": [("sweep", CONFIG | {"num_steps": 10**400}), ("rows/00000", ROWS)],
    "smoothing_of_400_digits": [("sweep", CONFIG | {"smoothing": 10**400}), ("rows/00000", ROWS)],
    "many_columns": [
        ("trial", TRIAL | {"columns": [f"c{i}" for i in range(20_000)]}),
        ("rows/00000", EPOCHS),
    ],
    "many_values": [("sweep", CONFIG | {"x": [0] * 200_000}), ("rows/00000", ROWS)],
    "nan_among_suggestions": [
        ("sweep", CONFIG),
        ("rows/00000", ROWS),
        ("result", {"schema_version": 1, "minimum_learning_rate": math.nan, "stop_reason": "completed"}),
    ],
}
"""Each of these has taken a route, a command or `run_trials` down before."""

_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**300, 10**310),
    st.floats(),
    st.text(st.characters(codec=None, categories=None), max_size=8),
    st.sampled_from(["\ud800", "NaN", "sgd", "", "\x00"]),
)
JSON = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=4) | st.just("\udc00"), inner, max_size=4),
    ),
    max_leaves=12,
)
_SUGGESTION = st.fixed_dictionaries(
    {}, optional={"learning_rate": JSON, "ranges": JSON, "rule": JSON, "reason": JSON}
)
_FIELDS = {
    name: st.one_of(JSON, st.integers(1, 40), st.floats(1e-8, 1e4))
    for name in (
        "start_time",
        "num_steps",
        "epochs",
        "delta_window",
        "smoothing",
        "initial_loss",
        "learning_rate",
        "optimizer",
        "model",
        "parameters",
        "batch_size",
        "stop_reason",
        "message",
        "diagnosis",
        "minimum_learning_rate",
        "divergence_learning_rate",
        "__proto__",
    )
} | {
    "columns": st.one_of(
        JSON, st.lists(st.sampled_from(["epoch", "learning_rate", "loss", "\ud800", "accuracy"]), max_size=6)
    ),
    "fingerprint": st.just("f"),
    "suggestion": st.one_of(JSON, _SUGGESTION),
    "suggestions": st.one_of(JSON, st.dictionaries(st.text(max_size=4), _SUGGESTION, max_size=2)),
}
_OBJECT = st.fixed_dictionaries({"schema_version": st.just(1), "id": st.just("odd")}, optional=_FIELDS)
_HEADER = st.one_of(_OBJECT, _OBJECT, _OBJECT, JSON, st.text(max_size=20), st.integers(50, 1_200).map(deep))
_NUMBERS = st.one_of(
    st.floats(width=32), st.floats(2**-20, 8, width=32), st.sampled_from([0.0, 1.0, 2.0, math.nan])
)
_ROWS = st.one_of(
    st.just(ROWS),
    st.just(EPOCHS),
    st.tuples(st.integers(0, 6), st.integers(0, 7), st.sampled_from(["float32", "float64", "int64"])).flatmap(
        lambda shape: st.lists(_NUMBERS, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]).map(
            lambda numbers: _array(numbers, shape)
        )
    ),
    st.floats().map(np.float64),
)
_TAG = st.sampled_from(
    ["sweep", "trial", "result", "rows/00000", "rows/00001", "rows/100000", "rows/", "else"]
)
_TIME = st.one_of(
    st.none(), st.none(), st.none(), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -1.0]), st.floats()
)
_STEP = st.one_of(st.integers(0, 300), st.integers(-(2**63), 2**63 - 1))


def _array(numbers: list[float], shape: tuple[int, int, str]) -> np.ndarray[Any, Any]:
    with np.errstate(all="ignore"):
        return np.nan_to_num(np.array(numbers, np.float64)).reshape(shape[:2]).astype(shape[2])


def _value(tag: str) -> st.SearchStrategy[Any]:
    usual, other = (_ROWS, _HEADER) if tag.startswith("rows") else (_HEADER, _ROWS)
    return st.tuples(st.just(tag), st.one_of(usual, usual, usual, other), _TIME, _STEP)


RUN = st.one_of(
    st.lists(_TAG.flatmap(_value), min_size=1, max_size=6),
    # Mostly of the right shape, so that it is not turned away at the door.
    st.tuples(
        st.sampled_from(["sweep", "trial"]).flatmap(_value),
        st.just("rows/00000").flatmap(_value),
        st.just("result").flatmap(_value),
    ).map(list),
)


def write(log_dir: Path, values: list[tuple[Any, ...]]) -> None:
    """An event file with these values under our plugin name, whatever they are.

    Args:
        log_dir: Of the run.
        values: Tag without its prefix, value, and the wall time and the step where they are to be odd.
    """
    events = EventFileWriter(str(log_dir), filename_suffix=schema.EVENT_FILE_SUFFIX)
    about = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name=schema.PLUGIN_NAME), data_class=DATA_CLASS_TENSOR
    )
    for tag, value, when, step in (one if len(one) == 4 else (*one, None, 1) for one in values):
        if not isinstance(value, np.ndarray | np.generic):
            text = value if isinstance(value, str) else json.dumps(value)
            value = np.array(text.encode(errors="surrogatepass"), dtype=object)
        summary = Summary.Value(
            tag=f"lr_finder/{tag}", tensor=tensor_util.make_tensor_proto(value), metadata=about
        )
        events.add_event(
            Event(
                wall_time=time.time() if when is None else when, step=step, summary=Summary(value=[summary])
            )
        )
    events.close()


def write_good(log_dir: Path) -> None:
    """A run that is served whatever lies beside it."""
    writer = SweepWriter(log_dir, {"id": "good", "num_steps": 2})
    writer.add(0, 1e-3, 2.0, 0.0)
    writer.add(1, 2e-3, 1.5, -0.5)
    writer.close({"stop_reason": "completed"})


def strict(text: str | bytes) -> Any:
    """Parses what every other JSON parser parses, too."""
    return json.loads(text, parse_constant=_no_json)


def _no_json(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def check_routes(ask: Any, wanted: list[str]) -> dict[str, str | None]:
    """Every route answers for these runs, alone and with the good one, which is served each time.

    Args:
        ask: Takes route and parameters, returns status and body.
        wanted: Names of the odd runs; each that is listed must be answered.

    Returns:
        The messages of the runs that are listed.
    """
    status, body = ask("runs", {})
    assert status == 200, body
    listed = {run["run"]: run for run in strict(body)["runs"]}
    assert listed["good"]["status"] == "finished"
    for name in wanted:
        if name not in listed:
            continue
        for route in ("sweeps", "trials"):
            status, body = ask(route, {"run": name})
            is_its_kind = f"{listed[name]['kind']}s" == route
            assert status == (200 if is_its_kind else 400), (name, route, body)
            if is_its_kind:
                assert [one["run"] for one in strict(body)[route]] == [name]
        status, body = ask("sweeps", {"run": ["good", name], "smoothing": "0.5", "encoding": "base64"})
        assert (status, strict(body)["sweeps"][0]["steps"]) == (200, 2), (name, body)
        for form in ("csv", "json"):
            status, body = ask("download", {"run": name, "format": form})
            assert status == 200, (name, form, body)
            assert form == "csv" or strict(body)["run"] == name
    return {name: run["message"] for name, run in listed.items()}
