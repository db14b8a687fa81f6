"""Messages at the end of a sweep."""

from __future__ import annotations

import os
import shlex
from typing import Final

from tb_lrfinder.analysis.stop_reasons import STOP_REASONS
from tb_lrfinder.formatting import rate_text
from tb_lrfinder.keras.sweep.optimizers import COMPILED
from tb_lrfinder.keras.sweep.outcome import SweepOutcome
from tb_lrfinder.keras.sweep.plan import Plan

_MODEL_STATES: Final = {
    "restored": "The model was restored to its state before the sweep; it has not been trained.",
    "partly_restored": "Parts of the model could not be restored.",
    "trained_since": "The model was not restored, because it has been trained since then.",
    "kept": "The model was not restored (restore=False).",
}


def closing_lines(outcome: SweepOutcome) -> str:
    """What is printed at the end of a sweep: the closing line, the diagnosis, and what to do next."""
    return "\n".join(line for line in (summary(outcome), _diagnosis(outcome), _next(outcome)) if line)


def summary(outcome: SweepOutcome) -> str:
    """The closing line: suggestion, stop reason, log directory, and the state of the model."""
    if outcome.stop_reason is None:
        return ""
    rows = len(outcome.sweep)
    steps = "before the first step"
    if outcome.planned_steps is not None:
        steps = f"after {rows} of {outcome.planned_steps} steps"
    at = f", at a learning rate of {rate_text(outcome.sweep.learning_rate[-1])}" if rows else ""
    parts = [
        f"LR Finder: {_suggestion(outcome)}.",
        f"Stopped {steps}{at}: {STOP_REASONS[outcome.stop_reason]}.",
    ]
    if outcome.optimizers != (COMPILED,):
        parts.append(_optimizers(outcome.optimizers))
    if outcome.log_dir is not None:
        requested = outcome.requested_log_dir
        reason = "" if outcome.log_dir == requested else f", because {requested} already contains a run"
        written = "Written to" if outcome.is_written else "Not all of it could be written to"
        parts.append(f"{written} {outcome.log_dir}{reason}.")
    return " ".join([*parts, _model_state(outcome)])


def shortened(plan: Plan) -> str:
    """The warning for a ramp that is shorter than requested."""
    return (
        f"`fit()` is too short for a ramp of {plan.requested_steps} steps, so the ramp has {plan.num_steps}. "
        f"Pass a larger `epochs` to `fit()`, or num_steps={plan.num_steps} to `LRFinder`."
    )


def trains_without_suggestion() -> str:
    """The warning for a training run after a sweep without a suggestion."""
    return (
        "The sweep has no suggestion, so the training goes on at the learning rate that the model was "
        "compiled with. `finder.suggestion.reason` says why."
    )


def incomplete(outcome: SweepOutcome) -> str:
    """The warning for a training run that ended before the ramp was completed."""
    return (
        f"The learning-rate sweep is incomplete: training ended after {len(outcome.sweep)} of "
        f"{outcome.planned_steps or 0} steps because the data ran out, the last epoch ended, or another "
        "callback stopped training. Pass a larger `epochs` to `fit()`, or a smaller `num_steps` to "
        "`LRFinder`."
    )


def created(paths: list[str]) -> str:
    """The warning for variables that the sweep has created and cannot restore."""
    return (
        f"The sweep has created {len(paths)} variables that the model did not have before, and they keep "
        f"their values: {', '.join(paths[:5])}{', ...' if len(paths) > 5 else ''}. Create them before the "
        "sweep, for example in `__init__()` or `compile()` of the model, or rebuild the model."
    )


def interrupted() -> str:
    """The warning when the next training run detects an interrupted sweep."""
    return (
        "The previous sweep of this model was interrupted; the model has been restored to its state before "
        "that sweep."
    )


def trained_since() -> str:
    """The warning for a model that was trained after an interrupted sweep."""
    return (
        "The previous sweep of this model was interrupted, and the model has been trained since then. It was "
        "not restored, so that training started from the weights of the sweep. Rebuild the model, and call "
        "`finder.restore()` before you train a model whose sweep was interrupted."
    )


def not_restored(error: BaseException, second: Exception) -> str:
    """The warning when the model could not be restored after an error."""
    return (
        f"The model could not be restored after {type(error).__name__}: {second} "
        "The next training run of the model tries again. To do so earlier, call `finder.restore()` once "
        "memory is available."
    )


def trained_by(callback: str | None) -> str:
    """The error when another callback trains the model during a sweep."""
    name = callback or "Something"
    return (
        f"{name} trains the model or recreates its train function during a learning-rate sweep (with "
        "train_on_batch(), fit(), or compile() and make_train_function()). The sweep has ended, and the "
        f"model has been restored. Remove {callback or 'it'} from the callbacks of this fit(), and use it in "
        "the fit() that trains the model."
    )


def _model_state(outcome: SweepOutcome) -> str:
    if outcome.model_state != "trains_on":
        return _MODEL_STATES[outcome.model_state]
    rate = "this learning rate" if outcome.has_suggestion else "the learning rate it was compiled with"
    return f"The model was restored to its state before the sweep, and training goes on at {rate}."


def _diagnosis(outcome: SweepOutcome) -> str:
    """The first finding, unless it is the reason why there is no suggestion."""
    findings = outcome.analysis.diagnosis if outcome.has_suggestion and outcome.analysis else ()
    if not findings:
        return ""
    others = f" (and {len(findings) - 1} more in `finder.diagnosis`)" if len(findings) > 1 else ""
    return f"Diagnosis: {findings[0].message}{others}"


def _next(outcome: SweepOutcome) -> str:
    steps = []
    if outcome.has_suggestion and outcome.model_state == "restored":
        steps.append("finder.apply() sets this learning rate")
    if outcome.log_dir is not None and outcome.requested_log_dir is not None:
        log_dir = shlex.quote(_for_tensorboard(outcome.requested_log_dir))
        steps.append(f"`tensorboard --logdir {log_dir}` shows the curve")
    return f"Next: {', '.join(steps)}." if steps else ""


def _for_tensorboard(log_dir: str) -> str:
    """The directory of the sweep, or of all sweeps if it is a relative path such as logs/adam."""
    parent = os.path.dirname(log_dir)  # noqa: PTH120 - it may be a URL
    is_above = os.path.isabs(log_dir) or "://" in log_dir or os.pardir in log_dir  # noqa: PTH117 - so may this
    return log_dir if is_above or not parent else parent


def _optimizers(names: tuple[str, ...]) -> str:
    first, *others = (f"`model.{name}`" if name == COMPILED else f"`{name}`" for name in names)
    ratio = (
        f"; {', '.join(others)} {'keep their' if len(others) > 1 else 'keeps its'} ratio to it"
        if others
        else ""
    )
    return f"The learning rates are those of {first}{ratio}."


def _suggestion(outcome: SweepOutcome) -> str:
    suggestion = outcome.analysis.suggestion if outcome.analysis else None
    if suggestion is None or suggestion.learning_rate is None:
        reason = (suggestion.reason if suggestion else None) or "no steps were recorded"
        return f"no suggestion ({reason.rstrip('.')})"
    return f"suggested learning rate {rate_text(suggestion.learning_rate)} ({suggestion.rule})"
