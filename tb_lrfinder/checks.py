"""Arguments of public functions: checked, and normalized to plain Python values.

Every function takes the argument's name and its value, and returns what is to be used in its place. NumPy
scalars (and arrays without dimensions) count as numbers, so that what is returned can always be written as
JSON. The errors say what the argument must be, and then what was received.
"""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def check_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    unit: str = "",
    or_none: bool = False,
) -> float:
    """A finite number as a float.

    Args:
        name: Name of the argument.
        value: What was passed.
        above: Exclusive lower bound.
        at_least: Inclusive lower bound.
        at_most: Inclusive upper bound.
        unit: What is counted, such as `"decades"`, for the message.
        or_none: Whether the message says that `None` is possible, too. `None` itself is the caller's.

    Raises:
        TypeError: If `value` is not a number.
        ValueError: If it is not finite, or out of bounds.
    """
    bounds = []
    if above is not None:
        bounds.append(f"greater than {above:g}")
    if at_least is not None:
        bounds.append(f"at least {at_least:g}")
    if at_most is not None:
        bounds.append(f"at most {at_most:g}")
    expected = f"a finite number{f' of {unit}' if unit else ''}"
    if bounds:
        expected += f", {' and '.join(bounds)}"
    expected += ", or None" if or_none else ""
    scalar = _without_dimensions(value)
    if isinstance(scalar, bool | np.bool_) or not isinstance(scalar, numbers.Real):
        raise TypeError(_message(name, expected, value))
    try:
        number = float(scalar)
    except OverflowError:
        raise ValueError(_message(name, expected, value)) from None
    if (
        not math.isfinite(number)
        or (above is not None and number <= above)
        or (at_least is not None and number < at_least)
        or (at_most is not None and number > at_most)
    ):
        raise ValueError(_message(name, expected, value))
    return number


def check_integer(
    name: str, value: Any, *, at_least: int, at_most: int | None = None, or_none: bool = False
) -> int:
    """An integer as an int.

    Args:
        name: Name of the argument.
        value: What was passed.
        at_least: Inclusive lower bound.
        at_most: Inclusive upper bound.
        or_none: Whether the message says that `None` is possible, too. `None` itself is the caller's.

    Raises:
        TypeError: If `value` is not an integer; `2.0` is none.
        ValueError: If it is out of bounds.
    """
    expected = f"an integer of at least {at_least}"
    expected += f" and at most {at_most}" if at_most is not None else ""
    expected += ", or None" if or_none else ""
    scalar = _without_dimensions(value)
    if isinstance(scalar, bool | np.bool_) or not isinstance(scalar, numbers.Integral):
        raise TypeError(_message(name, expected, value))
    integer = int(scalar)
    if integer < at_least or (at_most is not None and integer > at_most):
        raise ValueError(_message(name, expected, value))
    return integer


def check_boolean(name: str, value: Any) -> bool:
    """`True` or `False` as a bool.

    Raises:
        TypeError: If `value` is something else, 0 and 1 included.
    """
    scalar = _without_dimensions(value)
    if not isinstance(scalar, bool | np.bool_):
        raise TypeError(_message(name, "True or False", value))
    return bool(scalar)


def check_verbose(value: Any) -> int:
    """Keras' `verbose`: 0 or 1; `True` and `False` mean the same.

    Raises:
        ValueError: If it is something else.
    """
    scalar = _without_dimensions(value)
    if not isinstance(scalar, bool | np.bool_ | numbers.Integral) or int(scalar) not in (0, 1):
        raise ValueError(_message("verbose", "0 or 1", value))
    return int(scalar)


def check_string(name: str, value: Any, expected: str = "a string") -> str:
    """A non-empty string.

    Raises:
        TypeError: If `value` is not a string.
        ValueError: If it is empty.
    """
    if not isinstance(value, str):
        raise TypeError(_message(name, expected, value))
    if not value:
        raise ValueError(_message(name, f"{expected} that is not empty", value))
    return str(value)


def check_choice(name: str, value: Any, allowed: Sequence[str]) -> str:
    """One of the strings in `allowed`.

    Raises:
        ValueError: If it is something else.
    """
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(_message(name, f"one of {', '.join(map(repr, allowed))}", value))
    return str(value)


def check_path(name: str, value: Any, *, or_none: bool = False) -> str:
    """A path, or a URL, as a string.

    Raises:
        TypeError: If `value` is neither a string nor an `os.PathLike`.
        ValueError: If it is empty, or has a NUL in it.
    """
    expected = f"a path{', or None to write nothing' if or_none else ''}"
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(path, str):
        raise TypeError(_message(name, expected, value))
    if not path or "\0" in path:
        raise ValueError(_message(name, expected, value))
    return path


def check_column(name: str, value: Any, *, length: int | None = None) -> npt.NDArray[np.float64]:
    """A list or array of numbers as one float64 column. NaN and infinities are values like others.

    Args:
        name: Name of the argument.
        value: What was passed.
        length: How many values there must be.

    Raises:
        TypeError: If `value` does not consist of numbers.
        ValueError: If it has another shape than `(length,)`.
    """
    expected = "a list or an array of numbers"
    if isinstance(value, str | bytes):  # NumPy would read the number in it
        raise TypeError(_message(name, expected, value))
    try:
        with np.errstate(over="ignore"):
            column = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(_message(name, expected, value)) from error
    if column.ndim != 1:
        raise ValueError(
            f"`{name}` must be {expected} with one dimension. Received: {name} of shape {column.shape}"
        )
    if length is not None and len(column) != length:
        raise ValueError(
            f"`{name}` must have {length} values, one for each learning rate. "
            f"Received: {name} with {len(column)} values"
        )
    return column


def _without_dimensions(value: Any) -> Any:
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _message(name: str, expected: str, value: Any) -> str:
    text = repr(value)
    if len(text) > 200:
        text = f"{text[:200]}..."
    return f"`{name}` must be {expected}. Received: {name}={text}"


def check_log_dir(log_dir: Any) -> str | None:
    """`log_dir` as a string; `None`, which writes nothing, stays None.

    Raises:
        TypeError: If it is not a path.
    """
    return None if log_dir is None else check_path("log_dir", log_dir, or_none=True)


def check_smoothing(name: str, value: Any) -> float:
    """The standard deviation of the smoothing, in decades of learning rate, as a float.

    Raises:
        TypeError: If `value` is not a number.
        ValueError: If it is not between 0 and 2.
    """
    return check_number(name, value, at_least=0, at_most=2, unit="decades")


def check_delta_window(name: str, value: Any) -> int:
    """The number of steps that the loss delta spans, as an int.

    Raises:
        TypeError: If `value` is not an integer.
        ValueError: If it is less than 1.
    """
    return check_integer(name, value, at_least=1)
