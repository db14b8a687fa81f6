"""Stop reasons of sweeps and trials: the values of `stop_reason`, with the texts that users read.

The page has the same texts in `frontend/src/state/stopReasons.json`.
"""

from __future__ import annotations

from typing import Final

STOP_REASONS: Final = {
    "completed": "completed",
    "diverged": "the loss diverged",
    "non_finite": "the loss became NaN or infinite",
    "incomplete": "training ended before the end of the ramp",
    "interrupted": "training was interrupted",
    "failed": "training raised an error",
    "refused": "the optimizer did not train the model",
}

TRIAL_STOP_REASONS: Final = {
    "completed": "all epochs were completed",
    "stopped": "another callback stopped training",
    "diverged": "the loss became NaN, infinite or larger than at the start",
    "interrupted": "training was interrupted",
    "failed": "training raised an error",
}
