"""Numbers as text, written alike in messages, on the command line and in the tab.

`frontend/src/format.ts` does the same; `tests/fixtures/numbers.json` lists cases for both.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context


def number_text(value: float, digits: int) -> str:
    """Format a number with significant digits, without trailing zeros: `0.0048`, `0.19`, `4.8e-5`.

    Args:
        value: Float. The number.
        digits: Integer. Number of significant digits.

    Returns:
        String. A valid literal in Python and JSON if the number is finite.
    """
    if not math.isfinite(value):
        return f"{value:g}"
    # Halves away from zero, like JavaScript, which Python's own formatting rounds to even.
    rounded = Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal(float(value))
    if rounded == 0:
        return "0"
    exponent = rounded.adjusted()
    if -4 <= exponent < 6:
        text = f"{rounded:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{rounded.scaleb(-exponent).normalize():f}e{exponent}"


def rate_text(value: float, digits: int = 2) -> str:
    """Format a learning rate.

    Two digits for one that is estimated, since repeated sweeps agree on no more; three for one that was set,
    such as that of a trial.
    """
    return number_text(value, digits)


def loss_text(value: float) -> str:
    """Format a loss: four digits."""
    return number_text(value, 4)
