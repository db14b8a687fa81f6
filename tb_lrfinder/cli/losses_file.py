"""Parses CSV files with losses that were recorded elsewhere, for example by PyTorch or fastai."""

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
from tb_lrfinder.cli.terminal import pluralize

# Accepted column names, in lower case and without spaces, underscores and hyphens.
_RATE_NAMES: Final = ("learningrate", "learningrates", "lr", "lrs")
_LOSS_NAMES: Final = ("loss", "losses", "trainloss", "trainingloss", "batchloss")
_VALIDATION_NAMES: Final = ("validationloss", "valloss", "validloss")

_NUMPY_THRESHOLD: Final = 100_000  # characters; longer files are parsed by NumPy if possible


@dataclass(frozen=True, eq=False)
class Losses:
    """The columns of a file of losses, with one value per step.

    Args:
        learning_rate: float64 array. Positive and non-decreasing.
        loss: float64 array. NaN where the file has no value.
        validation_loss: float64 array. NaN where the file has no value.
    """

    learning_rate: Floats
    loss: Floats
    validation_loss: Floats


def parse_losses(text: str, name: str = "<text>") -> Losses:
    r"""Parse the losses of a sweep from CSV text.

    The columns are identified by their names: `learning_rate` or `lr`, `loss`, and optionally
    `validation_loss` or `val_loss`. Without a header, there must be two columns: learning rate and loss, in
    this order. Columns are separated by commas, semicolons or tabs. Empty lines and lines that start with `#`
    are ignored.

    Example:

    ```python
    losses = parse_losses("lr,loss\n1e-3,2.3\n1e-2,1.9")
    suggest(losses.learning_rate, losses.loss)
    ```

    Args:
        text: String. Contents of the file.
        name: String. File name for error messages.

    Returns:
        The columns as `Losses`.

    Raises:
        ValueError: If the text cannot be parsed; the message names the line and what to change.
    """
    columns = _parse_with_numpy(text) if len(text) > _NUMPY_THRESHOLD else None
    return Losses(*(_parse_lines(text, name) if columns is None else columns))


def _parse_with_numpy(text: str) -> Floats | None:
    """Parse a long and well-formed table with NumPy.

    Returns:
        The columns, or `None` if anything is malformed; `_parse_lines` then reports the error.
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
            body = _fill_empty_cells(body, separator)
        read = np.loadtxt(body, delimiter=separator, comments=None, usecols=used, ndmin=2).T
        _check_rates(read[0], range(len(read[0])), "")
    except (ValueError, IndexError, csv.Error):
        return None
    return read if len(read) == 3 else np.vstack([read, np.full(read.shape[1], math.nan)])


def _fill_empty_cells(lines: list[str], separator: str) -> list[str]:
    """Write NaN into empty cells."""
    text = "\n".join(lines) + "\n"
    for _ in range(2):  # matches do not overlap: the first pass replaces every other empty cell
        text = text.replace(separator * 2, f"{separator}nan{separator}")
    return text.replace(f"{separator}\n", f"{separator}nan\n").splitlines()


def _parse_lines(text: str, name: str) -> Floats:
    lines = [
        (number, line)
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise ValueError(f"{name} is empty. Write one line `lr,loss` per step.")
    try:
        header, separator, columns = _layout(lines[0][1], lines[0][0], name)
        rows = [(number, _cells(line, separator)) for number, line in lines[header:]]
    except csv.Error as error:  # such as a NUL, on Python 3.10
        raise ValueError(f"{name} cannot be parsed as CSV: {error}.") from error
    if not rows:
        raise ValueError(f"{name} has a header but no rows.")
    read = np.array([_row(row, columns, name) for row in rows])
    _check_rates(read[:, 0], [number for number, _ in rows], name)
    return read.T


def _layout(first: str, number: int, name: str) -> tuple[int, str, tuple[int, int, int | None]]:
    """Return the number of header lines, the separator, and the indices of the columns."""
    # The most frequent separator of the first line, by default a comma.
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
                f"{name}, line {number}: missing column {wanted}. The header has "
                f"{', '.join(map(repr, cells))}. Name the columns learning_rate and loss, or remove the "
                "header and write two columns, learning rate first."
            )
    assert rate is not None
    assert loss is not None
    return rate, loss, find(_VALIDATION_NAMES)


def _columns_without_header(first: tuple[int, list[str]], name: str) -> tuple[int, int, int | None]:
    number, cells = first
    if len(cells) != 2:
        raise ValueError(
            f"{name}, line {number}: expected two columns without a header, got {len(cells)}. Add a header "
            "that names the columns learning_rate and loss, or write two columns, learning rate first."
        )
    return 0, 1, None


def _row(
    row: tuple[int, list[str]], columns: tuple[int, int, int | None], name: str
) -> tuple[float, float, float]:
    number, cells = row
    rate, loss, validation = columns
    if max(rate, loss) >= len(cells):
        raise ValueError(
            f"{name}, line {number}: got {pluralize(len(cells), 'column')}, but the learning rate and the "
            f"loss are expected in columns {rate + 1} and {loss + 1}."
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
    advice = "Use a decimal point and no units, as in 0.001 or 1e-3"
    if "tensor" in cell:
        advice = "Write the number itself: `loss.item()` instead of `loss`"
    raise ValueError(f"{name}, line {number}: the {what} is {cell!r}, which is not a number. {advice}.")


def _check_rates(rates: Floats, numbers: Sequence[int], name: str) -> None:
    with np.errstate(over="ignore", under="ignore"):
        rounded = rates.astype(np.float32)  # as in an optimizer and in an event file
    wrong = np.flatnonzero(~(rounded > 0) | np.isinf(rounded))
    if len(wrong):
        raise ValueError(
            f"{name}, line {numbers[wrong[0]]}: the learning rate must be positive and finite as a "
            f"float32 (1.4e-45 to 3.4e+38), got {rates[wrong[0]]:g}. Remove such lines."
        )
    decreases = np.flatnonzero(np.diff(rates) < 0)
    if len(decreases):
        before, after = decreases[0], decreases[0] + 1
        raise ValueError(
            f"{name}, line {numbers[after]}: the learning rate decreases from {rates[before]:g} in line "
            f"{numbers[before]} to {rates[after]:g}. Learning rates must not decrease: write one sweep per "
            "file, in the order of its steps, and check the names of the columns."
        )
