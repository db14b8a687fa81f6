"""Builds the responses described in http_api.md as dicts, with columns as NumPy arrays. No HTTP, no JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from tb_lrfinder.analysis.suggestion import DEFAULT_RULE, RULES
from tb_lrfinder.plugin.request_params import BadParameterError, SweepsParams, TrialsParams, quote_input
from tb_lrfinder.plugin.sweep_response import sweep_fields
from tb_lrfinder.storage.boundary import contain_errors
from tb_lrfinder.storage.listing import RunList
from tb_lrfinder.storage.recorded import (
    Kind,
    Recorded,
    RecordedSweep,
    RecordedTrial,
    RunSummary,
    unreadable,
    with_rows,
)

Response = dict[str, Any]
Encoded = TypeVar("Encoded")
Run = TypeVar("Run", RecordedSweep, RecordedTrial, Recorded)

_SEVERITIES = ("severe", "mild")


def _unchanged(response: Response) -> Any:
    return response


# Each `encode` is applied to the response for one run before the next run is read, so that its columns can be
# freed, and an error in it affects this run only.


def runs(run_list: RunList, encode: Callable[[Response], Any] = _unchanged) -> Response:
    """Response of `GET runs`."""

    def respond(summary: RunSummary) -> Any:
        return contain_errors(
            lambda: encode(_listed_run(summary)),
            lambda reason: encode(_listed_run(unreadable(summary.run, reason, summary.kind))),
        )

    return {"runs": [respond(summary) for summary in run_list.runs], "notice": run_list.notice}


def rules() -> Response:
    """Response of `GET rules`."""
    described = [
        {
            "name": rule.name,
            "label": rule.label,
            "description": rule.description,
            "formula": rule.formula,
            "source": rule.source,
        }
        for rule in RULES.values()
    ]
    return {"default": DEFAULT_RULE, "rules": described}


def sweeps(
    recorded: Iterable[Recorded], params: SweepsParams, encode: Callable[[Response], Any] = _unchanged
) -> Response:
    """Response of `GET sweeps`.

    Raises:
        BadParameterError: If none of the runs has a sweep.
    """

    def respond(sweep: RecordedSweep) -> Any:
        fields = sweep_fields(sweep, params)
        return encode({**_run_fields(sweep), "steps": sweep.steps, **fields})

    found = {run.run: contained(run, respond) for run in recorded if isinstance(run, RecordedSweep)}
    return _response("sweep", params.runs, found)


def trials(
    recorded: Iterable[Recorded], params: TrialsParams, encode: Callable[[Response], Any] = _unchanged
) -> Response:
    """Response of `GET trials`.

    Raises:
        BadParameterError: If none of the runs has a trial.
    """

    def respond(trial: RecordedTrial) -> Any:
        return encode({**_run_fields(trial), **_trial_fields(trial)})

    found = {run.run: contained(run, respond) for run in recorded if isinstance(run, RecordedTrial)}
    return _response("trial", params.runs, found)


def recorded_run(recorded: Recorded, encode: Callable[[Response], Encoded]) -> Encoded:
    """Return everything that was recorded of a run: the JSON of `GET download`."""

    def respond(run: Recorded) -> Encoded:
        return encode(
            {
                "run": run.run,
                "config": run.config,
                "result": run.result,
                "message": run.message,
                "columns": run.columns(),
            }
        )

    return contained(recorded, respond)


def contained(recorded: Run, respond: Callable[[Run], Encoded]) -> Encoded:
    """Return the response for a run, or for an unreadable run if it raises."""

    def on_error(reason: str) -> Encoded:
        failed = with_rows(unreadable(recorded.run, reason, recorded.kind), {})
        return respond(failed)  # type: ignore[arg-type] # of the same kind

    return contain_errors(lambda: respond(recorded), on_error)


def not_found(what: str, names: Sequence[str]) -> str:
    """Return an error message for runs without a sweep or a trial."""
    listed = ", ".join(quote_input(name) for name in names[:3]) + (" and others" if len(names) > 3 else "")
    return f"No {what} in the run{'s'[: len(names) != 1]} {listed}. `GET runs` lists the available runs."


def _response(kind: Kind, requested: Sequence[str], found: Mapping[str, Any]) -> Response:
    missing = [run for run in requested if run not in found]
    if not found:
        raise BadParameterError(not_found(kind, missing))
    errors = [{"run": run, "message": f"No {kind} in the run {json.dumps(run)}."} for run in missing]
    return {f"{kind}s": list(found.values()), "errors": errors}


def _listed_run(summary: RunSummary) -> Response:
    config, result = summary.config, summary.result or {}
    severities = {finding["severity"] for finding in result.get("diagnosis") or ()}
    return {
        **_run_fields(summary),
        "steps": summary.steps,
        "planned_steps": summary.planned_steps,
        "learning_rate": config.get("learning_rate") if summary.kind == "trial" else None,
        "start_time": config.get("start_time"),
        "optimizer": config.get("optimizer"),
        "optimizer_settings": config.get("optimizer_settings"),
        "model": config.get("model"),
        "parameters": config.get("parameters"),
        "batch_size": config.get("batch_size"),
        "suggestion": result.get("suggestion"),
        "severity": next((severity for severity in _SEVERITIES if severity in severities), None),
    }


def _trial_fields(recorded: RecordedTrial) -> Response:
    trial, stop_reason = recorded.trial, (recorded.result or {}).get("stop_reason")
    return {
        "epochs": recorded.steps,
        "planned_epochs": recorded.planned_steps,
        "learning_rate": recorded.config.get("learning_rate"),
        "diverged": trial.diverged or stop_reason == "diverged",
        "config": recorded.config,
        "columns": {**trial.columns(), "validation_loss": trial.validation_loss},
        "final": trial.final,
    }


def _run_fields(summary: RunSummary) -> Response:
    """The fields that all responses for a run share."""
    status = summary.status()
    state = json.dumps([summary.config, summary.result, summary.steps, status], sort_keys=True)
    return {
        "run": summary.run,
        "id": summary.config.get("id"),
        "kind": summary.kind,
        "status": status,
        "message": summary.message,
        "version": hashlib.blake2b(state.encode(), digest_size=8).hexdigest(),
        "stop_reason": (summary.result or {}).get("stop_reason"),
    }
