"""How the commands say what they take."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    help: str,  # noqa: A002 - as argparse calls it
    description: str,
    examples: str,
    more: str = "",
) -> argparse.ArgumentParser:
    """A command with a help that teaches by examples."""
    parser = commands.add_parser(
        name,
        help=help,
        description=description,
        epilog="\n\n".join([f"examples:\n{examples}", more]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=run)
    return parser


def add_log_dir(parser: argparse.ArgumentParser) -> None:
    """The log directory, the same for every command."""
    parser.add_argument("log_dir", metavar="LOGDIR", help="the directory that tensorboard --logdir is given")


def positive(text: str) -> int:
    """A whole number of at least 1, which every reader of JSON has exactly."""
    value = int(text) if text.isdecimal() and len(text) <= 16 else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 10^16, not {text!r:.50}")
    return value


def whole(text: str) -> int:
    """A whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, not {text!r}")
    return int(text)


def decades(text: str) -> float:
    """A width in decades of learning rate."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 2:
        raise argparse.ArgumentTypeError(f"must be a number of decades from 0 (none) to 2, not {text!r}")
    return value
