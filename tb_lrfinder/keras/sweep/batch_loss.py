"""The true loss of each batch, which Keras only reports as a running mean of the epoch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from tb_lrfinder.keras import internals


class BatchLossTap:
    """Copies the loss that goes into a running mean of the model, before it is averaged.

    The mean itself is left alone, so History and the progress bar show what they always do. Which loss it
    is, is told by what the train step does, in this order:

    1. It updates a `keras.metrics.Mean` named `monitor`: the loss is what that mean is told.
    2. It returns as `monitor` the result of a `Mean` of another name that it has updated: the same.
    3. It returns as `monitor` something else than a metric's result: the loss is that value.

    In every other case there is no loss of a single batch to be had, and `refusal` holds an error that
    names those that there are. Nothing is raised in the step itself: TensorFlow initialises the variables
    that it creates, such as those of the model's other optimizers, only once it has traced it to its end.

    The copies lie in a variable with a place for each batch of one execution, because with
    `steps_per_execution` of K the host is asked only every K batches; beside each lies the number of its
    batch. Where no variable is needed, or none may be changed, the copy is in `latest` instead.

    Args:
        model: A compiled model.
        monitor: Name of the loss among the model's metrics and in what its train step returns.
        capacity: Batches of one execution; None keeps the loss in `latest`.
        by_epoch: Whether the losses are for whole epochs, for which a running mean is as good.
    """

    def __init__(self, model: Any, monitor: str, capacity: int | None, by_epoch: bool = False) -> None:
        self._model = model
        self._monitor = monitor
        self._by_epoch = by_epoch
        self._dtype = "float64" if keras.config.floatx() == "float64" else "float32"
        self._capacity = capacity or 1
        self.losses: Any = None
        self.numbers: Any = None
        if capacity is not None:
            shape = (capacity,) if capacity > 1 else ()
            # Each of several devices sees its own part of the batch.
            self.losses = _variable(np.full(shape, np.nan), self._dtype, "mean", "batch_losses")
            self.numbers = _variable(np.full(shape, -1), "int32", "only_first_replica", "batch_numbers")
        self.latest: Any = None
        self.refusal: Exception | None = None
        """Why there is no loss; None while there is one."""
        self.is_averaged = True
        """Whether the train step itself averages the losses, so that `fit` reports the epoch's mean."""
        self._metrics = internals.metrics_of(model)
        self._plain_mean = keras.metrics.Mean(dtype=self._dtype)  # made here: not while TensorFlow traces
        self._listening = False  # inside a train step
        self._number: Any = None  # of the batch, a tensor
        self._source: Any = None  # the metric that the recorded loss came from
        self._told: dict[int, tuple[Any, Any, Any]] = {}  # means of other names: metric, values, weights
        self._results: list[tuple[Any, Any]] = []  # metrics, and what they were read as

    def attach(self) -> None:
        """Begin to listen."""
        for metric in self._metrics:
            object.__setattr__(metric, "result", self._listening_result(metric))
            if internals.is_mean_of_values(metric):
                object.__setattr__(metric, "update_state", self._listening_update(metric))

    def detach(self) -> None:
        """Leave the metrics as they were."""
        for metric in self._metrics:
            vars(metric).pop("result", None)
            vars(metric).pop("update_state", None)

    @contextlib.contextmanager
    def listening(self, number: Any = None) -> Iterator[None]:
        """For the extent of one train step, record its loss, in the variables that of batch `number`."""
        self._listening, self._number, self._source = True, number, None
        self._told, self._results = {}, []
        self.latest = None
        try:
            yield
        finally:
            self._listening = False

    def take_from(self, returned: Any) -> dict[str, Any]:
        """Find the loss in what the train step returned, where no metric named `monitor` was told it.

        Returns:
            The logs, as a dictionary of their own.
        """
        try:
            logs = self._logs(returned)
            if self._source is None and self.refusal is None:
                self._take_from(logs)
            return logs
        except Exception as error:
            self._refuse(error)
            return dict(returned) if isinstance(returned, Mapping) else {}
        finally:
            self._told, self._results = {}, []  # hold on to no graph
            if self.losses is None and self.latest is None:
                self.latest = keras.ops.convert_to_tensor(np.nan, dtype=self._dtype)

    def _logs(self, returned: Any) -> dict[str, Any]:
        if returned is not None and not isinstance(returned, Mapping):
            raise TypeError(
                f"The train step of {self._named()} must return a dictionary of losses and metrics. "
                f"It returns {type(returned).__name__}."
            )
        return dict(returned or {})

    def _take_from(self, logs: dict[str, Any]) -> None:
        if self._monitor not in logs:
            raise ValueError(
                f"The train step of {self._named()} has no loss named {self._monitor!r}: "
                f"it returns {', '.join(map(repr, logs)) or 'nothing'}. {self._advice(logs)}"
            )
        value = logs[self._monitor]
        metric = self._read_from(value)
        if id(metric) in self._told:
            _, values, sample_weight = self._told[id(metric)]
            self._record(self._mean(values, sample_weight))
        elif metric is not None and internals.is_mean_of_values(metric):
            raise self._no_loss(logs, "is the mean of a tracker that the step does not update")
        elif metric is None and not self._may_hold_a_mean(logs):
            self.is_averaged = False
            self._record(value)
        elif self._by_epoch:
            self._record(value)
        elif metric is not None:
            raise self._no_loss(logs, f"is the running result of {type(metric).__name__} {metric.name!r}")
        else:
            raise self._no_loss(logs, "may be computed from running means")

    def _listening_result(self, metric: Any) -> Any:
        read = type(metric).result.__get__(metric)

        def result() -> Any:
            value = read()
            if self._listening:
                values = value.values() if isinstance(value, Mapping) else [value]
                self._results += [(metric, each) for each in values]
            return value

        return result

    def _listening_update(self, metric: Any) -> Any:
        update = type(metric).update_state.__get__(metric)

        def update_state(values: Any, sample_weight: Any = None) -> Any:
            if self._listening:
                self._hear(metric, values, sample_weight)
            return update(values, sample_weight=sample_weight)

        return update_state

    def _hear(self, metric: Any, values: Any, sample_weight: Any) -> None:
        if metric.name != self._monitor:
            self._told[id(metric)] = metric, values, sample_weight
        elif self._outranks(metric):
            try:
                self._record(self._mean(values, sample_weight))
            except Exception as error:
                self._refuse(error)
            self._source = metric

    def _outranks(self, metric: Any) -> bool:
        """A loss that the model keeps itself counts more than the one in Keras' own tracker."""
        own = internals.is_own_tracker(self._model, metric)
        return self._source is None or self._source is metric or not own

    def _refuse(self, error: Exception) -> None:
        if self.refusal is None:
            self.refusal = error

    def _record(self, loss: Any) -> None:
        loss = keras.ops.cast(loss, self._dtype)
        known = getattr(loss.shape, "rank", len(loss.shape)) is not None
        if known and any(size != 1 for size in loss.shape):
            raise ValueError(
                f"The loss {self._monitor!r} of {self._named()} must be one number for the batch. "
                f"Received: a tensor of shape {tuple(loss.shape)}"
            )
        if self.losses is None:
            self.latest = keras.ops.stop_gradient(keras.ops.reshape(loss, ()))
            return
        for variable, value in ((self.losses, loss), (self.numbers, self._number)):
            value = keras.ops.cast(value, variable.dtype)
            if self._capacity > 1:
                place = keras.ops.reshape(keras.ops.mod(self._number, self._capacity), (1, 1))
                value = keras.ops.scatter_update(variable.value, place, keras.ops.reshape(value, (1,)))
            variable.assign(keras.ops.reshape(value, variable.shape))

    def _mean(self, values: Any, sample_weight: Any) -> Any:
        """What a `Mean` that is told nothing else has as its result."""
        values = keras.ops.convert_to_tensor(values)
        if len(values.shape) == 0:
            return values
        mean = self._plain_mean
        nothing = [keras.ops.zeros((), each.dtype) for each in mean.variables]
        told = mean.stateless_update_state(nothing, values, sample_weight=sample_weight)
        return mean.stateless_result(told)

    def _read_from(self, value: Any) -> Any:
        """The metric whose result `value` is; None where it is of another making."""
        return next((metric for metric, result in self._results if result is value), None)

    def _may_hold_a_mean(self, logs: dict[str, Any]) -> bool:
        """Whether an updated mean was read, and what it was read as is not in the logs as it is."""
        returned = {id(value) for value in logs.values()}
        read = {id(metric) for metric, _ in self._results if id(metric) in self._told}
        plain = {id(metric) for metric, result in self._results if id(result) in returned}
        return not read <= plain

    def _no_loss(self, logs: dict[str, Any], what: str) -> ValueError:
        return ValueError(
            f"What the train step of {self._named()} returns as {self._monitor!r} {what}, and not the loss "
            f"of one batch. {self._advice(logs)}"
        )

    def _named(self) -> str:
        return type(self._model).__name__

    def _advice(self, logs: dict[str, Any]) -> str:
        """What to pass as `monitor`, or to change in the step."""
        names = {metric.name: None for metric, _, _ in self._told.values()}
        for name, value in logs.items():
            metric = self._read_from(value)
            if id(metric) in self._told or (metric is None and name != self._monitor):
                names[name] = None
        names.pop(self._monitor, None)
        ordered = sorted(names, key=lambda name: "loss" not in name.lower())
        if ordered:
            return (
                f"Pass LRFinder(..., monitor={ordered[0]!r})"
                + (f", or one of {', '.join(map(repr, ordered[1:]))}" if ordered[1:] else "")
                + "."
            )
        return (
            "Have the step call `update_state(loss)` of a keras.metrics.Mean that the model holds as an "
            f"attribute, and pass its name as LRFinder(..., monitor=...), or return {self._monitor!r}: loss."
        )


def _variable(value: Any, dtype: str, aggregation: str, name: str) -> Any:
    return keras.Variable(value, dtype=dtype, trainable=False, aggregation=aggregation, name=name)
