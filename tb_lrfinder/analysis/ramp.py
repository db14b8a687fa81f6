"""Learning-rate ramps. Depends only on NumPy."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tb_lrfinder.checks import check_choice, check_integer, check_number

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
        start_lr: Float. Learning rate of the first step; greater than 0.
        end_lr: Float. Learning rate of the last step; greater than `start_lr`.
        num_steps: Integer. Number of steps, at least 2.
        shape: String. `"exponential"`: each step multiplies the learning rate by the same factor, so every
            decade has the same number of steps (Smith, 2018). `"linear"`: each step adds the same amount
            (Smith, 2017). Defaults to `"exponential"`.

    Returns:
        float64 array with the learning rate of each step.

    Raises:
        TypeError: If a learning rate is not a number, or `num_steps` is not an integer.
        ValueError: If `shape` is unknown, or another argument is out of range.
    """
    start_lr = check_number("start_lr", start_lr, above=0)
    end_lr = check_number("end_lr", end_lr, above=0)
    if start_lr >= end_lr:
        raise ValueError(
            f"`start_lr` must be less than `end_lr`. Received: start_lr={start_lr!r}, end_lr={end_lr!r}"
        )
    num_steps = check_integer("num_steps", num_steps, at_least=2)
    between = np.geomspace if check_choice("shape", shape, RAMPS) == "exponential" else np.linspace
    return between(start_lr, end_lr, num_steps)
