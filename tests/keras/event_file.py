"""Reads what a sweep wrote, with nothing but TensorBoard's own event files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.util import tensor_util

from tb_lrfinder.storage import schema


def latest_values(log_dir):
    """The last value of each tag: a tensor's array, or a scalar's list of all values."""
    (path,) = Path(log_dir).glob("*tfevents*")
    found = {}
    for raw in RawEventFileLoader(str(path)).Load():
        for value in Event.FromString(raw).summary.value:
            if value.WhichOneof("value") == "simple_value":
                found.setdefault(value.tag, []).append(value.simple_value)
            else:
                found[value.tag] = tensor_util.make_ndarray(value.tensor)
    return found


def read_sweep(log_dir):
    """The rows as an array of `metadata.COLUMNS`, and the result."""
    found = latest_values(log_dir)
    chunks = [found[tag] for tag in sorted(found) if tag.startswith(schema.ROWS_TAG_PREFIX)]
    return np.concatenate(chunks), json.loads(found[schema.RESULT_TAG].item())


def read_config(log_dir):
    return json.loads(latest_values(log_dir)[schema.SWEEP_TAG].item())
