"""On-disk schema of sweeps and trials: plugin name, tags, JSON fields, schema version.

Layout of the event file of a run, plugin name `lr_finder`; see docs/event_files.md:

* `lr_finder/sweep` - string tensor, JSON (`SweepConfig`): configuration of the sweep. Written first.
* `lr_finder/rows/00000`, ... - float32 tensors `[<=256, len(COLUMNS)]`. The open chunk is rewritten as it
  fills; only the last value of each tag is valid. TensorBoard's sampling keeps the last value of every
  tag, so chunks lose no rows (a tensor per step would).
* `lr_finder/result` - string tensor, JSON (`SweepResult`): result of the sweep. Written last.
* `lr_finder/trial` - string tensor, JSON (`TrialConfig`) instead of `lr_finder/sweep`, for a trial. Its
  rows are epochs, and their columns are those listed in the configuration. If a metric first appears in a
  later epoch, its column is appended: the configuration is written again, and chunks that are already
  full keep fewer columns.
"""

from __future__ import annotations

from typing import Any, Final, TypedDict

PLUGIN_NAME: Final = "lr_finder"
TAB_NAME: Final = "LR Finder"
SCHEMA_VERSION: Final = 1

SWEEP_TAG: Final = "lr_finder/sweep"
TRIAL_TAG: Final = "lr_finder/trial"
RESULT_TAG: Final = "lr_finder/result"
ROWS_TAG_PREFIX: Final = "lr_finder/rows/"

ROWS_PER_CHUNK: Final = 256

# Scalar summaries, for readers without the plugin.
SCALAR_TAGS: Final = {
    "learning_rate": "lr_finder/learning_rate",
    "loss": "lr_finder/loss",
    "loss_delta": "lr_finder/loss_delta",
}
# Without metrics, whose names are chosen by the user and could collide with the tags above.
TRIAL_SCALAR_TAGS: Final = {
    "learning_rate": "lr_finder/learning_rate",
    "loss": "lr_finder/loss",
    "validation_loss": "lr_finder/validation_loss",
}

EVENT_FILE_SUFFIX: Final = ".lr_finder"
"""Suffix of every event file written by this package; identifies run directories that are in use."""

INTERRUPTED_AFTER_SECONDS: Final = 60.0
"""A run without a result is interrupted if it has no new event for this long."""

HEARTBEAT_SECONDS: Final = 15.0
"""The writer sends a heartbeat if it has written no event for this long."""

FLUSH_SECONDS: Final = 1.0


def rows_tag(chunk: int) -> str:
    """Return the tag of the chunk that starts with row `256 * chunk`."""
    return f"{ROWS_TAG_PREFIX}{chunk:05d}"


# `storage/json_validation.py` derives the validation of each tag from the types below: fields may be missing
# or null unless their TypedDict is total, and unknown fields are ignored.


class ModelConfig(TypedDict, total=False):
    """Configuration of the model: the fields shared by sweeps and trials. Any field may be missing."""

    optimizer: str  # "Adam"
    optimizer_settings: dict[str, Any]  # {"beta_1": 0.9, ...}
    model: str  # "convnet"
    parameters: int
    batch_size: int | None
    loss: str
    versions: dict[str, Any]  # {"tb_lrfinder": ..., "keras": ..., "tensorflow": ...}


class SweepConfig(ModelConfig, total=False):
    """Configuration of a sweep. Only `schema_version`, `id` and `start_time` are always written."""

    schema_version: int
    id: str  # unique; links refer to sweeps by it
    start_time: float  # seconds since the epoch
    columns: list[str]  # of the rows; default: COLUMNS
    ramp: str  # "exponential" | "linear"
    per: str  # "batch" | "epoch"
    start_lr: float
    end_lr: float
    num_steps: int
    batches_per_step: int
    delta_window: int
    smoothing: float  # decades
    seed: int | None
    chance_loss: float | None  # of a classifier that has learned nothing, if it is known
    imported_from: str  # file name, for sweeps recorded by another tool


class TrialConfig(ModelConfig, total=False):
    """Configuration of a trial. Only `schema_version`, `id` and `start_time` are always written."""

    schema_version: int
    id: str
    start_time: float  # seconds since the epoch
    columns: list[str]  # of the rows, one row per epoch: TRIAL_COLUMNS, "validation_loss", metrics
    learning_rate: float | None  # initial learning rate
    schedule: str | None  # "CosineDecay"; None: the learning rate is fixed
    initial_loss: float | None  # of the first batch, before its update
    epochs: int  # planned
    seed: int | None
    fingerprint: str  # identifies the settings of a `run_trials` trial; a finished one is reused


class TrialResult(TypedDict, total=False):
    """Result of a trial."""

    schema_version: int
    stop_reason: str  # one of TRIAL_STOP_REASONS
    end_time: float
    epochs: int  # recorded
    message: str | None  # the error that training raised


class RangesJson(TypedDict):
    """`Ranges` as JSON."""

    long_training: float
    one_cycle_max: float
    cyclical: tuple[float, float]


class SuggestionJson(TypedDict, total=False):
    """`Suggestion` as JSON."""

    rule: str
    learning_rate: float | None
    reason: str | None
    ranges: RangesJson | None


class FindingJson(TypedDict):
    """`Finding` as JSON."""

    code: str
    severity: str
    message: str


class SweepResult(TypedDict, total=False):
    """Result of a sweep."""

    schema_version: int
    stop_reason: str  # one of STOP_REASONS
    end_time: float
    steps: int
    message: str | None  # the error that training raised
    suggestion: SuggestionJson  # of the default rule
    suggestions: dict[str, SuggestionJson]  # by rule
    diagnosis: list[FindingJson]
    minimum_learning_rate: float | None  # where the smoothed loss is lowest
    divergence_learning_rate: float | None  # where the loss diverged
