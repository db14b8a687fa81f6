"""Why a sweep or a trial ended: the values of `stop_reason`, with the words that users read."""

from __future__ import annotations

from typing import Final

STOP_REASONS: Final = {
    "completed": "completed",
    "diverged": "the loss diverged",
    "non_finite": "the loss became NaN or infinite",
    "incomplete": "the training ended before the end of the ramp",
    "interrupted": "the training was interrupted",
    "failed": "the training raised an error",
    "refused": "the optimizer has not trained the model",
}

TRIAL_STOP_REASONS: Final = {
    "completed": "every epoch is done",
    "stopped": "another callback stopped the training",
    "diverged": "the loss became NaN, infinite or worse than where it began",
    "interrupted": "the training was interrupted",
    "failed": "the training raised an error",
}
