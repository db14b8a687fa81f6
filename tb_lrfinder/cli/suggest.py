"""`tb-lrfinder suggest`: a suggestion for losses that were recorded elsewhere."""

from __future__ import annotations

import argparse
import json
from typing import Any

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.curve import DEFAULT_SMOOTHING
from tb_lrfinder.cli import losses
from tb_lrfinder.cli.arguments import Commands, add_command, decades, whole
from tb_lrfinder.cli.terminal import coloured, paragraph, table
from tb_lrfinder.cli.wording import finding_lines, number


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "suggest",
        run,
        help="a suggestion for losses that were recorded elsewhere",
        description="Suggest a learning rate from the losses of a sweep that PyTorch, fastai or anything\n"
        "else recorded, and say what is worth knowing about it.",
        examples="""\
  tb-lrfinder suggest losses.csv
  tb-lrfinder suggest losses.csv --json | jq .suggestion.learning_rate
  tb-lrfinder suggest losses.csv --smoothing 0.5 --skip-start 10

exit codes:
  0  there is a suggestion
  1  there is none; the answer says why
  2  the file cannot be read, or its columns are no sweep""",
        more=losses.FORMAT,
    )
    losses.add_file(parser)
    parser.add_argument("--json", action="store_true", help="print the suggestions of all rules as JSON")
    parser.add_argument(
        "--smoothing",
        type=decades,
        default=DEFAULT_SMOOTHING,
        metavar="DECADES",
        help="width of the Gaussian that smooths the loss, in decades (default: %(default)s)",
    )
    for end in ("start", "end"):
        parser.add_argument(
            f"--skip-{end}", type=whole, default=0, metavar="N", help=f"rows to leave out at the {end}"
        )


def run(arguments: argparse.Namespace) -> int:
    """Print a suggestion, and return the exit code."""
    analysis = analyze(
        losses.read(arguments.file),
        smoothing=arguments.smoothing,
        skip_start=arguments.skip_start,
        skip_end=arguments.skip_end,
    )
    answer = analysis.to_json()
    print(json.dumps(answer, indent=2, allow_nan=False) if arguments.json else _text(answer))
    return 0 if analysis.suggestion.learning_rate is not None else 1


def _text(answer: dict[str, Any]) -> str:
    suggestion, ranges = answer["suggestion"], answer["suggestion"]["ranges"]
    if suggestion["learning_rate"] is None:
        return f"{coloured('No suggestion.', 'red')}\n{paragraph(suggestion['reason'], '  ')}"
    base, top = ranges["cyclical"]
    rows = [
        ("short training", number(suggestion["learning_rate"])),
        ("long training", number(ranges["long_training"])),
        ("one-cycle peak", number(ranges["one_cycle_max"])),
        ("cyclical", f"{number(base)} to {number(top)}"),
    ]
    rules = [
        (name, number(one["learning_rate"]))
        for name, one in answer["suggestions"].items()
        if name != suggestion["rule"]
    ]
    parts = [
        coloured(f"Suggested learning rate: {number(suggestion['learning_rate'])}", "green")
        + f" ({suggestion['rule']})",
        table(("FOR", "LEARNING RATE"), rows, {}),
        table(("OTHER RULES", "LEARNING RATE"), rules, {}),
    ]
    if answer["diagnosis"]:
        parts.append("\n".join(finding_lines(answer["diagnosis"])))
    return "\n\n".join(parts)
