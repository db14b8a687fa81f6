"""Reads JSON that somebody else has written, so that it can be written again as strict JSON.

`json` accepts more than it can write, or than others can read: NaN, numbers that no float holds, half of a
surrogate pair, and nesting that its own encoder does not survive.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

NOT_FINITE: Final = ("NaN", "Infinity", "-Infinity")
"""What stands for the numbers that JSON does not have, as everywhere in TensorBoard."""

MOST_CHARACTERS: Final = 1_000_000
MOST_VALUES: Final = 50_000
DEEPEST: Final = 100

_MOST_DIGITS: Final = 300  # of an integer; one of more is more than a float holds


def loads(text: str | bytes) -> Any:
    """What the text says, with the strings of `NOT_FINITE` for numbers that are not finite.

    Raises:
        ValueError: The text is no JSON, too long, too deep, or holds too many values.
    """
    if not isinstance(text, str | bytes):
        raise ValueError("it holds no text")
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it is {len(text)} bytes long, {MOST_CHARACTERS} at most")
    try:
        parsed = json.loads(text, parse_float=_float, parse_int=_int, parse_constant=_constant)
    except RecursionError:
        raise ValueError(f"it is nested more than {DEEPEST} deep") from None
    return _checked(parsed)


def finite(value: float) -> float | str:
    """The number, or the string that stands for it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _float(digits: str) -> float | str:
    return finite(float(digits))


def _int(digits: str) -> int | float | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else finite(float(digits))


def _constant(name: str) -> str:
    return name


def _checked(parsed: Any) -> Any:
    """The same with text that every encoding has; goes level by level, so that no depth stops it."""
    root = [parsed]
    level: list[Any] = [root]
    values = 0
    for _ in range(DEEPEST + 1):
        below: list[Any] = []
        for holder in level:
            values += len(holder)
            if values > MOST_VALUES:
                raise ValueError(f"it holds more than {MOST_VALUES} values")
            if isinstance(holder, dict):
                _clean_keys(holder)
                items: Any = holder.items()
            else:
                items = enumerate(holder)
            for key, value in list(items):
                if isinstance(value, str):
                    holder[key] = well_formed(value)
                elif isinstance(value, dict | list):
                    below.append(value)
        if not below:
            return root[0]
        level = below
    raise ValueError(f"it is nested more than {DEEPEST} deep")


def _clean_keys(holder: dict[str, Any]) -> None:
    if all(key.isascii() for key in holder):
        return
    cleaned = {well_formed(key): value for key, value in holder.items()}
    holder.clear()
    holder.update(cleaned)


def well_formed(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which no file and no answer could hold."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def size(parsed: Any) -> int:
    """About how many bytes it takes in memory."""
    total, left = 0, [parsed]
    while left:
        value = left.pop()
        total += 100 + (len(value) if isinstance(value, str) else 0)
        if isinstance(value, dict):
            left += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            left += value
    return total
