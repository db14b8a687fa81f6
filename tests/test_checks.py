"""Arguments are checked and normalized: NumPy scalars are numbers, and errors state what was received."""

from __future__ import annotations

import json
import math
import pathlib
from fractions import Fraction

import numpy as np
import pytest

from tb_lrfinder import checks

NOT_NUMBERS = [None, "1", b"1", [1], (1,), {}, 1j, True, np.True_, object(), np.array([1.0])]
NUMBERS = [2, 2.5, np.float32(2.5), np.float64(2.5), np.int64(2), np.uint8(2), Fraction(5, 2), np.array(2.5)]
NOT_FINITE = [math.nan, math.inf, -math.inf, np.float32("nan"), 10**400]


def kind(value: object) -> str:
    """An id that is the same in every process, which the repr of an object is not."""
    return type(value).__name__


def received(name: str, value: object) -> str:
    text = repr(value)
    return f"Received: {name}={text[:200]}"


class TestNumbers:
    @pytest.mark.parametrize("value", NUMBERS, ids=repr)
    def test_become_floats(self, value):
        checked = checks.check_number("rate", value, above=0)
        assert type(checked) is float
        assert checked == float(value)

    @pytest.mark.parametrize("value", NOT_NUMBERS, ids=kind)
    def test_others_are_refused_by_name_and_value(self, value):
        with pytest.raises(TypeError) as error:
            checks.check_number("rate", value, above=0)
        assert str(error.value).startswith("`rate` must be a finite number, greater than 0. ")
        assert received("rate", value) in str(error.value)

    @pytest.mark.parametrize("value", NOT_FINITE, ids=lambda value: repr(value)[:9])
    def test_must_be_finite(self, value):
        with pytest.raises(ValueError, match="must be a finite number"):
            checks.check_number("rate", value)

    def test_bounds(self):
        assert checks.check_number("x", 0, at_least=0, at_most=2) == 0.0
        assert checks.check_number("x", 2, at_least=0, at_most=2) == 2.0
        for wrong in (-1e-300, 2.0000001):
            with pytest.raises(ValueError, match=r"of decades, at least 0 and at most 2. Received: x="):
                checks.check_number("x", wrong, at_least=0, at_most=2, unit="decades")
        with pytest.raises(ValueError, match="greater than 0"):
            checks.check_number("x", 0, above=0)


class TestIntegers:
    @pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)], ids=repr)
    def test_become_ints_that_json_can_write(self, value):
        checked = checks.check_integer("steps", value, at_least=2)
        assert type(checked) is int
        assert json.dumps(checked) == "3"

    @pytest.mark.parametrize("value", [*NOT_NUMBERS, 3.0, np.float64(3)], ids=kind)
    def test_others_are_refused(self, value):
        with pytest.raises(TypeError) as error:
            checks.check_integer("steps", value, at_least=2, or_none=True)
        assert str(error.value).startswith("`steps` must be an integer of at least 2, or None. ")
        assert received("steps", value) in str(error.value)

    @pytest.mark.parametrize("value", [1, -5, np.int8(-1), 10])
    def test_bounds(self, value):
        with pytest.raises(ValueError, match="an integer of at least 2 and at most 9"):
            checks.check_integer("steps", value, at_least=2, at_most=9)


class TestBooleans:
    @pytest.mark.parametrize("value", [True, False, np.True_, np.False_, np.array(True)], ids=repr)
    def test_become_bools(self, value):
        assert checks.check_boolean("restore", value) is bool(value)

    @pytest.mark.parametrize("value", [0, 1, "True", None, [], np.int64(1)], ids=repr)
    def test_others_are_refused(self, value):
        with pytest.raises(TypeError, match=r"`restore` must be True or False. Received: restore="):
            checks.check_boolean("restore", value)

    @pytest.mark.parametrize("value", [0, 1, True, False, np.int64(1), np.True_], ids=repr)
    def test_verbose_is_0_or_1(self, value):
        checked = checks.check_verbose(value)
        assert type(checked) is int
        assert checked == int(value)

    @pytest.mark.parametrize("value", [2, -1, "auto", None, 1.0, 0.5], ids=repr)
    def test_other_verbose_is_refused(self, value):
        kind = ValueError if isinstance(value, int) else TypeError
        with pytest.raises(kind, match=r"`verbose` must be 0 or 1"):
            checks.check_verbose(value)


class TestTexts:
    def test_strings(self):
        assert type(checks.check_string("monitor", np.str_("loss"))) is str
        with pytest.raises(TypeError, match=r"`monitor` must be the name of a loss. Received: monitor=1"):
            checks.check_string("monitor", 1, "the name of a loss")
        with pytest.raises(ValueError, match="that is not empty"):
            checks.check_string("monitor", "")

    @pytest.mark.parametrize("value", ["quadratic", None, 1, ["linear"], {}], ids=repr)
    def test_choices(self, value):
        assert checks.check_choice("ramp", "linear", ("exponential", "linear")) == "linear"
        with pytest.raises(
            ValueError if isinstance(value, str) else TypeError,
            match=r"`ramp` must be one of 'exponential', 'linear'. Received: ramp=",
        ):
            checks.check_choice("ramp", value, ("exponential", "linear"))

    def test_paths(self):
        assert checks.check_path("log_dir", pathlib.Path("logs") / "adam") == str(pathlib.Path("logs/adam"))
        assert checks.check_path("log_dir", "s3://bucket/logs") == "s3://bucket/logs"

    @pytest.mark.parametrize("value", [b"logs", 1, None, ["logs"]], ids=repr)
    def test_what_is_no_path(self, value):
        with pytest.raises(TypeError, match=r"`log_dir` must be a path, or None to write nothing"):
            checks.check_path("log_dir", value, or_none=True)

    @pytest.mark.parametrize("value", ["", "lo\0gs"], ids=repr)
    def test_paths_that_no_system_takes(self, value):
        with pytest.raises(ValueError, match=r"`log_dir` must be a path"):
            checks.check_path("log_dir", value)


