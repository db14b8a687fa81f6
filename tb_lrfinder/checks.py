"""Validation of public arguments, and their normalization to plain Python values.

Each function takes the name and the value of an argument, and returns the normalized value. NumPy scalars and
zero-dimensional arrays are accepted as numbers, and the returned value can always be written as JSON. The
error messages state what the argument must be, and what was received.
"""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

_T = TypeVar("_T")


def check_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    unit: str = "",
    finite: bool = True,
    or_none: bool = False,
) -> float:
    """Return a number as a float.

    Args:
        name: Name of the argument.
        value: The value to check.
        above: Exclusive lower bound.
        at_least: Inclusive lower bound.
        at_most: Inclusive upper bound.
        unit: Unit of the number, such as `"decades"`, for the message.
        finite: Whether NaN and infinity are refused. If not, an integer that is too large for a float becomes
            infinite.
        or_none: Whether the message mentions `None` as an alternative. The caller must handle `None` itself.

    Raises:
        TypeError: If `value` is not a number.
        ValueError: If it is not finite, or out of range.
    """
    bounds = []
    if above is not None:
        bounds.append(f"greater than {above:g}")
    if at_least is not None:
        bounds.append(f"at least {at_least:g}")
    if at_most is not None:
        bounds.append(f"at most {at_most:g}")
    expected = f"a {'finite ' if finite else ''}number{f' of {unit}' if unit else ''}"
    if bounds:
        expected += f", {' and '.join(bounds)}"
    expected += ", or None" if or_none else ""
    scalar = _without_dimensions(value)
    if isinstance(scalar, bool | np.bool_) or not isinstance(scalar, numbers.Real):
        raise TypeError(_message(name, expected, value))
    number = _as_float(scalar)
    if (
        (finite and not math.isfinite(number))
        or (above is not None and number <= above)
        or (at_least is not None and number < at_least)
        or (at_most is not None and number > at_most)
    ):
        raise ValueError(_message(name, expected, value))
    return number


def check_integer(
    name: str,
    value: Any,
    *,
    at_least: int | None = None,
    at_most: int | None = None,
    or_none: bool = False,
) -> int:
    """Return an integer as an int.

    Args:
        name: Name of the argument.
        value: The value to check.
        at_least: Inclusive lower bound.
        at_most: Inclusive upper bound, only together with `at_least`.
        or_none: Whether the message mentions `None` as an alternative. The caller must handle `None` itself.

    Raises:
        TypeError: If `value` is not an integer. A float such as `2.0` is not one.
        ValueError: If it is out of range.
    """
    expected = "an integer" if at_least is None else f"an integer of at least {at_least}"
    expected += f" and at most {at_most}" if at_most is not None else ""
    expected += ", or None" if or_none else ""
    scalar = _without_dimensions(value)
    if isinstance(scalar, bool | np.bool_) or not isinstance(scalar, numbers.Integral):
        raise TypeError(_message(name, expected, value))
    integer = int(scalar)
    if (at_least is not None and integer < at_least) or (at_most is not None and integer > at_most):
        raise ValueError(_message(name, expected, value))
    return integer


def check_boolean(name: str, value: Any) -> bool:
    """Return `True` or `False` as a bool.

    Raises:
        TypeError: If `value` is anything else, including 0 and 1.
    """
    scalar = _without_dimensions(value)
    if not isinstance(scalar, bool | np.bool_):
        raise TypeError(_message(name, "True or False", value))
    return bool(scalar)


def check_verbose(value: Any) -> int:
    """Return the argument `verbose`, 0 or 1, as an int. `True` and `False` are accepted as in Keras.

    Raises:
        TypeError: If `value` is not an integer.
        ValueError: If it is another one.
    """
    scalar = _without_dimensions(value)
    if not isinstance(scalar, bool | np.bool_ | numbers.Integral):
        raise TypeError(_message("verbose", "0 or 1", value))
    if int(scalar) not in (0, 1):
        raise ValueError(_message("verbose", "0 or 1", value))
    return int(scalar)


def check_string(name: str, value: Any, expected: str = "a string", *, may_be_empty: bool = False) -> str:
    """Return a string.

    Args:
        name: Name of the argument.
        value: The value to check.
        expected: What the argument must be, for the message.
        may_be_empty: Whether the empty string is accepted.

    Raises:
        TypeError: If `value` is not a string.
        ValueError: If it is empty.
    """
    if not isinstance(value, str):
        raise TypeError(_message(name, expected, value))
    if not value and not may_be_empty:
        raise ValueError(_message(name, f"{expected} that is not empty", value))
    return str(value)


def check_instance(name: str, value: Any, kind: type[_T], expected: str) -> _T:
    """Return an instance of a class.

    Args:
        name: Name of the argument.
        value: The value to check.
        kind: The class.
        expected: What the argument must be, such as `"a Sweep"`, for the message.

    Raises:
        TypeError: If `value` is not an instance of `kind`.
    """
    if not isinstance(value, kind):
        raise TypeError(_message(name, expected, value))
    return value


def check_instances(name: str, value: Any, kind: type[_T], expected: str) -> list[_T]:
    """Return a list of instances of a class, given any sequence of them.

    Args:
        name: Name of the argument.
        value: The value to check.
        kind: The class.
        expected: What the argument must be, such as `"a list of Finding"`, for the message.

    Raises:
        TypeError: If `value` is not a sequence, or one of its items is not an instance of `kind`.
    """
    if not isinstance(value, Sequence):
        raise TypeError(_message(name, expected, value))
    return [check_instance(name, item, kind, expected) for item in value]


