"""The results of a sweep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tb_lrfinder.analysis.analyze import Analysis
from tb_lrfinder.analysis.curve import Sweep
from tb_lrfinder.analysis.suggestion import Suggestion
from tb_lrfinder.keras.sweep.optimizers import COMPILED
from tb_lrfinder.storage.schema import SweepConfig, SweepResult

ModelState = Literal["restored", "partly_restored", "trained_since", "kept", "trains_on"]


@dataclass(frozen=True, eq=False)
class SweepOutcome:
    """The results of a sweep; without a stop reason, there has been no sweep yet.

    Args:
        requested_log_dir: Directory that was passed to `LRFinder`.
        log_dir: Directory that the sweep was written to; None if it was not written.
        is_written: Whether all of it could be written.
        stop_reason: One of `STOP_REASONS`.
        sweep: The recorded rows.
        analysis: What is computed from them.
        optimizers: Names of the optimizers that were swept; the learning rates are those of the first one.
        planned_steps: Steps of the whole ramp, if it was planned.
        model_state: Whether the model was restored; "kept" with `restore=False`, "trains_on" if the same
            `fit` trains it after the sweep.
        config: The header of the event file.
        result: The result in the event file.
    """

    requested_log_dir: str | None
    log_dir: str | None
    is_written: bool = True
    stop_reason: str | None = None
    sweep: Sweep = field(default_factory=lambda: Sweep.from_losses([], []))
    analysis: Analysis | None = None
    optimizers: tuple[str, ...] = (COMPILED,)
    planned_steps: int | None = None
    model_state: ModelState = "restored"
    config: SweepConfig = field(default_factory=SweepConfig)
    result: SweepResult = field(default_factory=SweepResult)

    @property
    def suggestions(self) -> dict[str, Suggestion]:
        """The suggestions of all rules, by rule name; empty before the end of a sweep."""
        return {} if self.analysis is None else self.analysis.suggestions

    @property
    def has_suggestion(self) -> bool:
        """Whether the default rule suggests a learning rate."""
        return self.analysis is not None and self.analysis.suggestion.learning_rate is not None

    @classmethod
    def none(cls, log_dir: str | None) -> SweepOutcome:
        """Before the end of the first sweep."""
        return cls(log_dir, log_dir)
