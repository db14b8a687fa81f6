"""Shows how far the trials are."""

from __future__ import annotations

import sys
from typing import TextIO

from tb_lrfinder.analysis.trial_results import TrialOutcome

_WIDTH = 20  # of the bar, in characters


class TrialProgress:
    """A bar on a terminal, and a line for each trial that has ended.

    Args:
        trials: How many there are.
        epochs: Of each trial.
        verbose: 0 shows nothing.
        stream: Where to; standard error when None, so that it stays out of what a script prints.
    """

    def __init__(self, trials: int, epochs: int, verbose: int, stream: TextIO | None = None) -> None:
        self._trials = trials
        self._epochs = epochs
        self._stream = stream or sys.stderr
        self._shown = verbose > 0
        self._bar_shown = self._shown and self._stream.isatty()
        self._ended = 0
        self._last = ""

    def show(self, running: str = "", epochs: int = 0) -> None:
        """Draw the bar.

        Args:
            running: What is running.
            epochs: How many of its epochs are done.
        """
        if not self._bar_shown:
            return
        share = (self._ended + epochs / self._epochs) / self._trials
        filled = round(share * _WIDTH)
        about = f"{running}, epoch {epochs}/{self._epochs}" if running else "running"
        bar = f"LR trials [{'=' * filled}{'.' * (_WIDTH - filled)}] {self._ended}/{self._trials}  {about}"
        self._write("\r" + bar.ljust(len(self._last)))
        self._last = bar

    def end(self, outcome: TrialOutcome) -> None:
        """Say how a trial ended."""
        self._ended += 1
        if not self._shown:
            return
        final = outcome.trial.final
        said = ", ".join(
            f"{name.replace('_', ' ')} {final[name]:.4g}"
            for name in ("loss", "validation_loss")
            if final[name] is not None
        )
        ended = outcome.message or outcome.stop_reason
        before = " (run before)" if outcome.reused else ""
        line = (
            f"LR trial {self._ended}/{self._trials}: learning rate {outcome.learning_rate:.3g}: "
            f"{said + ', ' if said else ''}{ended}{before}"
        )
        self._write(("\r" if self._bar_shown else "") + line.ljust(len(self._last)) + "\n")
        self._last = ""

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
