"""Reads the losses of a sweep that something else recorded: PyTorch, fastai, a spreadsheet."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tb_lrfinder.analysis.averaging import Floats

# How the columns are called where people write them, in small letters and without blanks and signs.
_RATE_NAMES: Final = ("learningrate", "learningrates", "lr", "lrs")
_LOSS_NAMES: Final = ("loss", "losses", "trainloss", "trainingloss", "batchloss")
_VALIDATION_NAMES: Final = ("validationloss", "valloss", "validloss")

_LONG: Final = 100_000  # characters from which on it pays to have NumPy read them


@dataclass(frozen=True, eq=False)
class Losses:
    """The columns of a file of losses, one value per step.

    Args:
        learning_rate: Positive and never falling.
        loss: NaN or infinite where the file says so, or has nothing.
        validation_loss: NaN where the file has none.
    """

    learning_rate: Floats
    loss: Floats
    validation_loss: Floats


def parse_losses(text: str, name: str = "<text>") -> Losses:
    r"""Reads a sweep from the text of a CSV file.

    The columns are found by their names: `learning_rate` or `lr`, `loss`, and `validation_loss` or
    `val_loss` if there is one. Without a header there must be two columns, learning rates and losses in this
    order. They may be separated by commas, semicolons or tabs. Empty lines and lines that begin with `#` are
    left out.

    Example:

    ```python
    losses = parse_losses("lr,loss\n1e-3,2.3\n1e-2,1.9")
    suggest(losses.learning_rate, losses.loss)
    ```

    Args:
        text: What is in the file.
        name: Of the file, for errors.

    Returns:
        The columns.

    Raises:
        ValueError: The text is not such a table; names the line and what to change.
    """
    read = _quickly(text) if len(text) > _LONG else None
    return Losses(*(_carefully(text, name) if read is None else read))


def _quickly(text: str) -> Floats | None:
    """The columns of a long and plain table, read by NumPy; None where anything is odd or wrong with it.

    What that is, `_carefully` knows.
    """
    if '"' in text:
        return None
    lines = [line for line in text.removeprefix("\ufeff").splitlines() if line and not line.isspace()]
    if "#" in text:
        lines = [line for line in lines if not line.lstrip().startswith("#")]
    try:
        header, separator, columns = _layout(lines[0], 1, "")
        used = [column for column in columns if column is not None]
        body = lines[header:]
        if separator * 2 in text or body[0].endswith(separator) or body[-1].endswith(separator):
            body = _filled(body, separator)
        read = np.loadtxt(body, delimiter=separator, comments=None, usecols=used, ndmin=2).T
        _check_rates(read[0], range(len(read[0])), "")
    except (ValueError, IndexError, csv.Error):
        return None
    return read if len(read) == 3 else np.vstack([read, np.full(read.shape[1], math.nan)])


def _filled(lines: list[str], separator: str) -> list[str]:
    """The lines with NaN where a cell is empty."""
    text = "\n".join(lines) + "\n"
    for _ in range(2):  # of three separators in a row, the second pair is only seen then
        text = text.replace(separator * 2, f"{separator}nan{separator}")
    return text.replace(f"{separator}\n", f"{separator}nan\n").splitlines()


def _carefully(text: str, name: str) -> Floats:
    lines = [
        (number, line)
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise ValueError(f"{name} holds no losses: it is empty. Write a line `lr,loss` for each step.")
    try:
        header, separator, columns = _layout(lines[0][1], lines[0][0], name)
        rows = [(number, _cells(line, separator)) for number, line in lines[header:]]
    except csv.Error as error:  # such as a NUL, on Python 3.10
        raise ValueError(f"{name} is no table of losses: {error}.") from error
    if not rows:
        raise ValueError(f"{name} has a header and no losses below it.")
    read = np.array([_row(row, columns, name) for row in rows])
    _check_rates(read[:, 0], [number for number, _ in rows], name)
    return read.T


def _layout(first: str, number: int, name: str) -> tuple[int, str, tuple[int, int, int | None]]:
    """How many lines of header there are, the separator, and the places of the columns."""
    # The separator that the first line has most of; a comma where it has none.
    separator = max(",;\t", key=first.count)
    cells = _cells(first, separator)
    if any(map(_is_number, cells)):
        return 0, separator, _columns_without_header((number, cells), name)
    return 1, separator, _columns_of((number, cells), name)


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader(io.StringIO(line), delimiter=separator))]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _columns_of(header: tuple[int, list[str]], name: str) -> tuple[int, int, int | None]:
    number, cells = header
    plain = [re.sub(r"[\s_-]", "", cell).lower() for cell in cells]

    def find(names: Sequence[str]) -> int | None:
        return next((plain.index(each) for each in names if each in plain), None)

    rate, loss = find(_RATE_NAMES), find(_LOSS_NAMES)
    for found, wanted in ((rate, "learning_rate (or lr)"), (loss, "loss")):
        if found is None:
            raise ValueError(
                f"{name}, line {number}: there is no column {wanted}. The header names "
                f"{', '.join(map(repr, cells))}. Call the columns learning_rate and loss, or leave the "
                "header out and write two columns, learning rates first."
            )
    assert rate is not None
    assert loss is not None
    return rate, loss, find(_VALIDATION_NAMES)


def _columns_without_header(first: tuple[int, list[str]], name: str) -> tuple[int, int, int | None]:
    number, cells = first
    if len(cells) != 2:
        raise ValueError(
            f"{name}, line {number}: there is no header, and {len(cells)} column{'s'[: len(cells) != 1]} in "
            "place of two. Write a first line that names the columns learning_rate and loss, or two columns, "
            "learning rates first."
        )
    return 0, 1, None


def _row(
    row: tuple[int, list[str]], columns: tuple[int, int, int | None], name: str
) -> tuple[float, float, float]:
    number, cells = row
    rate, loss, validation = columns
    if max(rate, loss) >= len(cells):
        raise ValueError(
            f"{name}, line {number}: {len(cells)} column{'s'[: len(cells) != 1]}, and the learning rate and "
            f"the loss are in columns {rate + 1} and {loss + 1}."
        )
    at_validation = cells[validation] if validation is not None and validation < len(cells) else ""
    return (
        _number(cells[rate], "learning rate", number, name),
        _number(cells[loss], "loss", number, name),
        _number(at_validation, "validation loss", number, name),
    )


def _number(cell: str, what: str, number: int, name: str) -> float:
    if not cell and what != "learning rate":
        return math.nan
    try:
        return float(cell)
    except ValueError:
        pass
    advice = "Write it with a point and without units, such as 0.001 or 1e-3"
    if "tensor" in cell:
        advice = "Write the number itself: `loss.item()` in place of `loss`"
    raise ValueError(f"{name}, line {number}: the {what} is {cell!r}, which is not a number. {advice}.")


def _check_rates(rates: Floats, numbers: Sequence[int], name: str) -> None:
    with np.errstate(over="ignore", under="ignore"):
        held = rates.astype(np.float32)  # what an optimizer and an event file hold
    wrong = np.flatnonzero(~(held > 0) | np.isinf(held))
    if len(wrong):
        raise ValueError(
            f"{name}, line {numbers[wrong[0]]}: the learning rate is {rates[wrong[0]]:g}. It must be "
            "positive and finite, as a 32-bit number too (1.4e-45 to 3.4e+38): leave such lines out."
        )
    falls = np.flatnonzero(np.diff(rates) < 0)
    if len(falls):
        before, after = falls[0], falls[0] + 1
        raise ValueError(
            f"{name}, line {numbers[after]}: the learning rate falls, from {rates[before]:g} in line "
            f"{numbers[before]} to {rates[after]:g}. In a sweep it rises from step to step: write one sweep "
            "per file, in the order of its steps, and learning rates in the column of that name."
        )
