"""Command line arguments: subcommands with examples, and types with the ranges of the Python API."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    help: str,  # noqa: A002 - the name that argparse uses
    description: str,
    examples: str,
    more: str = "",
) -> argparse.ArgumentParser:
    """Add a subcommand whose help contains examples."""
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
    """Add the positional argument LOGDIR."""
    parser.add_argument("log_dir", metavar="LOGDIR", help="log directory, as passed to tensorboard --logdir")


def checked(check: Callable[..., T], option: str, **bounds: Any) -> Callable[[str], T]:
    """Return an argparse type that applies a check of the Python API.

    Args:
        check: Function of `tb_lrfinder.checks` that takes a name and a value.
        option: Name of the option, for error messages.
        **bounds: Keyword arguments of `check`.
    """

    def parse(text: str) -> T:
        try:
            return check(option, _parse_number(text), **bounds)
        except (TypeError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def _parse_number(text: str) -> int | float | str:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text  # which the check rejects
