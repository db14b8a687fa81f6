"""Validates the JSON stored in the tags of a run, since event files are untrusted input.

The types of the fields are those of the `TypedDict`s in `schema.py`. Fields that are not declared there are
passed to the page, which displays them as text, as are those that nothing is computed from.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tensorboard.data.provider import TensorDatum

from tb_lrfinder.storage import schema, strict_json
from tb_lrfinder.storage.boundary import describe_error

_SCHEMAS: Final[Mapping[str, Sequence[type]]] = {
    schema.SWEEP_TAG: [schema.SweepConfig],
    schema.TRIAL_TAG: [schema.TrialConfig],
    schema.RESULT_TAG: [schema.SweepResult, schema.TrialResult],  # written by sweeps and trials
}
_NOT_VALIDATED: Final = frozenset(
    {
        "optimizer_settings",
        "loss",
        "versions",
        "ramp",
        "per",
        "start_lr",
        "end_lr",
        "batches_per_step",
        "seed",
        "imported_from",
        "initial_loss",  # may also be NaN or infinite
        "fingerprint",
        "end_time",
        "steps",
    }
)
"""Fields that nothing is computed from: a run is readable whatever they contain."""

_EXPECTED: Final[Mapping[Any, str]] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    dict: "an object",
    list: "a list",
}
_MAX_COLUMNS: Final = 1_000
_MAX_LENGTH: Final = 40  # of untrusted text in a message


def parse(value: TensorDatum | Exception, tag: str) -> dict[str, Any] | str:
    """Return the JSON of a tag, or a message that says why it cannot be read.

    What it returns can be written as strict JSON, see `strict_json`.
    """
    try:
        if isinstance(value, Exception):
            raise value
        return _validated(strict_json.loads(value.numpy.item()), tag)
    except Exception as error:
        return f"The tag {tag!r} cannot be read: {describe_error(error)}"


def _validated(parsed: Any, tag: str) -> dict[str, Any]:
    """Return the JSON of a tag.

    Raises:
        ValueError: If it does not have the declared type.
    """
    if not isinstance(parsed, dict):
        raise ValueError("it is not a JSON object")
    version = parsed.get("schema_version")
    if version != schema.SCHEMA_VERSION:
        raise ValueError(
            f"it has schema version {_shorten(repr(version))}, but this version of tb_lrfinder supports "
            f"version {schema.SCHEMA_VERSION}. Upgrade with `pip install --upgrade tb_lrfinder`."
        )
    for declared in _SCHEMAS[tag]:
        problem = _object_problem(parsed, declared, "")
        if problem is None and "columns" in _fields(declared):
            problem = _columns_problem(parsed.get("columns") or [])
        if problem is not None:
            raise ValueError(problem)
    return parsed


@functools.cache
def _fields(declared: type) -> Mapping[str, Any]:
    """Return the types of the validated fields of a `TypedDict`."""
    hints = typing.get_type_hints(declared)
    return {name: hint for name, hint in hints.items() if name not in _NOT_VALIDATED}


def _object_problem(values: Mapping[str, Any], declared: type, path: str) -> str | None:
    """Describe the first field that does not have its declared type, or return `None`."""
    required: frozenset[str] = declared.__required_keys__  # type: ignore[attr-defined]
    for name, expected in _fields(declared).items():
        value, field = values.get(name), f"{path}{name}"
        if value is None:  # null is the same as missing
            problem = f"'{field}' is missing" if name in required else None
        else:
            problem = _problem(value, expected, field)
        if problem:
            return problem
    return None


def _problem(value: Any, expected: Any, path: str) -> str | None:
    """Describe why a value does not have the expected type, or return `None`.

    Args:
        value: A value as parsed by `strict_json.loads`.
        expected: A type hint, as used in `schema.py`.
        path: Path of the value, for the message.
    """
    if expected is Any or (expected is types.NoneType and value is None):
        return None
    origin, arguments = typing.get_origin(expected) or expected, typing.get_args(expected)
    if origin in (types.UnionType, typing.Union):
        problems = [_problem(value, argument, path) for argument in arguments]
        return None if None in problems else problems[0]
    if typing.is_typeddict(origin):
        return _mismatch(value, dict, path) or _object_problem(value, origin, f"{path}.")
    if origin is dict:
        return _mismatch(value, dict, path) or _first_problem(
            (item, arguments[1], f"{path}.{_shorten(key)}") for key, item in value.items() if item is not None
        )
    if origin in (list, tuple):
        if origin is tuple and isinstance(value, list) and len(value) != len(arguments):
            return f"'{path}' must have {len(arguments)} items, got {len(value)}"
        return _mismatch(value, list, path) or _first_problem(
            (item, arguments[0], f"{path}[{index}]") for index, item in enumerate(value)
        )
    return _mismatch(value, origin, path)


def _first_problem(items: Iterable[tuple[Any, Any, str]]) -> str | None:
    return next(filter(None, (_problem(*item) for item in items)), None)


def _mismatch(value: Any, expected: type, path: str) -> str | None:
    accepted = (int, float) if expected is float else expected
    if isinstance(value, accepted) and not isinstance(value, bool):  # in Python, True is an integer
        return None
    found = value if value in strict_json.NON_FINITE else type(value).__name__
    return f"'{path}' must be {_EXPECTED.get(expected, expected)}, got {found}"


def _columns_problem(names: Sequence[str]) -> str | None:
    if len(names) > _MAX_COLUMNS:
        return f"it has {len(names)} columns, but the limit is {_MAX_COLUMNS}"
    return "'columns' must be unique" if len(set(names)) < len(names) else None


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH] + "…"
