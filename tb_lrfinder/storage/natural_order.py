"""Natural sort order of run names."""

from __future__ import annotations

import contextlib
import math
import re
from typing import Any


def natural_order(run: str) -> list[Any]:
    """Return a sort key: `adam2` comes before `adam10`, and `trials/0.001` before `trials/0.01`."""
    return [_folder_key(folder) for folder in run.split("/")]


def _folder_key(folder: str) -> tuple[float, list[tuple[int, str]]]:
    with contextlib.suppress(ValueError):
        number = float(folder)
        if math.isfinite(number):
            return number, []
    parts = re.split(r"(\d+)", folder)
    numbers = [part.lstrip("0") for part in parts]
    order = [(len(n), n) if part.isdecimal() else (-1, part) for part, n in zip(parts, numbers, strict=True)]
    return math.inf, order
