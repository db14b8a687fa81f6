"""What is said at the end of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tb_lrfinder.metadata import STOP_REASONS

if TYPE_CHECKING:
    from tb_lrfinder.keras.sweep_run import SweepRun


def line(run: SweepRun) -> str:
    """Result, stop reason, where it was written, and that the model was not trained."""
    assert run.stopped is not None
    parts = [f"LR Finder: {_result(run)}."]
    steps = f"after {len(run.sweep)} of {run.plan.num_steps} steps" if run.plan else "before its first step"
    at = f", at a learning rate of {run.sweep.learning_rate[-1]:.2g}" if len(run.sweep) else ""
    parts.append(f"Stopped {steps}{at}: {STOP_REASONS[run.stopped]}.")
    if run.log_dir is not None:
        asked = run.settings.log_dir
        elsewhere = "" if run.log_dir == asked else f", because {asked} holds a sweep already"
        written = "Written to" if run.is_written else "Not all of it could be written to"
        parts.append(f"{written} {run.log_dir}{elsewhere}.")
    if not run.settings.restore:
        parts.append("The model is left as the sweep made it (restore=False).")
    else:
        parts.append("The model was not trained: weights, optimizer and learning rate are as before.")
    return " ".join(parts)


def incomplete(run: SweepRun) -> str:
    """The warning when the training ended before the ramp did."""
    planned = run.plan.num_steps if run.plan else 0
    return (
        "The learning-rate sweep is incomplete: the training ended after "
        f"{len(run.sweep)} of {planned} steps. "
        "The data ran out, the last epoch was over, or another callback stopped it. "
        "Pass larger epochs= to fit(), or a smaller num_steps= to LRFinder."
    )


def _result(run: SweepRun) -> str:
    suggestion = run.analysis.suggestion if run.analysis else None
    if suggestion is None or suggestion.learning_rate is None:
        reason = (suggestion.reason if suggestion else None) or "nothing was recorded"
        return f"no suggestion ({reason.rstrip('.')})"
    return f"suggested learning rate {suggestion.learning_rate:.3g} ({suggestion.rule})"
