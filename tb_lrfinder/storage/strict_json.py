"""Reads untrusted JSON so that it can be written as strict JSON.

`json` accepts more than it can write, or than other parsers can read: NaN, numbers that overflow a float,
lone surrogates, and nesting that exceeds the recursion limit of its own encoder.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

NON_FINITE: Final = ("NaN", "Infinity", "-Infinity")
"""Represent non-finite numbers, as elsewhere in TensorBoard."""

MAX_CHARACTERS: Final = 1_000_000
MAX_VALUES: Final = 50_000
MAX_DEPTH: Final = 100

_MAX_DIGITS: Final = 300  # longer integers overflow a float


def loads(text: str | bytes) -> Any:
    """Parse JSON, with the strings of `NON_FINITE` for numbers that are not finite.

    Raises:
        ValueError: If the text is not JSON, too long, nested too deeply, or has too many values.
    """
    if not isinstance(text, str | bytes):
        raise ValueError("it is not a string")
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"it is {len(text)} bytes long, but the limit is {MAX_CHARACTERS}")
    try:
        parsed = json.loads(text, parse_float=_float, parse_int=_int, parse_constant=_constant)
    except RecursionError:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep") from None
    return _checked(parsed)


def finite(value: float) -> float | str:
    """Return the number, or the string that represents it if it is not finite."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def replace_non_finite(value: Any) -> Any:
    """Replace the non-finite floats in dicts and lists by the strings that represent them."""
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, Mapping):
        return {key: replace_non_finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [replace_non_finite(item) for item in value]
    return value


def _float(digits: str) -> float | str:
    return finite(float(digits))


def _int(digits: str) -> int | float | str:
    return int(digits) if len(digits) <= _MAX_DIGITS else finite(float(digits))


def _constant(name: str) -> str:
    return name


def _checked(parsed: Any) -> Any:
    """Replace text that cannot be encoded. Iterative, so that no depth exceeds the recursion limit."""
    root = [parsed]
    level: list[Any] = [root]
    values = 0
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for holder in level:
            values += len(holder)
            if values > MAX_VALUES:
                raise ValueError(f"it has more than {MAX_VALUES} values")
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
    raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")


def _clean_keys(holder: dict[str, Any]) -> None:
    if all(key.isascii() for key in holder):
        return
    cleaned = {well_formed(key): value for key, value in holder.items()}
    holder.clear()
    holder.update(cleaned)


def well_formed(text: str) -> str:
    """Replace each lone surrogate, which cannot be encoded, with U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def size(parsed: Any) -> int:
    """Return the approximate size in memory, in bytes."""
    total, left = 0, [parsed]
    while left:
        value = left.pop()
        total += 100 + (len(value) if isinstance(value, str) else 0)
        if isinstance(value, dict):
            left += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            left += value
    return total
