"""What other finders suggest, from their formulas. Each applies its own smoothing, stop and cuts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
OtherRule = Callable[[Floats, Floats, dict[str, Any]], float | None]


def _ema(losses: Floats, kept: float) -> Floats:
    averaged, average = np.empty(len(losses)), 0.0
    for step, loss in enumerate(losses.tolist()):
        average = kept * average + (1 - kept) * loss
        averaged[step] = average / (1 - kept ** (step + 1))
    return averaged


def _until(values: Floats, times: float) -> int:
    """Rows until a value is more than so many times the best before it, or is NaN."""
    best = np.minimum.accumulate(values)
    over = np.flatnonzero((values > times * best) | np.isnan(values))
    return int(over[0]) + 1 if len(over) else len(values)


def _fastai(rates: Floats, losses: Floats) -> tuple[Floats, Floats]:
    smoothed = _ema(losses, 0.98)
    rows = _until(smoothed, 4)
    kept = slice(len(losses) // 10, rows - 5)
    finite = np.isfinite(smoothed[kept])
    return rates[kept][finite], smoothed[kept][finite]


def fastai_valley(rates: Floats, losses: Floats, about: dict[str, Any]) -> float:
    rates, smoothed = _fastai(rates, losses)
    longest = [1] * len(smoothed)
    for row in range(1, len(smoothed)):
        before = [longest[i] for i in range(row) if smoothed[i] > smoothed[row]]
        longest[row] = 1 + max(before, default=0)
    last = int(np.argmax(longest))
    length = longest[last] if last else 0
    third = length / 3
    return float(rates[last - length + int(third) + int(third / 2)])


def fastai_minimum(rates: Floats, losses: Floats, about: dict[str, Any]) -> float:
    rates, smoothed = _fastai(rates, losses)
    return float(rates[smoothed.argmin()]) / 10


def pytorch_lr_finder(rates: Floats, losses: Floats, about: dict[str, Any]) -> float:
    smoothed = [losses[0]]
    for loss in losses[1:].tolist():
        smoothed.append(0.05 * loss + 0.95 * smoothed[-1])
    rows = _until(np.array(smoothed), 5)
    return float(rates[10 : rows - 5][np.gradient(np.array(smoothed[10 : rows - 5])).argmin()])


def lightning(rates: Floats, losses: Floats, about: dict[str, Any]) -> float:
    averaged, average = np.empty(len(losses)), 0.0
    for step, loss in enumerate(losses.tolist()):
        average = 0.98 * average + 0.02 * loss
        averaged[step] = average / (1 - 0.98 ** (step + 2))
    rows = _until(averaged, 4)
    kept, smoothed = rates[10 : rows - 1], averaged[10 : rows - 1]
    finite = np.isfinite(smoothed)
    return float(kept[finite][np.gradient(smoothed[finite], kept[finite]).argmin()])


def machinecurve(rates: Floats, losses: Floats, about: dict[str, Any]) -> float:
    rows = _until(losses, 4)
    return float(rates[20:rows][np.nanargmin((losses[20:rows] - losses[: rows - 20]) / 20)])


def keras_default(rates: Floats, losses: Floats, about: dict[str, Any]) -> float:
    return float(about["default_learning_rate"])


OTHERS: dict[str, OtherRule] = {
    "fastai valley": fastai_valley,
    "fastai minimum / 10": fastai_minimum,
    "pytorch-lr-finder": pytorch_lr_finder,
    "MachineCurve (lowest delta)": machinecurve,
    "Lightning": lightning,
    "Keras' default learning rate": keras_default,
}
