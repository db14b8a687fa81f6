"""Messages about finished trials."""

from __future__ import annotations

from typing import Any

from tb_lrfinder.analysis.stop_reasons import TRIAL_STOP_REASONS
from tb_lrfinder.analysis.trial import Trial
from tb_lrfinder.formatting import loss_text, rate_text


def losses_text(trial: Trial) -> str:
    """Return the final losses as text: `"loss 0.31, validation loss 0.35"`; empty without epochs."""
    final = trial.final
    losses = {"loss": final["loss"], "validation loss": final["validation_loss"]}
    return ", ".join(f"{name} {loss_text(loss)}" for name, loss in losses.items() if loss is not None)


def closing_message(trial: Trial, stop_reason: str) -> str:
    """Return the summary that `LRTrial` prints: learning rates, final losses and stop reason."""
    reason = TRIAL_STOP_REASONS[stop_reason]
    if not len(trial):
        return f"LR trial: no epochs were recorded: {reason}."
    ends = (trial.learning_rate[0], trial.learning_rate[-1])
    rates = " to ".join(dict.fromkeys(rate_text(rate, 3) for rate in ends))
    epochs = "1 epoch" if len(trial) == 1 else f"{len(trial)} epochs"
    return f"LR trial: learning rate {rates}, {losses_text(trial)} after {epochs}: {reason}."


def written_to(log_dir: str, requested: Any, *, is_complete: bool) -> str:
    """Return where the trial was written, and why it is not the requested directory."""
    written = "Written to" if is_complete else "Not all of it could be written to"
    if log_dir == requested:
        return f"{written} {log_dir}."
    return f"{written} {log_dir}, because {requested} already contains a run."
