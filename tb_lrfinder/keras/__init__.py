"""Everything that imports Keras: sweeps and trials inside `model.fit`."""

from __future__ import annotations

try:
    import keras
except ImportError as error:
    raise ImportError(
        "LRFinder requires Keras 3 and a backend. Install both with: pip install 'tb_lrfinder[tensorflow]'"
    ) from error

if not keras.__version__.startswith("3."):
    raise ImportError(
        f"LRFinder requires Keras 3, but Keras {keras.__version__} is installed. "
        "Install it with: pip install 'tb_lrfinder[tensorflow]'"
    )

from tb_lrfinder.keras.schedules import ScaledSchedule
from tb_lrfinder.keras.sweep.batch_size_sweeps import BatchSizeSweeps
from tb_lrfinder.keras.sweep.find import find_lr
from tb_lrfinder.keras.sweep.lr_finder import LRFinder
from tb_lrfinder.keras.sweep.repeated_sweeps import RepeatedSweeps
from tb_lrfinder.keras.trials.lr_trial import LRTrial
from tb_lrfinder.keras.trials.run_trials import run_trials

__all__ = [
    "BatchSizeSweeps",
    "LRFinder",
    "LRTrial",
    "RepeatedSweeps",
    "ScaledSchedule",
    "find_lr",
    "run_trials",
]
