"""Learning-rate schedules, as factors of the peak at each step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def constant(steps: int) -> Floats:
    """Always the peak."""
    return np.ones(steps)


def one_cycle(steps: int) -> Floats:
    """Up from a 25th of the peak in the first third, down to zero in the rest, both as cosines."""
    rise = steps // 3
    up = (1 - np.cos(np.pi * np.arange(rise) / max(rise, 1))) / 2
    down = (1 + np.cos(np.pi * np.arange(steps - rise) / (steps - rise))) / 2
    return np.concatenate([0.04 + 0.96 * up, down])


def cosine(steps: int) -> Floats:
    """Down to zero as a cosine."""
    return np.asarray((1 + np.cos(np.pi * np.arange(steps) / steps)) / 2)


def linear(steps: int) -> Floats:
    """Down to zero in a line."""
    return 1 - np.arange(steps) / steps


def warmup_stable_decay(steps: int) -> Floats:
    """Up in a line in the first twentieth, down to zero in a line in the last fifth."""
    at = np.arange(steps)
    return np.minimum(1.0, np.minimum((at + 1) / max(steps / 20, 1), (steps - at) / max(steps / 5, 1)))


SCHEDULES = {
    "constant": constant,
    "one_cycle": one_cycle,
    "cosine": cosine,
    "linear": linear,
    "warmup_stable_decay": warmup_stable_decay,
}
