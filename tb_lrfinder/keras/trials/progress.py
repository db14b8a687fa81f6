"""Progress of `run_trials`."""

from __future__ import annotations

import sys
from typing import TextIO

from tb_lrfinder.analysis.trial_results import TrialOutcome
from tb_lrfinder.formatting import rate_text
from tb_lrfinder.keras.trials.closing_message import losses_text

_BAR_WIDTH = 20  # characters


class TrialProgress:
    """Shows a progress bar on terminals, and one line per finished trial.

    Args:
        trials: Integer. Number of trials.
        epochs: Integer. Number of epochs of each trial.
        verbose: `0` or `1`. `0` shows nothing.
        stream: Text stream. Defaults to `None`, which is standard error, so that progress does not mix with
            the output of a script.
    """

    def __init__(self, trials: int, epochs: int, verbose: int, stream: TextIO | None = None) -> None:
        self._trials = trials
        self._epochs = epochs
        self._stream = stream or sys.stderr
        self._shown = verbose > 0
        self._bar_shown = self._shown and self._stream.isatty()
        self._finished = 0
        self._last_bar = ""

    def show(self, running: str = "", epochs: int = 0) -> None:
        """Draw the bar.

        Args:
            running: String. Name of the running trial.
            epochs: Integer. Number of its finished epochs.
        """
        if not self._bar_shown:
            return
        fraction = (self._finished + epochs / self._epochs) / self._trials
        filled = round(fraction * _BAR_WIDTH)
        status = f"{running}, epoch {epochs}/{self._epochs}" if running else "running"
        bar = f"[{'=' * filled}{'.' * (_BAR_WIDTH - filled)}]"
        line = f"LR trials {bar} {self._finished}/{self._trials}  {status}"
        self._write("\r" + line.ljust(len(self._last_bar)))
        self._last_bar = line

    def end(self, outcome: TrialOutcome) -> None:
        """Write the outcome of a trial."""
        self._finished += 1
        if not self._shown:
            return
        losses = losses_text(outcome.trial)
        line = (
            f"LR trial {self._finished}/{self._trials}: learning rate {rate_text(outcome.learning_rate, 3)}: "
            f"{losses + ', ' if losses else ''}{outcome.message or outcome.stop_reason}"
            f"{' (reused)' if outcome.reused else ''}"
        )
        self._write(("\r" if self._bar_shown else "") + line.ljust(len(self._last_bar)) + "\n")
        self._last_bar = ""

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
