"""What a sweep and a trial are called on disk: plugin name, tags, columns, schema version.

The event-file layout of one run directory, plugin name `lr_finder`:

* `lr_finder/sweep` - string tensor, JSON (`SweepConfig`): what is being run. Written first.
* `lr_finder/rows/00000`, ... - float32 tensors `[<=256, len(COLUMNS)]`. The open chunk is written
  again as it fills; the last value of each tag is the one that counts. TensorBoard's sampling keeps
  the last value of every tag, so chunks lose nothing (a tensor per step would).
* `lr_finder/result` - string tensor, JSON (`SweepResult`): how it ended. Written last.
* `lr_finder/trial` - string tensor, JSON (`TrialConfig`) in place of `lr_finder/sweep`, for a
  training at a fixed learning rate. Its rows are epochs, and their columns are those that the header
  names. A metric that appears only later adds a column at the end: the header is written again, and
  chunks that were full by then stay narrower.
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

# Plain scalars, for readers of event files that do not know this plugin.
SCALAR_TAGS: Final = {
    "learning_rate": "lr_finder/learning_rate",
    "loss": "lr_finder/loss",
    "loss_delta": "lr_finder/loss_delta",
}
# Not the metrics: their names are the user's, and could be those of the tags above.
TRIAL_SCALAR_TAGS: Final = {
    "learning_rate": "lr_finder/learning_rate",
    "loss": "lr_finder/loss",
    "validation_loss": "lr_finder/validation_loss",
}

EVENT_FILE_SUFFIX: Final = ".lr_finder"
"""Ends the name of every event file we write, so that a run directory in use is seen at a glance."""

# A sweep without a result counts as interrupted after this long without a new event; the writer
# gives a sign of life well within it.
INTERRUPTED_AFTER_SECONDS: Final = 60.0
SIGN_OF_LIFE_SECONDS: Final = 15.0
FLUSH_SECONDS: Final = 1.0


def rows_tag(chunk: int) -> str:
    """The tag of the chunk that holds rows `256 * chunk` onwards; sorts in chunk order."""
    return f"{ROWS_TAG_PREFIX}{chunk:05d}"


class ModelConfig(TypedDict, total=False):
    """What was trained: the part that sweeps and trials share. Any key may be missing."""

    optimizer: str  # "Adam"
    optimizer_settings: dict[str, Any]  # {"beta_1": 0.9, ...}
    model: str  # "convnet"
    parameters: int
    batch_size: int | None
    loss: str
    versions: dict[str, str]  # {"tb_lrfinder": ..., "keras": ..., "tensorflow": ...}


class SweepConfig(ModelConfig, total=False):
    """What was run. Every key but `schema_version`, `id` and `start_time` may be missing."""

    schema_version: int
    id: str  # unique for each sweep; links name sweeps by it
    start_time: float  # seconds since the epoch
    ramp: str  # "exponential" | "linear"
    per: str  # "batch" | "epoch"
    start_lr: float
    end_lr: float
    num_steps: int
    batches_per_step: int
    delta_window: int
    smoothing: float  # decades
    seed: int | None
    imported_from: str  # the file that holds it, where something else recorded it


class TrialConfig(ModelConfig, total=False):
    """What a training at a fixed learning rate was. Any key but the first three may be missing."""

    schema_version: int
    id: str
    start_time: float  # seconds since the epoch
    columns: list[str]  # of the rows, one row per epoch: TRIAL_COLUMNS, "validation_loss", metrics
    learning_rate: float | None  # the one it started with
    schedule: str | None  # "CosineDecay"; None: the learning rate is fixed
    initial_loss: float | None  # of the first batch, before its update
    epochs: int  # planned
    seed: int | None
    fingerprint: str  # of all that decides a trial of `run_trials`: the same is not run again


class TrialResult(TypedDict, total=False):
    """How a trial ended."""

    schema_version: int
    stop_reason: str  # one of TRIAL_STOP_REASONS
    end_time: float
    epochs: int  # recorded
    message: str | None  # the error, when the training raised one


class SweepResult(TypedDict, total=False):
    """How a sweep ended and what it says."""

    schema_version: int
    stop_reason: str  # one of STOP_REASONS
    end_time: float
    steps: int
    message: str | None  # the error, when the training raised one
    suggestion: dict[str, Any]  # Suggestion.to_json() of the default rule
    suggestions: dict[str, dict[str, Any]]  # by rule
    diagnosis: list[dict[str, Any]]  # Finding.to_json()
    minimum_learning_rate: float | None  # where the smoothed loss is lowest
    divergence_learning_rate: float | None  # where it diverged
