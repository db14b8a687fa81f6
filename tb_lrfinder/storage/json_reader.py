"""Reads the JSON of runs, cached until a run changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from tensorboard.data.provider import TensorTimeSeries

from tb_lrfinder.storage import json_validation, strict_json
from tb_lrfinder.storage.assembly import JSON_TAGS
from tb_lrfinder.storage.run_cache import RunCache
from tb_lrfinder.storage.tensor_source import Series, TensorSource

_MAX_BYTES: Final = 128_000_000


class JsonReader:
    """Reads the tags with the configuration and the result of runs."""

    def __init__(self) -> None:
        self._cache: RunCache[dict[str, Any] | str] = RunCache(_MAX_BYTES)

    def read(self, source: TensorSource, series: Series) -> dict[str, dict[str, dict[str, Any] | str]]:
        """Return the JSON of each run by tag, or messages that say why it cannot be read."""
        parsed: dict[str, dict[str, dict[str, Any] | str]] = {}
        uncached: dict[str, list[str]] = {}
        for run, tags in series.items():
            for tag in (tag for tag in JSON_TAGS if tag in tags):
                cached = self._cache.get((run, tag), state_of({tag: tags[tag]}))
                if cached is None:
                    uncached.setdefault(run, []).append(tag)
                else:
                    parsed.setdefault(run, {})[tag] = cached
        for part in source.read(uncached):
            for run, values in part.items():
                for tag, value in values.items():
                    result = json_validation.parse(value, tag)
                    parsed.setdefault(run, {})[tag] = result
                    state = state_of({tag: series[run][tag]})
                    self._cache.put((run, tag), state, strict_json.size(result), result)
        return parsed


def state_of(tags: Mapping[str, TensorTimeSeries]) -> bytes:
    """Return a key that changes with every write to the tags."""
    text = "\n".join(f"{tag}\t{tags[tag].max_step}\t{tags[tag].max_wall_time}" for tag in sorted(tags))
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=16).digest()
