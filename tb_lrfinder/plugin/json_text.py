"""Writes responses as strict JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from tb_lrfinder.plugin.request_params import BadParameterError
from tb_lrfinder.storage.strict_json import finite, replace_non_finite

MAX_CHARACTERS: Final = 512_000_000
"""Of one response: nine columns of five million rows."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Json:
    """A value that is already encoded as JSON."""

    text: str


class RunEncoder:
    """Encodes the responses for the runs of one request, one at a time.

    Args:
        encoding: How columns are encoded: `"json"` for lists of numbers, or `"base64"` for little-endian
            float32.
    """

    def __init__(self, encoding: Literal["json", "base64"] = "json") -> None:
        self._encode_column = _list_column if encoding == "json" else _pack_column
        self._characters = 0

    def __call__(self, response: Mapping[str, Any]) -> Json:
        """Encode the response for one run."""
        columns = response.get("columns")
        if columns is not None:
            columns = {name: self._encode_column(name, values) for name, values in columns.items()}
            response = {**response, "columns": columns}
        text = _dump(response)
        self._characters += len(text)
        return Json(text)

    def limit(self, runs: Iterable[Item]) -> Iterator[Item]:
        """Yield the runs, and check after each one that the response is not too long.

        Raises:
            BadParameterError: If it is.
        """
        for run in runs:
            yield run
            if self._characters > MAX_CHARACTERS:
                raise BadParameterError(
                    f"The response would exceed {MAX_CHARACTERS:,} characters. Request fewer runs or fewer "
                    "columns, or downsample them with buckets=1000."
                )


def encode(response: Mapping[str, Any]) -> Json:
    """Encode a response, in which lists of `Json` are already encoded."""
    parts = ["{"]  # joined once, since a response may be large
    for name, value in response.items():
        parts += [", " if len(parts) > 1 else "", json.dumps(name), ": "]
        if isinstance(value, list) and value and isinstance(value[0], Json):
            for index, item in enumerate(value):
                parts += [", " if index else "[", item.text]
            parts.append("]")
        else:
            parts.append(_dump(value))
    return Json("".join([*parts, "}"]))


def _list_column(name: str, values: NDArray[Any] | None) -> list[Any] | None:
    if values is None:
        return None
    numbers: list[Any] = values.tolist()
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        numbers = [finite(number) for number in numbers]
    return numbers


def _pack_column(name: str, values: NDArray[Any] | None) -> str | None:
    if values is None or (name == "step" and np.array_equal(values, np.arange(len(values)))):
        return None
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()


def _dump(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:  # rare: NaN in the optimizer settings
        return json.dumps(replace_non_finite(value), allow_nan=False)