class TestColumns:
    @pytest.mark.parametrize(
        "value", [[1, 2], (1, 2), np.array([1, 2], np.int8), np.array([1, 2], np.float32)]
    )
    def test_become_float64(self, value):
        column = checks.check_column("losses", value)
        assert column.dtype == np.float64
        assert column.tolist() == [1.0, 2.0]

    def test_nan_is_a_value(self):
        assert math.isnan(checks.check_column("losses", [math.nan])[0])

    @pytest.mark.parametrize("value", ["12", ["a"], {"a": 1}, [[1], [2, 3]], [1j]], ids=repr)
    def test_what_is_no_numbers(self, value):
        with pytest.raises(TypeError, match=r"`losses` must be a list or an array of numbers"):
            checks.check_column("losses", value)

    def test_shapes(self):
        with pytest.raises(ValueError, match=r"Received: losses.shape=\(1, 2\)"):
            checks.check_column("losses", [[1, 2]])
        with pytest.raises(ValueError, match="must have 3 values, one for each learning rate"):
            checks.check_column("losses", [1, 2], length=3)


def test_long_values_are_cut_in_the_message():
    with pytest.raises(TypeError) as error:
        checks.check_integer("seed", list(range(10_000)), at_least=0)
    assert len(str(error.value)) < 300


class TestSettingsSharedByAllEntryPoints:
    def test_smoothing_is_a_number_of_decades(self):
        assert type(checks.check_smoothing("smoothing", np.float32(0.5))) is float
        with pytest.raises(TypeError, match=r"`smoothing` must be a finite number of decades"):
            checks.check_smoothing("smoothing", "0.5")
        for wrong in (-0.1, 2.1, math.nan):
            with pytest.raises(ValueError, match=r"at least 0 and at most 2. Received: smoothing="):
                checks.check_smoothing("smoothing", wrong)

    def test_delta_window_is_a_number_of_steps(self):
        assert type(checks.check_delta_window("delta_window", np.int64(5))) is int
        with pytest.raises(TypeError, match=r"`delta_window` must be an integer"):
            checks.check_delta_window("delta_window", 5.0)
        with pytest.raises(ValueError, match=r"at least 1. Received: delta_window=0"):
            checks.check_delta_window("delta_window", 0)


class TestIntegerColumns:
    @pytest.mark.parametrize("value", [[1, 2], [1.0, 2.0], np.array([1, 2], np.uint8), np.array([1, 2])])
    def test_become_int64(self, value):
        column = checks.check_integer_column("step", value)
        assert column.dtype == np.int64
        assert column.tolist() == [1, 2]

    def test_large_integers_are_exact(self):
        assert checks.check_integer_column("step", np.array([2**60 + 1])).tolist() == [2**60 + 1]

    @pytest.mark.parametrize("value", [[0, 1.5], [0, math.nan], [0, math.inf], [0, 2.0**63]], ids=str)
    def test_other_numbers_are_refused(self, value):
        with pytest.raises(ValueError, match=r"list or an array of integers. Received: step\[1\]="):
            checks.check_integer_column("step", value)


class TestOtherKinds:
    def test_numbers_that_need_not_be_finite(self):
        assert math.isnan(checks.check_number("loss", math.nan, finite=False))
        assert checks.check_number("loss", -(10**400), finite=False) == -math.inf
        with pytest.raises(TypeError, match=r"`loss` must be a number. Received: loss='1'"):
            checks.check_number("loss", "1", finite=False)

    def test_instances(self):
        assert checks.check_instance("path", given := pathlib.Path("a"), pathlib.Path, "a Path") is given
        with pytest.raises(TypeError, match=r"`path` must be a Path. Received: path='a'"):
            checks.check_instance("path", "a", pathlib.Path, "a Path")

    def test_lists_of_instances(self):
        assert checks.check_instances("sizes", (1, 2), int, "a list of int") == [1, 2]
        for value in (1, {1}, [1, "2"], None):
            with pytest.raises(TypeError, match=r"`sizes` must be a list of int. Received: sizes="):
                checks.check_instances("sizes", value, int, "a list of int")

    def test_callables(self):
        assert checks.check_callable("progress", print) is print
        with pytest.raises(TypeError, match=r"`progress` must be callable, or None. Received: progress=1"):
            checks.check_callable("progress", 1, or_none=True)

    @pytest.mark.parametrize("value", [None, [None], ["1"], [True], [[1], [2, 3]]], ids=str)
    def test_what_numpy_would_convert_is_no_column(self, value):
        with pytest.raises(TypeError, match="`losses` must be a list or an array of numbers"):
            checks.check_column("losses", value)

    def test_columns_of_python_numbers(self):
        assert checks.check_column("losses", [Fraction(1, 2), 2**70]).tolist() == [0.5, 2.0**70]
        with pytest.raises(ValueError, match="Received: losses="):
            checks.check_column("losses", [10**400])
