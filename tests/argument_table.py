"""A table of public arguments: which values each of them must refuse, and which it must accept.

A row of the table is one argument of a public function, class or method. The functions below make its
`Values`, one function for each kind of argument.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import tb_lrfinder

FLOATS = (np.float16, np.float32, np.float64, np.longdouble)
INTEGERS = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
NOT_NUMBERS = ("1", b"1", [1.0], (1,), {}, {1}, 1j, True, np.True_, object(), np.array([1.0]), len)
NOT_STRINGS = (1, 1.5, True, b"loss", ["loss"], {}, object())


@dataclass(frozen=True)
class Values:
    """What one argument refuses and accepts."""

    wrong_type: tuple[Any, ...] = ()
    wrong_value: tuple[Any, ...] = ()
    good: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Case:
    """One public callable.

    Args:
        call: Calls it with keyword arguments.
        valid: Makes valid values of all arguments that have no default.
        arguments: The table: `Values` by name of the argument.
    """

    call: Callable[..., Any]
    arguments: Mapping[str, Values]
    valid: Callable[[], Mapping[str, Any]] = field(default=dict)


def _none(or_none: bool) -> tuple[Any, ...]:
    return () if or_none else (None,)


def number(good: float, *wrong: float, or_none: bool = False, finite: bool = True) -> Values:
    """A number. `good` is one that all dtypes can represent, `wrong` are numbers that are out of range."""
    not_finite = (math.nan, math.inf, -math.inf, np.float32("nan"), np.float64("inf"), 10**400)
    scalars = [dtype(good) for dtype in (*FLOATS, *INTEGERS)]
    return Values(
        wrong_type=NOT_NUMBERS + _none(or_none),
        wrong_value=(not_finite if finite else ()) + wrong + tuple(np.float64(one) for one in wrong),
        good=(good, int(good), *scalars, np.array(good), *((None,) if or_none else ())),
    )


def integer(good: int, *wrong: int, or_none: bool = False) -> Values:
    """An integer. A float is none, even without a fraction."""
    floats = (float(good), 1.5, np.float32(good), math.nan, math.inf)
    return Values(
        wrong_type=NOT_NUMBERS + floats + _none(or_none),
        wrong_value=wrong + tuple(np.int64(one) for one in wrong),
        good=(
            good,
            *(dtype(good) for dtype in INTEGERS),
            np.array(good),
            *((None,) if or_none else ()),
        ),
    )


def boolean() -> Values:
    """`True` or `False`, and not 0 or 1."""
    return Values(
        wrong_type=(None, 0, 1, np.int64(1), 1.0, "True", "no", b"", [], {}, object()),
        good=(True, False, np.True_, np.False_),
    )


def verbose() -> Values:
    """0 or 1, as numbers or booleans."""
    return Values(
        wrong_type=(None, 0.5, "auto", "1", [1]),
        wrong_value=(2, -1, np.int64(2)),
        good=(0, 1, True, False, np.int64(1), np.uint8(0), np.True_),
    )


def string(good: str = "loss", *, or_none: bool = False, may_be_empty: bool = False) -> Values:
    """Any string."""
    return Values(
        wrong_type=NOT_STRINGS + _none(or_none),
        wrong_value=() if may_be_empty else ("",),
        good=(good, np.str_(good), *((None,) if or_none else ())),
    )


def choice(*names: str, or_none: bool = False) -> Values:
    """One of several strings."""
    return Values(
        wrong_type=NOT_STRINGS + _none(or_none),
        wrong_value=("no such name", "", names[0].upper()),
        good=(*names, np.str_(names[0]), *((None,) if or_none else ())),
    )


def path(good: Any = "logs", *, or_none: bool = False) -> Values:
    """A path or URL."""
    return Values(
        wrong_type=(1, 1.5, True, b"logs", ["logs"], {}, object(), *_none(or_none)),
        wrong_value=("", "lo\0gs"),
        good=(good, *((None,) if or_none else ())),
    )


def instance(good: Any, *, or_none: bool = False) -> Values:
    """An instance of a class of its own."""
    return Values(wrong_type=(1, "x", [], {}, object(), type(good), *_none(or_none)), good=(good,))


def column(*wrong: Any, length: int | None = 3, or_none: bool = False) -> Values:
    """A list or array of numbers; of any length if `length` is None."""
    lengths: tuple[Any, ...] = ([], [1.0] * (length + 1)) if length is not None else ()
    return Values(
        wrong_type=(
            "123",
            b"123",
            ["a", "b", "c"],
            [1j, 2, 3],
            {"a": 1},
            [[1], [2, 3]],
            [True, False, True],
            [None, 1.0, 2.0],
            object(),
            *_none(or_none),
        ),
        wrong_value=(3.0, np.float64(3), [[1.0, 2.0, 3.0]], np.ones((3, 1)), *lengths, *wrong),
        good=(
            [1, 2, 3],
            (1.0, 2.0, 3.0),
            [np.float32(1), np.int64(2), 3.0],
            *(np.array([1, 2, 3], dtype) for dtype in (*FLOATS, *INTEGERS)),
            *((None,) if or_none else ()),
        ),
    )


def not_checked(why: str) -> Values:
    """An argument that is passed on, for the reason given."""
    assert why
    return Values()


def arguments(cases: Mapping[str, Case]) -> list[Any]:
    """Parameters for pytest: name of the case, name of the argument."""
    return [
        pytest.param(case, name, id=f"{case}-{name}") for case, one in cases.items() for name in one.arguments
    ]


def not_refused(case: Case, name: str) -> list[str]:
    """The bad values of an argument that are not refused by an error that names the argument and the value.

    A wrong type must be a `TypeError`, a wrong value a `ValueError`.
    """
    values = case.arguments[name]
    bad = [(TypeError, value) for value in values.wrong_type]
    bad += [(ValueError, value) for value in values.wrong_value]
    return [
        f"{name}={value!r:.60}: {problem}"
        for error, value in bad
        if (problem := _problem_of_refusal(case, name, value, error)) is not None
    ]


def _problem_of_refusal(case: Case, name: str, value: Any, error: type[Exception]) -> str | None:
    try:
        case.call(**{**case.valid(), name: value})
    except Exception as caught:
        message = f"{type(caught).__name__}: {caught}"
        if type(caught) is not error:
            return f"not a {error.__name__}, but {message}"
        if not re.search(rf"`{name}(\[.*\])?`", message):
            return f"no `{name}` in {message}"
        if not re.search(rf"Received: (.*, )?{name}((\[.*\])?(\.shape)?=| with \d+ values)", message):
            return f"no 'Received: {name}=' in {message}"
        return None
    return "accepted"


def not_accepted(case: Case, name: str) -> list[str]:
    """The good values of an argument that are refused, or that a result keeps as a NumPy scalar."""
    wrong = []
    for value in case.arguments[name].good:
        try:
            result = case.call(**{**case.valid(), name: value})
        except Exception as error:
            wrong.append(f"{name}={value!r:.60} ({type(value).__name__}): {type(error).__name__}: {error}")
            continue
        kept = getattr(result, name, None)
        if value is not None and np.ndim(value) == 0 and isinstance(kept, np.generic | np.ndarray):
            wrong.append(f"{name}={value!r:.60} is kept as {type(kept).__name__}")
    return wrong


def missing_rows(cases: Mapping[str, Case], names: Iterable[str], exempt: Mapping[str, str]) -> list[str]:
    """Public arguments that the table does not cover, and rows of arguments that do not exist."""
    wrong = []
    for callable_name, signature in _signatures(names):
        expected = [
            parameter.name
            for parameter in signature.parameters.values()
            if parameter.name not in ("self", "cls") and parameter.kind is not parameter.VAR_KEYWORD
        ]
        if callable_name in exempt or not expected:
            continue
        if callable_name not in cases:
            wrong.append(f"{callable_name} is not in the table")
            continue
        extra = set(cases[callable_name].arguments) - set(expected)
        takes_more = any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values())
        wrong += [
            f"{callable_name}({name})" for name in expected if name not in cases[callable_name].arguments
        ]
        wrong += [] if takes_more else [f"no argument {callable_name}({name})" for name in sorted(extra)]
    return wrong


def _signatures(names: Iterable[str]) -> Iterator[tuple[str, inspect.Signature]]:
    """The public callables of these names, with the public methods of the classes among them."""
    for name in names:
        public = getattr(tb_lrfinder, name)
        if not callable(public):
            continue
        try:
            yield name, inspect.signature(public)
        except ValueError:  # a union of types
            continue
        if not inspect.isclass(public):
            continue
        bases = [base for base in reversed(public.__mro__) if base.__module__.startswith("tb_lrfinder")]
        for method in dict.fromkeys(method for base in bases for method in vars(base)):
            if not method.startswith("_") and callable(getattr(public, method)):
                yield f"{name}.{method}", inspect.signature(getattr(public, method))
