"""Parses and validates the request parameters of each route. Independent of HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, TypeVar

from werkzeug.datastructures import MultiDict

from tb_lrfinder.checks import check_delta_window, check_integer, check_smoothing

MAX_RUNS: Final = 5000
COLUMNS: Final = ("step", "learning_rate", "loss", "smoothed_loss", "loss_delta", "slope", "validation_loss")

_MAX_COUNT: Final = 100_000  # of rows to skip, and of buckets
_MAX_DIGITS: Final = 9  # of an integer
MAX_INTEGER: Final = 10**_MAX_DIGITS - 1
_MAX_QUOTED: Final = 100  # characters of user input in a message

Args = MultiDict[str, str]
Number = TypeVar("Number", int, float)


class BadParameterError(ValueError):
    """An invalid request parameter; the message is shown to the user."""


@dataclass(frozen=True)
class SweepsParams:
    """Parameters of `GET sweeps`; `None` means as recorded, or all rows for `buckets`."""

    runs: list[str]
    smoothing: float | None = None
    delta_window: int | None = None
    skip_start: int = 0
    skip_end: int = 0
    encoding: Literal["json", "base64"] = "json"
    columns: tuple[str, ...] = COLUMNS
    buckets: int | None = None

    @classmethod
    def parse(cls, args: Args) -> SweepsParams:
        """Parse the parameters, or raise `BadParameterError`."""
        check_skip = partial(check_integer, at_least=0, at_most=_MAX_COUNT)
        check_buckets = partial(check_integer, at_least=1, at_most=_MAX_COUNT)
        return cls(
            runs=_runs(args, "sweeps"),
            smoothing=_number(args, "smoothing", _to_float, check_smoothing),
            delta_window=_number(args, "delta_window", _to_int, check_delta_window),
            skip_start=_number(args, "skip_start", _to_int, check_skip) or 0,
            skip_end=_number(args, "skip_end", _to_int, check_skip) or 0,
            encoding=_choice(args, "encoding", ("json", "base64"), "json"),  # type: ignore[arg-type]
            columns=_columns(args),
            buckets=_number(args, "buckets", _to_int, check_buckets),
        )

    @property
    def is_as_recorded(self) -> bool:
        """Whether all settings are as recorded, so that the stored suggestions apply."""
        return self.smoothing is None and self.delta_window is None and self.skip_start == self.skip_end == 0


@dataclass(frozen=True)
class TrialsParams:
    """Parameters of `GET trials`."""

    runs: list[str]

    @classmethod
    def parse(cls, args: Args) -> TrialsParams:
        """Parse the parameters, or raise `BadParameterError`."""
        return cls(_runs(args, "trials"))


@dataclass(frozen=True)
class DownloadParams:
    """Parameters of `GET download`."""

    run: str
    format: Literal["csv", "json"]

    @classmethod
    def parse(cls, args: Args) -> DownloadParams:
        """Parse the parameters, or raise `BadParameterError`."""
        runs = args.getlist("run")
        if len(runs) != 1:
            raise BadParameterError(
                "Parameter `run` must be given exactly once, as in download?run=NAME&format=csv. "
                f"Received: {len(runs)} values"
            )
        return cls(runs[0], _choice(args, "format", ("csv", "json"), "csv"))  # type: ignore[arg-type]


def quote_input(text: str) -> str:
    """Quote user input for a message: on one line and truncated."""
    return json.dumps(text if len(text) <= _MAX_QUOTED else text[:_MAX_QUOTED] + "…")


def _runs(args: Args, route: str) -> list[str]:
    runs = list(dict.fromkeys(args.getlist("run")))
    if not runs:
        raise BadParameterError(
            f"Parameter `run` is required: pass at least one run, as in {route}?run=NAME&run=OTHER."
        )
    if len(runs) > MAX_RUNS:
        raise BadParameterError(
            f"Parameter `run` must be given at most {MAX_RUNS} times per request. "
            f"Received: {len(runs)} values"
        )
    return runs


def _number(
    args: Args, name: str, convert: Callable[[str], Any], check: Callable[[str, Any], Number]
) -> Number | None:
    """Parse a number and check it as the argument of a Python function would be."""
    text = _single(args, name)
    if text is None:
        return None
    try:
        return check(name, convert(text))
    except (TypeError, ValueError) as error:
        raise BadParameterError(f"Parameter {error}") from None


def _to_float(text: str) -> float | str:
    """Convert the text, or return it unchanged, which no check of a number accepts."""
    try:
        return float(text)
    except ValueError:
        return text[:_MAX_QUOTED]


def _to_int(text: str) -> int | str:
    """See `_to_float`."""
    return int(text) if re.fullmatch(rf"-?[0-9]{{1,{_MAX_DIGITS}}}", text) else text[:_MAX_QUOTED]


def _columns(args: Args) -> tuple[str, ...]:
    text = _single(args, "columns")
    if text is None:
        return COLUMNS
    names = tuple(dict.fromkeys(text.split(","))) if text else ()
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise BadParameterError(
            f"Parameter `columns` must be a comma-separated list of {', '.join(COLUMNS)}. "
            f"Received: {quote_input(unknown[0])}"
        )
    return names


def _choice(args: Args, name: str, allowed: tuple[str, ...], default: str) -> str:
    text = _single(args, name)
    if text is None:
        return default
    if text not in allowed:
        raise BadParameterError(
            f"Parameter `{name}` must be {' or '.join(allowed)}. Received: {name}={quote_input(text)}"
        )
    return text


def _single(args: Args, name: str) -> str | None:
    values = args.getlist(name)
    if len(values) > 1:
        raise BadParameterError(
            f"Parameter `{name}` must be given at most once. Received: {len(values)} values"
        )
    return values[0] if values else None
