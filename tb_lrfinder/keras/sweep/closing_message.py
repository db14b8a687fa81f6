"""What is said at the end of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tb_lrfinder.analysis.stop_reasons import STOP_REASONS

if TYPE_CHECKING:
    from tb_lrfinder.keras.sweep.sweep_run import SweepRun


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
    elif run.needs_restoring:
        parts.append("Parts of the model could not be restored.")
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


def created(paths: list[str]) -> str:
    """The warning when there are variables that the sweep has created, so that nothing can be put back."""
    return (
        f"The sweep has created {len(paths)} variables that the model did not have before it, and they "
        f"keep the values that it gave them: {', '.join(paths[:5])}{', ...' if len(paths) > 5 else ''}. "
        "Create them before the sweep, such as in the model's __init__() or compile(), or build the "
        "model anew."
    )


def cut_short() -> str:
    """The warning when a sweep that was cut short is noticed by the next training only."""
    return "The model's last sweep was cut short; its state from before that sweep is restored now."


def trained_since() -> str:
    """The warning when a model was trained after its sweep was cut short."""
    return (
        "The model's last sweep was cut short, and it has been trained since, so that its state from before "
        "that sweep was not restored: the training started from the weights that the sweep left. Build the "
        "model anew, and call finder.restore() before you train a model whose sweep was cut short."
    )


def not_restored(error: BaseException, second: Exception) -> str:
    """The warning when the model could not be restored after an error."""
    return (
        f"The model could not be restored after {type(error).__name__}: {second} "
        "It is tried again at its next training. Call finder.restore() to do it before, when there is memory "
        "again."
    )


def trained_by(callback: str | None) -> str:
    """The error when another callback trains the model in the fit of its sweep."""
    who, it = ("Something", "it") if callback is None else (callback, callback)
    return (
        f"{who} trains the model, or makes its train function anew, during the fit() of a learning-rate "
        "sweep (train_on_batch(), fit(), or compile() with make_train_function()). The sweep has ended, and "
        f"the model is as before it. Take {it} out of this fit(), and put it into the fit() that trains."
    )


def _result(run: SweepRun) -> str:
    suggestion = run.analysis.suggestion if run.analysis else None
    if suggestion is None or suggestion.learning_rate is None:
        reason = (suggestion.reason if suggestion else None) or "nothing was recorded"
        return f"no suggestion ({reason.rstrip('.')})"
    return f"suggested learning rate {suggestion.learning_rate:.3g} ({suggestion.rule})"
