"""`tb-lrfinder suggest`: suggest a learning rate from losses that were recorded elsewhere."""

from __future__ import annotations

import argparse
import json
from typing import Any

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.curve import DEFAULT_SMOOTHING
from tb_lrfinder.checks import check_integer, check_smoothing
from tb_lrfinder.cli import losses
from tb_lrfinder.cli.arguments import Commands, add_command, checked
from tb_lrfinder.cli.formatting import finding_lines, number
from tb_lrfinder.cli.terminal import colored, paragraph, table


def add_to(commands: Commands) -> None:
    """Add the subcommand to the parser."""
    parser = add_command(
        commands,
        "suggest",
        run,
        help="suggest a learning rate from losses that were recorded elsewhere",
        description="Suggest a learning rate from the losses of a sweep that was recorded by PyTorch,\n"
        "fastai or another tool, and print the diagnosis.",
        examples="""\
  tb-lrfinder suggest losses.csv
  tb-lrfinder suggest losses.csv --json | jq .suggestion.learning_rate
  tb-lrfinder suggest losses.csv --smoothing 0.5 --skip-start 10

exit codes:
  0  there is a suggestion
  1  there is no suggestion; the output says why
  2  the file cannot be read or is not a sweep""",
        more=losses.FORMAT,
    )
    losses.add_file(parser)
    parser.add_argument(
        "--json", action="store_true", help="print the suggestions of all rules and the diagnosis as JSON"
    )
    parser.add_argument(
        "--smoothing",
        type=checked(check_smoothing, "--smoothing"),
        default=DEFAULT_SMOOTHING,
        metavar="DECADES",
        help="standard deviation of the Gaussian that smooths the loss, in decades (default: %(default)s)",
    )
    for end in ("start", "end"):
        parser.add_argument(
            f"--skip-{end}",
            type=checked(check_integer, f"--skip-{end}", at_least=0),
            default=0,
            metavar="N",
            help=f"number of rows to ignore at the {end} (default: 0)",
        )


def run(arguments: argparse.Namespace) -> int:
    """Print the suggestion and return the exit code."""
    analysis = analyze(
        losses.read(arguments.file),
        smoothing=arguments.smoothing,
        skip_start=arguments.skip_start,
        skip_end=arguments.skip_end,
    )
    result = analysis.to_json()
    print(json.dumps(result, indent=2, allow_nan=False) if arguments.json else _text(result))
    return 0 if analysis.suggestion.learning_rate is not None else 1


def _text(result: dict[str, Any]) -> str:
    suggestion, ranges = result["suggestion"], result["suggestion"]["ranges"]
    if suggestion["learning_rate"] is None:
        return f"{colored('No suggestion.', 'red')}\n{paragraph(suggestion['reason'], '  ')}"
    rows = [("short training", number(suggestion["learning_rate"]))]
    if ranges is not None:
        base, top = ranges["cyclical"]
        rows += [
            ("long training", number(ranges["long_training"])),
            ("one-cycle peak", number(ranges["one_cycle_max"])),
            ("cyclical", f"{number(base)} to {number(top)}"),
        ]
    rules = [
        (name, number(other["learning_rate"]))
        for name, other in result["suggestions"].items()
        if name != suggestion["rule"]
    ]
    parts = [
        colored(f"Suggested learning rate: {number(suggestion['learning_rate'])}", "green")
        + f" ({suggestion['rule']})",
        table(("FOR", "LEARNING RATE"), rows, {}),
        table(("OTHER RULES", "LEARNING RATE"), rules, {}),
    ]
    if result["diagnosis"]:
        parts.append("\n".join(finding_lines(result["diagnosis"])))
    return "\n\n".join(parts)
