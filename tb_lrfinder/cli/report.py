"""`tb-lrfinder report`: what every sweep below a log directory says."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from typing import Any

from tb_lrfinder.cli.arguments import Commands, add_command, add_log_dir
from tb_lrfinder.cli.terminal import coloured, paragraph, table
from tb_lrfinder.cli.wording import finding_lines, rate


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "report",
        run,
        help="what every sweep below a log directory says",
        description="A table of the sweeps below a log directory with the suggested learning rate of each,\n"
        "and what is worth knowing about them. It says what the tab says: both compute it the same way.",
        examples="""\
  tb-lrfinder report logs
  tb-lrfinder report logs --json | jq '.sweeps[] | {run, lr: .suggestion.learning_rate}'
  tb-lrfinder report logs --strict || echo "a sweep gives no answer"

exit codes:
  0  reported
  1  with --strict: a sweep has a severe diagnosis (so that it suggests nothing), or has failed
  2  the log directory cannot be read, or there is no sweep in it""",
    )
    add_log_dir(parser)
    parser.add_argument(
        "--json", action="store_true", help="print everything as JSON, as the HTTP API names it, without rows"
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 when a diagnosis is severe or a sweep has failed"
    )


def run(arguments: argparse.Namespace) -> int:
    """Report, and return the exit code."""
    from tb_lrfinder.cli import log_dir

    sweeps = _answers(log_dir.read(arguments.log_dir))
    if arguments.json:
        print(json.dumps({"sweeps": sweeps}, indent=2, allow_nan=False))
    else:
        print(_text(sweeps))
    return 1 if arguments.strict and any(map(_is_severe, sweeps)) else 0


def _answers(recorded: Iterable[Any]) -> list[dict[str, Any]]:
    """What the HTTP API answers about the sweeps, without their rows."""
    from tb_lrfinder import answers

    runs = {one.run: one for one in recorded}
    asked = answers.SweepsQuery(list(runs), None, None, 0, 0, "base64")
    sweeps: list[dict[str, Any]] = json.loads(answers.sweeps(runs, asked))["sweeps"]
    return [{key: value for key, value in sweep.items() if key != "columns"} for sweep in sweeps]


def _is_severe(sweep: dict[str, Any]) -> bool:
    return sweep["status"] == "failed" or "severe" in _severities(sweep)


def _severities(sweep: dict[str, Any]) -> list[str]:
    return [finding["severity"] for finding in sweep["diagnosis"]]


def _text(sweeps: Sequence[dict[str, Any]]) -> str:
    header = ("SWEEP", "OPTIMIZER", "STATUS", "STEPS", "SUGGESTED", "LONG", "ONE-CYCLE", "DIAGNOSIS")
    parts = [table(header, [_row(sweep) for sweep in sweeps], {0: "bold", 4: "green"})]
    parts += [_findings(sweep) for sweep in sweeps if sweep["diagnosis"] or sweep["message"]]
    return "\n\n".join(parts)


def _row(sweep: dict[str, Any]) -> tuple[str, ...]:
    config, suggestion = sweep["config"], sweep["suggestion"]
    planned = config.get("num_steps")
    ranges = suggestion["ranges"] or {}
    codes = [
        finding["code"] + (" (severe)" if finding["severity"] == "severe" else "")
        for finding in sweep["diagnosis"]
    ]
    return (
        sweep["run"],
        str(config.get("optimizer") or "-"),
        sweep["status"],
        f"{sweep['steps']}/{planned}" if planned else str(sweep["steps"]),
        rate(suggestion["learning_rate"]),
        rate(ranges.get("long_training")),
        rate(ranges.get("one_cycle_max")),
        ", ".join(codes) or "-",
    )


def _findings(sweep: dict[str, Any]) -> str:
    lines = [coloured(sweep["run"], "bold")]
    if sweep["message"]:
        lines.append(paragraph(sweep["message"], "  "))
    lines += finding_lines(sweep["diagnosis"])
    return "\n".join(lines)
