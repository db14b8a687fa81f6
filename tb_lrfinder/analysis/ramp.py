"""The learning rate of each step of a sweep."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

RAMPS: Final = ("exponential", "linear")


def ramp(
    start_lr: float, end_lr: float, num_steps: int, shape: str = "exponential"
) -> npt.NDArray[np.float64]:
    """Return the learning rate of each step, from `start_lr` to `end_lr`, both included.

    Example:

    ```python
    ramp(1e-4, 1.0, 5)                     # 1e-4, 1e-3, 1e-2, 1e-1, 1.0
    ramp(0.1, 0.5, 5, shape="linear")      # 0.1, 0.2, 0.3, 0.4, 0.5
    ```

    Args:
        start_lr: Learning rate of the first step, above 0.
        end_lr: Learning rate of the last step, above `start_lr`.
        num_steps: Number of steps, at least 2.
        shape: `"exponential"`: every step multiplies the learning rate by the same factor, so that
            each decade gets as many steps (Smith, 2018). `"linear"`: every step adds the same
            (Smith, 2017).

    Raises:
        ValueError: If `shape` is unknown, or the numbers are out of their range.
    """
    if shape not in RAMPS:
        raise ValueError(f"`ramp` must be one of {', '.join(map(repr, RAMPS))}. Received: ramp={shape!r}")
    if not (np.isfinite(start_lr) and np.isfinite(end_lr) and 0 < start_lr < end_lr):
        raise ValueError(
            "`start_lr` must be above 0 and below `end_lr`, and both finite. "
            f"Received: start_lr={start_lr!r}, end_lr={end_lr!r}"
        )
    if num_steps < 2:
        raise ValueError(f"`num_steps` must be at least 2. Received: num_steps={num_steps!r}")
    between = np.geomspace if shape == "exponential" else np.linspace
    return between(start_lr, end_lr, num_steps)
