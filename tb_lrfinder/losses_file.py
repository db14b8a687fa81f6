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

from tb_lrfinder.averaging import Floats

# How the columns are called where people write them, in small letters and without blanks and signs.
_RATE_NAMES: Final = ("learningrate", "learningrates", "lr", "lrs")
_LOSS_NAMES: Final = ("loss", "losses", "trainloss", "trainingloss", "batchloss")
_VALIDATION_NAMES: Final = ("validationloss", "valloss", "validloss")


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
    lines = [
        (number, line)
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise ValueError(f"{name} holds no losses: it is empty. Write a line `lr,loss` for each step.")
    # The separator that the first line has most of; a comma where it has none.
    separator = max(",;\t", key=lines[0][1].count)
    try:
        rows = [(number, _cells(line, separator)) for number, line in lines]
    except csv.Error as error:  # such as a NUL, on Python 3.10
        raise ValueError(f"{name} is no table of losses: {error}.") from error
    has_header = not any(map(_is_number, rows[0][1]))
    columns = _columns_of(rows.pop(0), name) if has_header else _columns_without_header(rows[0], name)
    if not rows:
        raise ValueError(f"{name} has a header and no losses below it.")
    read = np.array([_row(row, columns, name) for row in rows])
    _check_rates(read[:, 0], [number for number, _ in rows], name)
    return Losses(*read.T)


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
    wrong = np.flatnonzero(~(rates > 0) | np.isinf(rates))
    if len(wrong):
        raise ValueError(
            f"{name}, line {numbers[wrong[0]]}: the learning rate is {rates[wrong[0]]:g}. It must be "
            "positive and finite: leave such lines out."
        )
    falls = np.flatnonzero(np.diff(rates) < 0)
    if len(falls):
        before, after = falls[0], falls[0] + 1
        raise ValueError(
            f"{name}, line {numbers[after]}: the learning rate falls, from {rates[before]:g} in line "
            f"{numbers[before]} to {rates[after]:g}. In a sweep it rises from step to step: write one sweep "
            "per file, in the order of its steps, and learning rates in the column of that name."
        )
