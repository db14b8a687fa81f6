"""What trials have led to, ranked. Needs only numpy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import overload

from tb_lrfinder.analysis.trial import Trial


@dataclass(frozen=True, eq=False)
class TrialOutcome:
    """How one trial ended.

    Args:
        learning_rate: The one that was tried.
        trial: Its epochs.
        stop_reason: One of `metadata.TRIAL_STOP_REASONS`.
        message: The error, when the training raised one.
        log_dir: Where it was written to; None where nothing was.
        reused: Whether it was in the log directory already, and was not run again.
    """

    learning_rate: float
    trial: Trial = field(default_factory=lambda: Trial.from_columns({}))
    stop_reason: str = "completed"
    message: str | None = None
    log_dir: str | None = None
    reused: bool = False

    @property
    def score(self) -> float:
        """What trials are ranked by, lower is better: the final validation loss, or else the final loss.

        Infinite for a trial that has diverged or failed.
        """
        if self.stop_reason not in ("completed", "stopped") or not len(self.trial):
            return math.inf
        losses = self.trial.loss if self.trial.validation_loss is None else self.trial.validation_loss
        return float(losses[-1]) if math.isfinite(losses[-1]) else math.inf


class TrialResults(Sequence[TrialOutcome]):
    """The outcomes of trials, the best first.

    Example:

    ```python
    results = run_trials(make_model, (x, y), around=finder.suggestion, log_dir="logs/trials")
    results.best.learning_rate
    for outcome in results:
        print(outcome.learning_rate, outcome.trial.final["loss"], outcome.stop_reason)
    ```

    Args:
        outcomes: In any order. They are ranked by their `score`; those that diverged or failed come last.
    """

    def __init__(self, outcomes: Sequence[TrialOutcome]) -> None:
        # Of two that are equally good the lower learning rate: it is the safer one.
        self._outcomes = sorted(outcomes, key=lambda outcome: (outcome.score, outcome.learning_rate))

    @property
    def best(self) -> TrialOutcome:
        """The one with the lowest final validation loss, or final loss where there are no validation data.

        Raises:
            ValueError: If every trial has diverged or failed; says why.
        """
        if not self._outcomes or not math.isfinite(self._outcomes[0].score):
            why = ", ".join(
                f"{outcome.learning_rate:.3g}: {outcome.message or outcome.stop_reason}" for outcome in self
            )
            raise ValueError(
                f"No trial came to an end with a finite loss ({why or 'there was none'}). "
                "Try lower learning rates, or see why the trainings failed."
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
        rows = self._table()
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
        lines = ["  ".join([*map(str.rjust, row, widths), row[-1]]).rstrip() for row in rows]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """What a notebook shows: a table, the best first."""
        return _html_table(*self._table())

    def _table(self) -> list[list[str]]:
        """Names of columns, and a row for each outcome, the best first."""
        metrics = list(dict.fromkeys(name for outcome in self for name in outcome.trial.metrics))
        names = ["loss", "validation_loss", "gap", "descent", *metrics]
        finals = [outcome.trial.final for outcome in self]
        names = [name for name in names if any(final.get(name) is not None for final in finals)]
        rows = [["learning rate", *(name.replace("_", " ") for name in names), "epochs", "how it ended"]]
        for outcome, final in zip(self, finals, strict=True):
            values = [final.get(name) for name in names]
            shown = ["" if value is None else f"{value:.4g}" for value in values]
            ended = outcome.stop_reason + (" (run before)" if outcome.reused else "")
            if outcome.message:
                ended += f": {outcome.message}"
            rows.append([f"{outcome.learning_rate:.3g}", *shown, str(len(outcome.trial)), ended])
        return rows


def _html_table(header: Sequence[str], *rows: Sequence[str]) -> str:
    """Texts as a table, numbers to the right; the last column is text."""

    def line(row: Sequence[str], tag: str) -> str:
        sides = ["right"] * (len(row) - 1) + ["left"]
        cells = [
            f'<{tag} style="text-align:{side};padding:.1em .6em">{escape(cell)}</{tag}>'
            for cell, side in zip(row, sides, strict=True)
        ]
        return f"<tr>{''.join(cells)}</tr>"

    return f"<table>{line(header, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"
