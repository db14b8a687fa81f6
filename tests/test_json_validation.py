"""The JSON of each tag is validated by the types that its TypedDict declares."""

from __future__ import annotations

import json
import typing

import numpy as np
import pytest
from tensorboard.data.provider import TensorDatum

from tb_lrfinder.storage import schema
from tb_lrfinder.storage.json_validation import _NOT_VALIDATED, parse

TYPES = {
    schema.SWEEP_TAG: [schema.SweepConfig],
    schema.TRIAL_TAG: [schema.TrialConfig],
    schema.RESULT_TAG: [schema.SweepResult, schema.TrialResult],
}
FIELDS = [
    (tag, name, hint)
    for tag, declared in TYPES.items()
    for each in declared
    for name, hint in typing.get_type_hints(each).items()
    if name != "schema_version" and name not in _NOT_VALIDATED
]
EVERY_KIND = ["text", 1, 1.5, True, [], ["text"], {}, {"x": 1}]


def read(tag, **fields):
    value = np.array(json.dumps({"schema_version": 1, **fields}).encode(), dtype=object)
    return parse(TensorDatum(step=0, wall_time=0.0, numpy=value), tag)


@pytest.mark.parametrize(("tag", "name", "hint"), FIELDS)
def test_each_declared_field_is_checked_and_may_be_null(tag, name, hint):
    readable = [value for value in EVERY_KIND if isinstance(read(tag, **{name: value}), dict)]
    expected = {
        str: ["text"],
        int: [1],
        float: [1, 1.5],
        list[str]: [[], ["text"]],
        list[schema.FindingJson]: [[]],
        dict[str, typing.Any]: [{}, {"x": 1}],
        dict[str, schema.SuggestionJson]: [{}],
        schema.SuggestionJson: [{}, {"x": 1}],
    }
    kinds = [kind for kind in (hint, *typing.get_args(hint)) if kind in expected]
    assert readable == expected[kinds[0]]
    assert f"'{name}" in read(tag, **{name: object_of_no_type()})
    assert isinstance(read(tag, **{name: None}), dict)


def object_of_no_type():
    """A list that no field accepts: neither names nor findings."""
    return [[1]]


def test_other_fields_are_ignored():
    declared = {name for types in TYPES.values() for each in types for name in each.__annotations__}
    assert declared > _NOT_VALIDATED
    for tag in TYPES:
        for name in ("mood", *_NOT_VALIDATED):
            for value in EVERY_KIND:
                assert read(tag, **{name: value})[name] == value


def test_numbers_must_be_finite():
    assert read(schema.TRIAL_TAG, initial_loss=float("nan"))["initial_loss"] == "NaN"
    assert "'start_time' must be a number, got NaN" in read(schema.TRIAL_TAG, start_time=float("nan"))


def test_nested_problems_are_named_by_their_path():
    ranges = {"long_training": 0.1, "one_cycle_max": 1.0, "cyclical": [0.1, "1"]}
    for suggestion, problem in (
        ({"ranges": ranges}, "'suggestions.valley.ranges.cyclical[1]' must be a number, got str"),
        ({"ranges": ranges | {"cyclical": [1]}}, "ranges.cyclical' must have 2 items, got 1"),
        ({"ranges": ranges | {"one_cycle_max": None}}, "ranges.one_cycle_max' is missing"),
    ):
        assert problem in read(schema.RESULT_TAG, suggestions={"valley": suggestion})
    long = read(schema.RESULT_TAG, suggestions={"x" * 1_000: 1})
    assert len(long) < 200


@pytest.mark.parametrize("columns", [5, {"x": 1}, [[1]], "text"])
def test_columns_of_a_result_are_ignored(columns):
    assert read(schema.RESULT_TAG, columns=columns)["columns"] == columns


def test_columns_are_unique_and_not_too_many():
    assert "'columns' must be unique" in read(schema.SWEEP_TAG, columns=["step", "step"])
    assert "but the limit is 1000" in read(schema.SWEEP_TAG, columns=[str(n) for n in range(1_001)])
