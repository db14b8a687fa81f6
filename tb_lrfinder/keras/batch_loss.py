"""The true loss of each batch, which Keras only reports as a running mean of the epoch."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from tb_lrfinder.keras import internals


class BatchLossTap:
    """Copies every loss that goes into the model's running mean, before it is averaged.

    The mean itself is left alone, so History and the progress bar show what they always do. The copies
    lie in a variable with a place for each batch of one execution, because with `steps_per_execution` of
    K the host is asked only every K batches. Where no variable is needed, or none may be changed, the copy
    is in `latest` instead.

    Args:
        model: A compiled model.
        monitor: Name of the loss among the model's metrics and in what its train step returns.
        capacity: Batches of one execution; None keeps the loss in `latest`.
    """

    def __init__(self, model: Any, monitor: str, capacity: int | None) -> None:
        self._model = model
        self._monitor = monitor
        self._dtype = "float64" if keras.config.floatx() == "float64" else "float32"
        self.losses: Any = None if capacity is None else self._variable(capacity)
        self.latest: Any = None
        self._metrics = internals.loss_metrics(model, monitor)
        self._listening = False  # inside a train step
        self._place: Any = None  # in `losses`, where it has more than one
        self._source: Any = None  # the metric that the recorded loss came from
        self._warned = False

    def _variable(self, capacity: int) -> Any:
        return keras.Variable(
            np.full((capacity,) if capacity > 1 else (), np.nan),
            dtype=self._dtype,
            trainable=False,
            aggregation="mean",  # of the devices, each of which sees its own part of the batch
            name="batch_losses",
        )

    def attach(self) -> None:
        """Begin to listen."""
        for metric in self._metrics:
            object.__setattr__(metric, "update_state", self._listening_update(metric))

    def detach(self) -> None:
        """Leave the metrics as they were."""
        for metric in self._metrics:
            vars(metric).pop("update_state", None)

    @contextlib.contextmanager
    def listening(self, place: Any) -> Iterator[None]:
        """For the extent of one train step, record its loss at `place`, a tensor."""
        self._listening, self._place, self._source = True, place, None
        try:
            yield
        finally:
            self._listening = False

    def take_from(self, logs: dict[str, Any]) -> None:
        """Record what the train step returned, where it told no metric its loss.

        Raises:
            ValueError: If it returned nothing by that name either.
        """
        if self._source is not None:
            return
        if self._monitor not in logs:
            raise ValueError(
                f"The train step of {type(self._model).__name__} has no loss named {self._monitor!r}: "
                f"it returns {', '.join(map(repr, logs)) or 'nothing'}. "
                "Pass LRFinder(..., monitor=...) with one of these."
            )
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"The train step of {type(self._model).__name__} gives its loss to no metric named "
                f"{self._monitor!r}, so that the loss of a single batch could not be read. Recorded instead "
                f"is what the step returns as {self._monitor!r}: right if that is the batch's own loss, too "
                "smooth if it is a running mean. To be sure, call `self._loss_tracker.update_state(loss)` in "
                "the step.",
                UserWarning,
                stacklevel=2,
            )
        self._record(logs[self._monitor])

    def _listening_update(self, metric: Any) -> Any:
        update = type(metric).update_state.__get__(metric)

        def update_state(values: Any, sample_weight: Any = None) -> Any:
            if self._listening and self._outranks(metric):
                self._source = metric
                self._record(_mean(values, sample_weight))
            return update(values, sample_weight=sample_weight)

        return update_state

    def _outranks(self, metric: Any) -> bool:
        """A loss that the model keeps itself counts more than the one in Keras' own tracker."""
        own = internals.is_own_tracker(self._model, metric)
        return self._source is None or self._source is metric or not own

    def _record(self, loss: Any) -> None:
        loss = keras.ops.cast(loss, self._dtype)
        if self.losses is None:
            self.latest = keras.ops.stop_gradient(keras.ops.reshape(loss, ()))
            return
        if self._place is not None:
            indices = keras.ops.reshape(self._place, (1, 1))
            loss = keras.ops.scatter_update(self.losses.value, indices, keras.ops.reshape(loss, (1,)))
        self.losses.assign(keras.ops.reshape(loss, self.losses.shape))


def _mean(values: Any, sample_weight: Any) -> Any:
    """The mean that `Mean.update_state` adds for these values."""
    values = keras.ops.convert_to_tensor(values)
    if len(values.shape) == 0:
        return values
    if sample_weight is None:
        return keras.ops.mean(values)
    weights = keras.ops.cast(sample_weight, values.dtype)
    weights = keras.ops.reshape(weights, (*weights.shape, *[1] * (len(values.shape) - len(weights.shape))))
    weights = keras.ops.broadcast_to(weights, keras.ops.shape(values))
    return keras.ops.divide_no_nan(keras.ops.sum(values * weights), keras.ops.sum(weights))
