"""Learning-rate range tests for Keras, shown in TensorBoard.

Importing this package stays light: Keras is imported only when a name that needs it is touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tb_lrfinder.analysis.divergence import Divergence
from tb_lrfinder.analysis.suggestion import RULES, Suggestion, suggest
from tb_lrfinder.version import __version__

if TYPE_CHECKING:
    from tb_lrfinder.keras import LRFinder, LRTrial, find_lr, run_trials

__all__ = [
    "RULES",
    "Divergence",
    "LRFinder",
    "LRTrial",
    "Suggestion",
    "__version__",
    "find_lr",
    "run_trials",
    "suggest",
]

_NEED_KERAS = frozenset({"LRFinder", "LRTrial", "find_lr", "run_trials"})


def __getattr__(name: str) -> Any:
    if name in _NEED_KERAS:
        from tb_lrfinder import keras

        return getattr(keras, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
