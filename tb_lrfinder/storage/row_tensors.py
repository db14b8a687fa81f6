"""Columns of a run from the tensors of its rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tensorboard.data.provider import TensorDatum

from tb_lrfinder.storage import schema

_MAX_VALUES: Final = 50_000_000  # of all columns of a run: ten million steps of a sweep
_MAX_STEP: Final = 2**53  # larger integers are not exact in float64


def row_tags(tags: Iterable[str]) -> list[str]:
    """Return the tags of chunks of rows, in the order of their rows."""
    # 100000 comes after 99999.
    return sorted(
        (tag for tag in tags if tag.startswith(schema.ROWS_TAG_PREFIX)), key=lambda tag: (len(tag), tag)
    )


def join_chunks(
    chunks: Mapping[str, TensorDatum | Exception], names: Sequence[str], *, may_widen: bool
) -> dict[str, NDArray[Any]]:
    """Concatenate chunks of rows and return their columns by name, as float64.

    Args:
        chunks: Tensors of shape `[rows, len(names)]` by tag, in order, or the errors raised by reading them.
        names: Names of the columns.
        may_widen: Boolean. Whether earlier chunks may lack the last columns; their rows get NaN.

    Raises:
        ValueError: If a chunk cannot be read or is malformed.
    """
    parts = [_checked(tag, chunk, len(names), may_widen) for tag, chunk in chunks.items()]
    count = sum(map(len, parts))
    if count * len(names) > _MAX_VALUES:
        raise ValueError(
            f"The rows cannot be read: {count} rows of {len(names)} columns exceed the limit of "
            f"{_MAX_VALUES:,} values."
        )
    # Column-major: each column is used on its own.
    joined = np.full((len(names), count), math.nan)
    row = 0
    for part in parts:
        joined[: part.shape[1], row : row + len(part)] = part.T
        row += len(part)
    return dict(zip(names, joined, strict=True))


def _checked(tag: str, chunk: TensorDatum | Exception, width: int, may_widen: bool) -> NDArray[Any]:
    if isinstance(chunk, Exception):
        raise ValueError(f"The rows cannot be read: TensorBoard cannot read the tag {tag!r}.")
    rows = np.asarray(chunk.numpy)
    missing = width - rows.shape[1] if rows.ndim == 2 else -1
    if rows.dtype.kind != "f" or not (missing == 0 or (may_widen and 0 < missing < width)):
        raise ValueError(
            f"The rows cannot be read: expected a chunk of type float32 and shape [rows, {width}], got "
            f"{rows.dtype} {list(rows.shape)}."
        )
    if not (np.abs(rows[:, 0]) < _MAX_STEP).all():
        raise ValueError("The rows cannot be read: a chunk contains steps that are NaN or too large.")
    return rows
