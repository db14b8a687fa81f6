"""The JSON that stands under the tags of a run, checked once: whoever writes event files can write anything.

What is not listed here is passed on to the page, which shows it as text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from tensorboard.data.provider import TensorDatum

from tb_lrfinder import metadata

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


def parse(value: TensorDatum, tag: str) -> dict[str, Any] | str:
    """The JSON of one tag, or a sentence that says why it cannot be read."""
    try:
        parsed = json.loads(value.numpy.item())
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        return f"The tag {tag!r} cannot be read: {error}."
    if not isinstance(parsed, dict):
        return f"The tag {tag!r} cannot be read: it holds no JSON object."
    version = parsed.get("schema_version")
    if version != metadata.SCHEMA_VERSION:
        return (
            f"The tag {tag!r} has schema version {version!r}; this tb_lrfinder reads version "
            f"{metadata.SCHEMA_VERSION}. Upgrade with `pip install --upgrade tb_lrfinder`."
        )
    wrong = (
        _wrong_field(parsed, _FIELDS)
        or _wrong_columns(parsed)
        or _wrong_suggestion(parsed.get("suggestion"))
        or _wrong_item((parsed.get("suggestions") or {}).values(), "suggestions", _wrong_suggestion)
        or _wrong_item(parsed.get("diagnosis") or (), "diagnosis", _wrong_finding)
    )
    return f"The tag {tag!r} cannot be read: {wrong}." if wrong else parsed


def _wrong_field(
    values: Mapping[str, Any], fields: Mapping[str, _Types], *, required: bool = False
) -> str | None:
    """What is wrong with the first field that is not of its type; null is a field that is not there."""
    for name, types in fields.items():
        value = values.get(name)
        if not isinstance(value, types) and (required or value is not None):
            return f"its {name} is {'missing' if value is None else type(value).__name__}"
    return None


def _wrong_columns(parsed: Mapping[str, Any]) -> str | None:
    names = parsed.get("columns") or []
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
    if not isinstance(cyclical, list) or [isinstance(end, _NUMBER) for end in cyclical] != [True, True]:
        return "its cyclical range is not two numbers"
    return _wrong_field(ranges, _RANGES_FIELDS, required=True)


def _wrong_finding(finding: Any) -> str | None:
    if not isinstance(finding, dict):
        return f"a finding is {type(finding).__name__}"
    return _wrong_field(finding, _FINDING_FIELDS, required=True)
