"""Terminal output: tables, colors and progress."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence
from typing import Final, Literal, TextIO

Color = Literal["bold", "dim", "red", "yellow", "green"]

_CODES: Final[dict[Color, int]] = {"bold": 1, "dim": 2, "red": 31, "yellow": 33, "green": 32}
_MAX_TEXT_WIDTH: Final = 110
_PROGRESS_DELAY_SECONDS: Final = 0.5  # shorter work shows no progress
_null_streams: list[TextIO] = []  # replacements of closed streams


def prepare_streams() -> None:
    """Make standard output and standard error accept any text.

    Characters that the encoding lacks are written as escape sequences. A stream that the shell has closed
    (`>&-`), which is `None` in Python, is replaced by one that discards the output.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - stays open
            _null_streams.append(stream)
            setattr(sys, name, stream)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def is_closed(stream: TextIO) -> bool:
    """Whether the stream was closed when the command started."""
    return stream in _null_streams


def discard_unwritable_streams() -> None:
    """Redirect streams that cannot be written to, so that Python reports no error at exit."""
    for stream in (sys.stdout, sys.stderr):
        if not _can_be_flushed(stream):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _can_be_flushed(stream: TextIO) -> bool:
    try:
        stream.flush()
    except (OSError, ValueError):
        return False
    return True


def print_stderr(text: str) -> None:
    """Print a message to standard error, so that it does not mix with redirected output."""
    print(text, file=sys.stderr)


def colored(text: str, color: Color | None) -> str:
    """Color the text if standard output is a terminal that supports colors.

    The environment variable `NO_COLOR` disables colors, see https://no-color.org.
    """
    disabled = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return text if color is None or disabled else f"\x1b[{_CODES[color]}m{text}\x1b[0m"


def sanitize(text: str) -> str:
    """Replace control characters; names in a log directory are untrusted input."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], colors: dict[int, Color]) -> str:
    """Format a table with aligned columns.

    Args:
        header: Names of the columns.
        rows: One text per column.
        colors: Colors by column index.
    """
    rows = [[sanitize(text) for text in row] for row in rows]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(row: Sequence[str], colors_of_row: dict[int, Color]) -> str:
        cells = [
            colored(text.ljust(width), colors_of_row.get(i))
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    lines = [line(header, dict.fromkeys(range(len(header)), "dim"))]
    return "\n".join([*lines, *(line(row, colors) for row in rows)])


def pluralize(number: int, noun: str) -> str:
    """Return `1 row`, `2 rows`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def paragraph(text: str, indent: str) -> str:
    """Wrap the text to the width of the terminal."""
    width = (
        min(shutil.get_terminal_size().columns, _MAX_TEXT_WIDTH) if sys.stdout.isatty() else _MAX_TEXT_WIDTH
    )
    return textwrap.fill(
        sanitize(text),
        max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
    )


class Progress:
    """A line on standard error that is updated in place, if standard error is a terminal.

    Args:
        title: String, such as `"Reading runs"`.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._start = time.monotonic()
        self._is_terminal = sys.stderr.isatty()
        self._length = 0  # of the line on the terminal

    def __call__(self, done: int, total: int) -> None:
        """Update the line, except within the first moments; clear it at the end."""
        if not self._is_terminal or time.monotonic() - self._start < _PROGRESS_DELAY_SECONDS:
            return
        line = f"{self._title}: {done} of {total}" if done < total else ""
        # Spaces clear the line on every terminal, including those without escape sequences.
        sys.stderr.write(f"\r{' ' * self._length}\r{line}")
        self._length = len(line)
        sys.stderr.flush()
