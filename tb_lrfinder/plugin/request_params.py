"""The parameters of each route, checked: a request becomes a query or a `BadParameterError`. No HTTP here."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Literal

from werkzeug.datastructures import MultiDict

MOST_RUNS = 5000
SMOOTHING_RANGE = (0, 2)
DELTA_WINDOW_RANGE = (1, 1000)
COLUMNS = ("step", "learning_rate", "loss", "smoothed_loss", "loss_delta", "slope", "validation_loss")

Query = MultiDict[str, str]


class BadParameterError(ValueError):
    """A query parameter that cannot be answered; the message goes to the user."""


@dataclass(frozen=True)
class SweepsQuery:
    """The parameters of `GET sweeps`; None means: as recorded."""

    runs: list[str]
    smoothing: float | None
    delta_window: int | None
    skip_start: int
    skip_end: int
    encoding: Literal["json", "base64"]
    columns: tuple[str, ...] = COLUMNS
    buckets: int | None = None

    @classmethod
    def parse(cls, args: Query) -> SweepsQuery:
        """Check every parameter, or raise `BadParameterError`."""
        return cls(
            runs=_named_runs(args, "sweeps"),
            smoothing=_number(args, "smoothing", *SMOOTHING_RANGE),
            delta_window=_whole_number(args, "delta_window", *DELTA_WINDOW_RANGE),
            skip_start=_whole_number(args, "skip_start", 0, 100_000) or 0,
            skip_end=_whole_number(args, "skip_end", 0, 100_000) or 0,
            encoding=_choice(args, "encoding", ("json", "base64"), "json"),  # type: ignore[arg-type]
            columns=_columns_asked(args),
            buckets=_whole_number(args, "buckets", 1, 100_000),
        )

    @property
    def as_recorded(self) -> bool:
        """Whether the suggestions that a finished sweep wrote are the ones asked for."""
        return self.smoothing is None and self.delta_window is None and self.skip_start == self.skip_end == 0


@dataclass(frozen=True)
class TrialsQuery:
    """The parameters of `GET trials`."""

    runs: list[str]

    @classmethod
    def parse(cls, args: Query) -> TrialsQuery:
        """Check every parameter, or raise `BadParameterError`."""
        return cls(_named_runs(args, "trials"))


@dataclass(frozen=True)
class DownloadQuery:
    """The parameters of `GET download`."""

    run: str
    format: Literal["csv", "json"]

    @classmethod
    def parse(cls, args: Query) -> DownloadQuery:
        """Check every parameter, or raise `BadParameterError`."""
        runs = args.getlist("run")
        if len(runs) != 1:
            raise BadParameterError(
                f"The parameter run must be given once, as in download?run=NAME&format=csv. "
                f"It was given {len(runs)} times."
            )
        return cls(runs[0], _choice(args, "format", ("csv", "json"), "csv"))  # type: ignore[arg-type]


def _named_runs(args: Query, route: str) -> list[str]:
    runs = list(dict.fromkeys(args.getlist("run")))
    if not runs:
        raise BadParameterError(
            f"The parameter run is missing: name at least one, as in {route}?run=NAME&run=OTHER."
        )
    if len(runs) > MOST_RUNS:
        raise BadParameterError(
            f"The parameter run was given {len(runs)} times; {MOST_RUNS} at most in one request."
        )
    return runs


def _number(args: Query, name: str, low: float, high: float) -> float | None:
    text = _single(args, name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise BadParameterError(
            f"The parameter {name} must be a number from {low} to {high}. Received {quoted(text)}."
        )
    return value


def _whole_number(args: Query, name: str, low: int, high: int) -> int | None:
    text = _single(args, name)
    if text is None:
        return None
    value = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else -1
    if not low <= value <= high:
        raise BadParameterError(
            f"The parameter {name} must be a whole number from {low} to {high}. Received {quoted(text)}."
        )
    return value


def _columns_asked(args: Query) -> tuple[str, ...]:
    text = _single(args, "columns")
    if text is None:
        return COLUMNS
    names = tuple(dict.fromkeys(text.split(","))) if text else ()
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise BadParameterError(
            f"The parameter columns must name some of {', '.join(COLUMNS)}, with commas between them. "
            f"Received {quoted(unknown[0])}."
        )
    return names


def _choice(args: Query, name: str, allowed: tuple[str, ...], default: str) -> str:
    text = _single(args, name)
    if text is None:
        return default
    if text not in allowed:
        raise BadParameterError(
            f"The parameter {name} must be {' or '.join(allowed)}. Received {quoted(text)}."
        )
    return text


def _single(args: Query, name: str) -> str | None:
    values = args.getlist(name)
    if len(values) > 1:
        raise BadParameterError(f"The parameter {name} must be given once. It was given {len(values)} times.")
    return values[0] if values else None


def quoted(text: str) -> str:
    """A user's text in a sentence: quoted, on one line and not too long."""
    return json.dumps(text if len(text) <= 100 else text[:100] + "…")
