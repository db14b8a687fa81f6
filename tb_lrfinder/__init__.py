"""Learning-rate range tests for Keras, shown in TensorBoard.

Importing this package is fast: the names below are imported when they are first used, and Keras only for
those that need it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tb_lrfinder.version import __version__

if TYPE_CHECKING:
    from tb_lrfinder.analysis.analyze import Analysis, analyze
    from tb_lrfinder.analysis.curve import Sweep, loss_delta, slope_per_decade, smooth
    from tb_lrfinder.analysis.diagnosis import Finding
    from tb_lrfinder.analysis.divergence import Divergence
    from tb_lrfinder.analysis.ramp import ramp
    from tb_lrfinder.analysis.suggestion import RULES, Ranges, Suggestion, suggest
    from tb_lrfinder.analysis.trial import Trial
    from tb_lrfinder.analysis.trial_results import TrialOutcome, TrialResults
    from tb_lrfinder.keras import (
        BatchSizeSweeps,
        LRFinder,
        LRTrial,
        RepeatedSweeps,
        ScaledSchedule,
        find_lr,
        run_trials,
    )
    from tb_lrfinder.storage.reader import read_log_dir
    from tb_lrfinder.storage.recorded import RecordedSweep, RecordedTrial

__all__ = [
    "RULES",
    "Analysis",
    "BatchSizeSweeps",
    "Divergence",
    "Finding",
    "LRFinder",
    "LRTrial",
    "Ranges",
    "RecordedSweep",
    "RecordedTrial",
    "RepeatedSweeps",
    "ScaledSchedule",
    "Suggestion",
    "Sweep",
    "Trial",
    "TrialOutcome",
    "TrialResults",
    "__version__",
    "analyze",
    "find_lr",
    "loss_delta",
    "ramp",
    "read_log_dir",
    "run_trials",
    "slope_per_decade",
    "smooth",
    "suggest",
]

_MODULES = {
    "analysis.analyze": ("Analysis", "analyze"),
    "analysis.curve": ("Sweep", "loss_delta", "slope_per_decade", "smooth"),
    "analysis.diagnosis": ("Finding",),
    "analysis.divergence": ("Divergence",),
    "analysis.ramp": ("ramp",),
    "analysis.suggestion": ("RULES", "Ranges", "Suggestion", "suggest"),
    "analysis.trial": ("Trial",),
    "analysis.trial_results": ("TrialOutcome", "TrialResults"),
    "keras": (
        "BatchSizeSweeps",
        "LRFinder",
        "LRTrial",
        "RepeatedSweeps",
        "ScaledSchedule",
        "find_lr",
        "run_trials",
    ),
    "storage.reader": ("read_log_dir",),
    "storage.recorded": ("RecordedSweep", "RecordedTrial"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