def check_callable(name: str, value: Any, *, or_none: bool = False) -> Any:
    """Return a function, or another object that can be called.

    Args:
        name: Name of the argument.
        value: The value to check.
        or_none: Whether the message mentions `None` as an alternative. The caller must handle `None` itself.

    Raises:
        TypeError: If `value` cannot be called.
    """
    if not callable(value):
        raise TypeError(_message(name, f"callable{', or None' if or_none else ''}", value))
    return value


def check_choice(name: str, value: Any, allowed: Iterable[str], *, or_none: bool = False) -> str:
    """Return one of the strings in `allowed`.

    Args:
        name: Name of the argument.
        value: The value to check.
        allowed: The strings.
        or_none: Whether the message mentions `None` as an alternative. The caller must handle `None` itself.

    Raises:
        TypeError: If `value` is not a string.
        ValueError: If it is another string.
    """
    choices = ", ".join(map(repr, allowed))
    expected = f"{choices} or None" if or_none else f"one of {choices}"
    if not isinstance(value, str):
        raise TypeError(_message(name, expected, value))
    if value not in allowed:
        raise ValueError(_message(name, expected, value))
    return str(value)


def check_path(name: str, value: Any, *, or_none: bool = False) -> str:
    """Return a path or URL as a string.

    Raises:
        TypeError: If `value` is neither a string nor an `os.PathLike`.
        ValueError: If it is empty or contains a null character.
    """
    expected = f"a path{', or None to write nothing' if or_none else ''}"
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(path, str):
        raise TypeError(_message(name, expected, value))
    if not path or "\0" in path:
        raise ValueError(_message(name, expected, value))
    return path


def check_log_dir(log_dir: Any) -> str | None:
    """Return the argument `log_dir` as a string. `None`, which writes nothing, stays `None`.

    Raises:
        TypeError: If it is neither a string nor an `os.PathLike`.
        ValueError: If it is empty or contains a null character.
    """
    return None if log_dir is None else check_path("log_dir", log_dir, or_none=True)


def check_column(
    name: str, value: Any, *, length: int | None = None, one_per: str = "learning rate"
) -> npt.NDArray[np.float64]:
    """Return a list or array of numbers as a float64 array with one dimension. NaN and infinity are accepted.

    Args:
        name: Name of the argument.
        value: The value to check.
        length: Required number of values. `None` accepts any.
        one_per: What there must be one value for, for the message.

    Raises:
        TypeError: If `value` does not consist of numbers.
        ValueError: If its shape is not `(length,)`.
    """
    expected = "a list or an array of numbers"
    try:
        array = np.asarray(value)
        # NumPy would also convert the digits of a string, None and booleans.
        if array.dtype.kind in "bcSUMm" or (array.dtype.kind == "O" and not _holds_numbers(array)):
            raise TypeError
        with np.errstate(over="ignore"):
            column = np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(_message(name, expected, value)) from error
    except OverflowError as error:
        raise ValueError(_message(name, expected, value)) from error
    if column.ndim != 1:
        raise ValueError(
            f"`{name}` must be {expected} with one dimension. Received: {name}.shape={column.shape}"
        )
    if length is not None and len(column) != length:
        raise ValueError(
            f"`{name}` must have {length} {'value' if length == 1 else 'values'}, one for each {one_per}. "
            f"Received: {name}.shape={column.shape}"
        )
    return column


def check_integer_column(
    name: str, value: Any, *, length: int | None = None, one_per: str = "learning rate"
) -> npt.NDArray[np.int64]:
    """Return a list or array of integers as an int64 array with one dimension.

    Args:
        name: Name of the argument.
        value: The value to check. Floats are accepted if they have no fraction.
        length: Required number of values. `None` accepts any.
        one_per: What there must be one value for, for the message.

    Raises:
        TypeError: If `value` does not consist of numbers.
        ValueError: If its shape is not `(length,)`, or a value is not an integer.
    """
    column = check_column(name, value, length=length, one_per=one_per)
    wrong = np.flatnonzero(~(np.abs(column) < 2.0**63) | (column != np.trunc(column)))
    if len(wrong):
        raise ValueError(
            f"`{name}` must be a list or an array of integers. "
            f"Received: {name}[{wrong[0]}]={column[wrong[0]]:g}"
        )
    return np.asarray(value if _is_int64(value) else column, dtype=np.int64)


def check_smoothing(name: str, value: Any) -> float:
    """Return the standard deviation of the smoothing, in decades of learning rate, as a float.

    Raises:
        TypeError: If `value` is not a number.
        ValueError: If it is not between 0 and 2.
    """
    return check_number(name, value, at_least=0, at_most=2, unit="decades")


def check_delta_window(name: str, value: Any) -> int:
    """Return the window of the loss delta, in steps, as an int.

    Raises:
        TypeError: If `value` is not an integer.
        ValueError: If it is less than 1.
    """
    return check_integer(name, value, at_least=1)


def set_fields(instance: Any, **values: Any) -> None:
    """Set fields of a frozen dataclass to their normalized values, in its `__post_init__`."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


def _without_dimensions(value: Any) -> Any:
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _as_float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:  # an integer that is too large
        return math.inf if number > 0 else -math.inf


def _holds_numbers(array: npt.NDArray[Any]) -> bool:
    return all(isinstance(one, numbers.Real) and not isinstance(one, bool) for one in array.ravel().tolist())


def _is_int64(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.int64


def _message(name: str, expected: str, value: Any) -> str:
    text = repr(value)
    if len(text) > 200:
        text = f"{text[:200]}..."
    return f"`{name}` must be {expected}. Received: {name}={text}"
