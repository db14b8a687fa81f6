"""`tb-lrfinder report`: what every sweep and trial below a log directory says."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tb_lrfinder.cli.arguments import Commands, add_command, add_log_dir
from tb_lrfinder.cli.formatting import finding_lines, number
from tb_lrfinder.cli.terminal import colored, paragraph, sanitize, table

if TYPE_CHECKING:
    from tb_lrfinder.storage.reader import Recorded


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "report",
        run,
        help="what every sweep and trial below a log directory says",
        description="A table of the sweeps below a log directory with the suggested learning rate of each,\n"
        "a table of the trials with what they ended with, and what is worth knowing about them.\n"
        "It says what the tab says: both compute it the same way.",
        examples="""\
  tb-lrfinder report logs
  tb-lrfinder report logs --json | jq '.sweeps[] | {run, lr: .suggestion.learning_rate}'
  tb-lrfinder report logs --strict || echo "a sweep gives no answer"

exit codes:
  0  reported
  1  with --strict: a sweep has a severe diagnosis (so that it suggests nothing), or a run has failed
  2  the log directory cannot be read, or there is nothing in it""",
    )
    add_log_dir(parser)
    parser.add_argument(
        "--json", action="store_true", help="print everything as JSON, as the HTTP API names it, without rows"
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 when a diagnosis is severe or a run has failed"
    )


def run(arguments: argparse.Namespace) -> int:
    """Report, and return the exit code."""
    from tb_lrfinder.cli import log_dir

    recorded = log_dir.read(arguments.log_dir)
    said = {"sweeps": _sweeps(recorded), "trials": _trials(recorded)}
    print(json.dumps(said, indent=2, allow_nan=False) if arguments.json else _text(**said))
    return 1 if arguments.strict and any(map(_is_bad, said["sweeps"] + said["trials"])) else 0


def _sweeps(recorded: Iterable[Recorded]) -> list[dict[str, Any]]:
    """What the HTTP API answers about the sweeps, without their rows."""
    from tb_lrfinder.plugin import responses
    from tb_lrfinder.plugin.request_params import SweepsQuery

    runs = {one.run: one for one in recorded if one.kind == "sweep"}
    asked = SweepsQuery(list(runs), None, None, 0, 0, "base64", columns=())
    return _without_rows(json.loads(responses.sweeps(runs.values(), asked))["sweeps"]) if runs else []


def _trials(recorded: Iterable[Recorded]) -> list[dict[str, Any]]:
    """What the HTTP API answers about the trials, without their rows."""
    from tb_lrfinder.plugin import responses
    from tb_lrfinder.plugin.request_params import TrialsQuery

    runs = {one.run: one for one in recorded if one.kind == "trial"}
    asked = TrialsQuery(list(runs))
    return _without_rows(json.loads(responses.trials(runs.values(), asked))["trials"]) if runs else []


def _without_rows(answered: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in one.items() if key != "columns"} for one in answered]


def _is_bad(answered: dict[str, Any]) -> bool:
    return answered["status"] == "failed" or any(
        finding["severity"] == "severe" for finding in answered.get("diagnosis", ())
    )


def _text(sweeps: Sequence[dict[str, Any]], trials: Sequence[dict[str, Any]]) -> str:
    parts = []
    if sweeps:
        header = ("SWEEP", "OPTIMIZER", "STATUS", "STEPS", "SUGGESTED", "LONG", "ONE-CYCLE", "DIAGNOSIS")
        parts.append(table(header, [_sweep_row(sweep) for sweep in sweeps], {0: "bold", 4: "green"}))
    if trials:
        header = ("TRIAL", "OPTIMIZER", "STATUS", "EPOCHS", "LEARNING RATE", "LOSS", "VALIDATION LOSS", "GAP")
        parts.append(table(header, [_trial_row(trial) for trial in trials], {0: "bold"}))
    parts += [_remarks(one) for one in [*sweeps, *trials] if one.get("diagnosis") or one["message"]]
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
        _done(sweep["steps"], config.get("num_steps")),
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
        _done(trial["epochs"], trial["planned_epochs"]),
        number(trial["learning_rate"]),
        *(number(final[name], digits=4) for name in ("loss", "validation_loss", "gap")),
    )


def _done(steps: int, planned: int | None) -> str:
    return f"{steps}/{planned}" if planned else str(steps)


def _remarks(answered: dict[str, Any]) -> str:
    lines = [colored(sanitize(answered["run"]), "bold")]
    if answered["message"]:
        lines.append(paragraph(answered["message"], "  "))
    return "\n".join([*lines, *finding_lines(answered.get("diagnosis", ()))])
