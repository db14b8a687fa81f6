"""Ranked results of trials. Depends only on NumPy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from tb_lrfinder.analysis.stop_reasons import TRIAL_STOP_REASONS
from tb_lrfinder.analysis.text_table import html_table, text_table
from tb_lrfinder.analysis.trial import Trial
from tb_lrfinder.checks import (
    check_boolean,
    check_choice,
    check_instance,
    check_instances,
    check_log_dir,
    check_number,
    check_string,
    set_fields,
)
from tb_lrfinder.formatting import loss_text, rate_text


@dataclass(frozen=True, eq=False)
class TrialOutcome:
    """The outcome of a trial.

    Args:
        learning_rate: Float. Learning rate of the trial.
        trial: The recorded `Trial`. Defaults to one without epochs.
        stop_reason: String. `"completed"`, `"stopped"` (by another callback), `"diverged"`, `"interrupted"`
            or `"failed"`. Defaults to `"completed"`.
        message: String. The error message if training raised an error. Defaults to `None`.
        log_dir: String or path. Run directory of the trial. Defaults to `None`, nothing was written.
        reused: Boolean. Whether the trial was already in the log directory and was not run again. Defaults to
            `False`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range, or `stop_reason` is unknown.
    """

    learning_rate: float
    trial: Trial = field(default_factory=lambda: Trial.from_columns({}))
    stop_reason: str = "completed"
    message: str | None = None
    log_dir: str | None = None
    reused: bool = False

    def __post_init__(self) -> None:
        set_fields(
            self,
            learning_rate=check_number("learning_rate", self.learning_rate, above=0),
            trial=check_instance("trial", self.trial, Trial, "a Trial"),
            stop_reason=check_choice("stop_reason", self.stop_reason, TRIAL_STOP_REASONS),
            log_dir=check_log_dir(self.log_dir),
            reused=check_boolean("reused", self.reused),
        )
        if self.message is not None:
            message = check_string("message", self.message, "a string or None", may_be_empty=True)
            set_fields(self, message=message)

    @property
    def score(self) -> float:
        """The value by which trials are ranked (lower is better).

        The final validation loss, or the final loss without validation data. Infinite if the trial diverged
        or failed.
        """
        if self.stop_reason not in ("completed", "stopped") or not len(self.trial):
            return math.inf
        losses = self.trial.loss if self.trial.validation_loss is None else self.trial.validation_loss
        return float(losses[-1]) if math.isfinite(losses[-1]) else math.inf


class TrialResults(Sequence[TrialOutcome]):
    """The outcomes of trials, sorted from best to worst.

    Example:

    ```python
    results = run_trials(make_model, (x, y), around=finder.suggestion, log_dir="logs/trials")
    results.best.learning_rate
    for outcome in results:
        print(outcome.learning_rate, outcome.trial.final["loss"], outcome.stop_reason)
    ```

    Args:
        outcomes: List of `TrialOutcome`, in any order; they are ranked by `score`. Diverged and failed trials
            come last.

    Raises:
        TypeError: If `outcomes` is not a list of outcomes.
    """

    def __init__(self, outcomes: Sequence[TrialOutcome]) -> None:
        check_instances("outcomes", outcomes, TrialOutcome, "a list of TrialOutcome")
        # Ties are broken in favor of the lower learning rate, which is safer.
        self._outcomes = sorted(outcomes, key=lambda outcome: (outcome.score, outcome.learning_rate))

    @property
    def best(self) -> TrialOutcome:
        """The outcome with the lowest final validation loss, or final loss without validation data.

        Raises:
            ValueError: If every trial diverged or failed.
        """
        if not self._outcomes or not math.isfinite(self._outcomes[0].score):
            why = ", ".join(
                f"{rate_text(outcome.learning_rate, 3)}: {outcome.message or outcome.stop_reason}"
                for outcome in self
            )
            raise ValueError(
                f"No trial finished with a finite loss ({why or 'there are no trials'}). "
                "Try lower learning rates, or check why the trials failed."
            )
        return self._outcomes[0]

    @overload
    def __getitem__(self, index: int) -> TrialOutcome: ...

    @overload
    def __getitem__(self, index: slice) -> list[TrialOutcome]: ...

    def __getitem__(self, index: int | slice) -> TrialOutcome | list[TrialOutcome]:
        return self._outcomes[index]

    def __len__(self) -> int:
        return len(self._outcomes)

    def __iter__(self) -> Iterator[TrialOutcome]:
        return iter(self._outcomes)

    def __repr__(self) -> str:
        return text_table(self._table())

    def _repr_html_(self) -> str:
        """HTML table for notebooks, sorted from best to worst."""
        return html_table(self._table())

    def _table(self) -> list[list[str]]:
        """The names of the columns, and a row for each outcome."""
        metrics = list(dict.fromkeys(name for outcome in self for name in outcome.trial.metrics))
        names = ["loss", "validation_loss", "gap", "descent", *metrics]
        finals = [outcome.trial.final for outcome in self]
        names = [name for name in names if any(final.get(name) is not None for final in finals)]
        rows = [["learning rate", *(name.replace("_", " ") for name in names), "epochs", "outcome"]]
        for outcome, final in zip(self, finals, strict=True):
            values = [final.get(name) for name in names]
            shown = ["" if value is None else loss_text(value) for value in values]
            ended = outcome.stop_reason + (" (reused)" if outcome.reused else "")
            if outcome.message:
                ended += f": {outcome.message}"
            rows.append([rate_text(outcome.learning_rate, 3), *shown, str(len(outcome.trial)), ended])
        return rows
