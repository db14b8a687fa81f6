"""The JSON that stands under the tags of a run, checked once: whoever writes event files can write anything.

What is not listed here is passed on to the page, which shows it as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tensorboard.data.provider import TensorDatum

from tb_lrfinder.storage import schema, strict_json
from tb_lrfinder.storage.boundary import described

_Types = type | tuple[type, ...]
_NUMBER: Final = (int, float)
_FIELDS: Final[Mapping[str, _Types]] = {
    "id": str,
    "start_time": _NUMBER,
    "optimizer": str,
    "model": str,
    "parameters": int,
    "batch_size": int,
    "num_steps": int,
    "learning_rate": _NUMBER,
    "schedule": str,
    "epochs": int,
    "smoothing": _NUMBER,
    "delta_window": int,
    "columns": list,
    "stop_reason": str,
    "message": str,
    "suggestion": dict,
    "suggestions": dict,
    "diagnosis": list,
    "minimum_learning_rate": _NUMBER,
    "divergence_learning_rate": _NUMBER,
}
_SUGGESTION_FIELDS: Final[Mapping[str, _Types]] = {
    "rule": str,
    "learning_rate": _NUMBER,
    "reason": str,
    "ranges": dict,
}
_RANGES_FIELDS: Final[Mapping[str, _Types]] = {"long_training": _NUMBER, "one_cycle_max": _NUMBER}
_FINDING_FIELDS: Final[Mapping[str, _Types]] = {"code": str, "severity": str, "message": str}
_MOST_COLUMNS: Final = 1_000


def parse(value: TensorDatum | Exception, tag: str) -> dict[str, Any] | str:
    """The JSON of one tag, or a sentence that says why it cannot be read.

    What it returns can be written as strict JSON: see `strict_json`.
    """
    try:
        if isinstance(value, Exception):
            raise value
        parsed = strict_json.loads(value.numpy.item())
    except Exception as error:
        return f"The tag {tag!r} cannot be read: {described(error)}"
    if not isinstance(parsed, dict):
        return f"The tag {tag!r} cannot be read: it holds no JSON object."
    version = parsed.get("schema_version")
    if version != schema.SCHEMA_VERSION:
        return (
            f"The tag {tag!r} has schema version {_short(version)}; this tb_lrfinder reads version "
            f"{schema.SCHEMA_VERSION}. Upgrade with `pip install --upgrade tb_lrfinder`."
        )
    wrong = (
        _wrong_field(parsed, _FIELDS)
        or _wrong_columns(parsed)
        or _wrong_suggestion(parsed.get("suggestion"))
        or _wrong_item((parsed.get("suggestions") or {}).values(), "suggestions", _wrong_suggestion)
        or _wrong_item(parsed.get("diagnosis") or (), "diagnosis", _wrong_finding)
    )
    return f"The tag {tag!r} cannot be read: {wrong}." if wrong else parsed


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:40] + "…"


def _is(value: Any, types: _Types) -> bool:
    """Whether it is of these types; true and false are no numbers, though Python counts them as such."""
    return isinstance(value, types) and not isinstance(value, bool)


def _wrong_field(
    values: Mapping[str, Any], fields: Mapping[str, _Types], *, required: bool = False
) -> str | None:
    """What is wrong with the first field that is not of its type; null is a field that is not there."""
    for name, types in fields.items():
        value = values.get(name)
        if not _is(value, types) and (required or value is not None):
            return f"its {name} is {_found(value)}"
    return None


def _found(value: Any) -> str:
    if value is None:
        return "missing"
    return value if value in strict_json.NOT_FINITE else type(value).__name__


def _wrong_columns(parsed: Mapping[str, Any]) -> str | None:
    names = parsed.get("columns") or []
    if len(names) > _MOST_COLUMNS:
        return f"it has {len(names)} columns, {_MOST_COLUMNS} at most"
    if len({name for name in names if isinstance(name, str)}) < len(names):
        return "its columns are not names, each given once"
    return None


def _wrong_item(items: Any, name: str, wrong: Any) -> str | None:
    """What is wrong with the first of the items that has something wrong with it."""
    found = next((said for item in items if (said := wrong(item))), None)
    return f"in its {name}, {found}" if found else None


def _wrong_suggestion(suggestion: Any) -> str | None:
    if suggestion is None:
        return None
    if not isinstance(suggestion, dict):
        return f"a suggestion is {type(suggestion).__name__}"
    ranges = suggestion.get("ranges")
    return _wrong_field(suggestion, _SUGGESTION_FIELDS) or _wrong_ranges(ranges)


def _wrong_ranges(ranges: Any) -> str | None:
    if ranges is None:
        return None
    cyclical = ranges.get("cyclical")
    if not isinstance(cyclical, list) or [_is(end, _NUMBER) for end in cyclical] != [True, True]:
        return "its cyclical range is not two numbers"
    return _wrong_field(ranges, _RANGES_FIELDS, required=True)


def _wrong_finding(finding: Any) -> str | None:
    if not isinstance(finding, dict):
        return f"a finding is {type(finding).__name__}"
    return _wrong_field(finding, _FINDING_FIELDS, required=True)
