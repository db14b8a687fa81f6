"""`tb-lrfinder report`: summarizes the sweeps and trials in a log directory."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tb_lrfinder.cli.arguments import Commands, add_command, add_log_dir
from tb_lrfinder.cli.formatting import finding_lines, number
from tb_lrfinder.cli.terminal import colored, paragraph, sanitize, table

if TYPE_CHECKING:
    from tb_lrfinder.storage.recorded import Recorded


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "report",
        run,
        help="summarize the sweeps and trials in a log directory",
        description="Print a table of the sweeps in a log directory with their suggested learning rates, a\n"
        "table of the trials with their final losses, and the diagnosis. The values are the same as in the\n"
        "LR Finder tab.",
        examples="""\
  tb-lrfinder report logs
  tb-lrfinder report logs --json | jq '.sweeps[] | {run, lr: .suggestion.learning_rate}'
  tb-lrfinder report logs --strict || echo "a sweep has no suggestion"

exit codes:
  0  success
  1  with --strict: a sweep has a severe finding (and no suggestion), or a run failed
  2  the log directory cannot be read or contains no runs""",
    )
    add_log_dir(parser)
    parser.add_argument(
        "--json", action="store_true", help="print JSON with the field names of the HTTP API, without rows"
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with code 1 if there is a severe finding or a failed run"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the report and return the exit code."""
    from tb_lrfinder.cli import log_dir
    from tb_lrfinder.storage.strict_json import replace_non_finite

    report = _report(log_dir.read(arguments.log_dir))
    if arguments.json:
        print(json.dumps(replace_non_finite(report), indent=2, allow_nan=False))
    else:
        print(_text(**report))
    return 1 if arguments.strict and any(map(_is_bad, report["sweeps"] + report["trials"])) else 0


def _report(recorded: Sequence[Recorded]) -> dict[str, list[dict[str, Any]]]:
    """Return the responses of the HTTP API, without rows."""
    from tb_lrfinder.plugin import responses
    from tb_lrfinder.plugin.request_params import SweepsParams, TrialsParams

    sweeps = [one for one in recorded if one.kind == "sweep"]
    trials = [one for one in recorded if one.kind == "trial"]
    report: dict[str, list[dict[str, Any]]] = {"sweeps": [], "trials": []}
    if sweeps:
        params = SweepsParams([one.run for one in sweeps], columns=())
        report["sweeps"] = responses.sweeps(sweeps, params, _without_rows)["sweeps"]
    if trials:
        trials_params = TrialsParams([one.run for one in trials])
        report["trials"] = responses.trials(trials, trials_params, _without_rows)["trials"]
    return report


def _without_rows(response: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in response.items() if name != "columns"}


def _is_bad(response: dict[str, Any]) -> bool:
    return response["status"] == "failed" or any(
        finding["severity"] == "severe" for finding in response.get("diagnosis", ())
    )


def _text(sweeps: Sequence[dict[str, Any]], trials: Sequence[dict[str, Any]]) -> str:
    parts = []
    if sweeps:
        header = ("SWEEP", "OPTIMIZER", "STATUS", "STEPS", "SUGGESTED", "LONG", "ONE-CYCLE", "DIAGNOSIS")
        parts.append(table(header, [_sweep_row(sweep) for sweep in sweeps], {0: "bold", 4: "green"}))
    if trials:
        header = ("TRIAL", "OPTIMIZER", "STATUS", "EPOCHS", "LEARNING RATE", "LOSS", "VALIDATION LOSS", "GAP")
        parts.append(table(header, [_trial_row(trial) for trial in trials], {0: "bold"}))
    parts += [_findings(one) for one in [*sweeps, *trials] if one.get("diagnosis") or one["message"]]
    return "\n\n".join(parts)


def _sweep_row(sweep: dict[str, Any]) -> tuple[str, ...]:
    config, suggestion = sweep["config"], sweep["suggestion"]
    ranges = suggestion["ranges"] or {}
    codes = [
        finding["code"] + (" (severe)" if finding["severity"] == "severe" else "")
        for finding in sweep["diagnosis"]
    ]
    return (
        sweep["run"],
        str(config.get("optimizer") or "-"),
        sweep["status"],
        _progress(sweep["steps"], config.get("num_steps")),
        number(suggestion["learning_rate"]),
        number(ranges.get("long_training")),
        number(ranges.get("one_cycle_max")),
        ", ".join(codes) or "-",
    )


def _trial_row(trial: dict[str, Any]) -> tuple[str, ...]:
    final = trial["final"]
    return (
        trial["run"],
        str(trial["config"].get("optimizer") or "-"),
        "diverged" if trial["diverged"] else trial["status"],
        _progress(trial["epochs"], trial["planned_epochs"]),
        number(trial["learning_rate"], digits=3),
        *(number(final[name], digits=4) for name in ("loss", "validation_loss", "gap")),
    )


def _progress(steps: int, planned: int | None) -> str:
    return f"{steps}/{planned}" if planned else str(steps)


def _findings(response: dict[str, Any]) -> str:
    lines = [colored(sanitize(response["run"]), "bold")]
    if response["message"]:
        lines.append(paragraph(response["message"], "  "))
    return "\n".join([*lines, *finding_lines(response.get("diagnosis", ()))])
