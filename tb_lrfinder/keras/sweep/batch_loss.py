"""True loss of each batch; Keras only reports the running mean of the epoch."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import keras
import numpy as np

from tb_lrfinder.keras import internals

DEFAULT_MONITOR: Final = "loss"

_NO_LOSS: Final = frozenset(
    {"acc", "accuracy", "auc", "f", "iou", "lr", "norm", "precision", "rate", "recall", "reward", "score"}
)
"""Words in the names of values that are not losses."""


class BatchLossTap:
    """Copies the loss that updates a running mean of the model, before it is averaged.

    The mean itself is unchanged, and so are History and the progress bar. The loss is found in what the train
    step does, in this order:

    1. It updates a `keras.metrics.Mean` named `monitor`: the loss is the value of the update.
    2. It returns as `monitor` the result of a `Mean` with another name that it has updated: likewise.
    3. It returns as `monitor` anything but the result of a metric: the loss is that value.
    4. `monitor` is the default `"loss"`, under which it returns nothing, or the result of a metric that it
       has not updated, and there is a single other value with "loss" in its name: the rules above apply to
       that one, and `monitor` becomes its name.

    In all other cases the loss of a single batch is not available, and `error` is an error that lists the
    available ones. The step itself raises nothing: TensorFlow initializes the variables that it creates, such
    as those of other optimizers, only after it has traced the whole step.

    The copies are kept in a variable with one element for each batch of an execution, because with
    `steps_per_execution=K` the host only runs every K batches; a second variable holds the number of each
    batch. If no variable is needed, or none may be changed, the copy is in `latest` instead.

    Args:
        model: A compiled model.
        monitor: Name of the loss among the metrics of the model and in the logs of its train step.
        capacity: Number of batches per execution; None keeps the loss in `latest`.
        by_epoch: Whether losses of whole epochs are recorded, for which a running mean is accepted.
    """

    def __init__(self, model: Any, monitor: str, capacity: int | None, by_epoch: bool = False) -> None:
        self._model = model
        self.monitor = monitor
        self._by_epoch = by_epoch
        self._dtype = "float64" if keras.config.floatx() == "float64" else "float32"
        self._capacity = capacity or 1
        self.losses: Any = None
        self.numbers: Any = None
        if capacity is not None:
            shape = (capacity,) if capacity > 1 else ()
            # With several devices, each one has its own part of the batch.
            self.losses = _variable(np.full(shape, np.nan), self._dtype, "mean", "batch_losses")
            self.numbers = _variable(np.full(shape, -1), "int32", "only_first_replica", "batch_numbers")
        self.latest: Any = None
        self.error: Exception | None = None
        """Why the loss is not available; None if it is."""
        self.is_averaged = True
        """Whether the train step averages the losses, so that `fit` reports the mean of the epoch."""
        self._metrics = internals.metrics_of(model)
        self._plain_mean = keras.metrics.Mean(dtype=self._dtype)  # not created while TensorFlow traces
        self._in_step = False
        self._number: Any = None  # of the batch, a tensor
        self._source: Any = None  # the metric that the recorded loss came from
        self._updates: dict[int, tuple[Any, Any, Any]] = {}  # means with other names: metric, values, weights
        self._results: list[tuple[Any, Any]] = []  # of metrics that were read

    def reset(self) -> None:
        """Forget the losses of an earlier sweep."""
        if self.losses is not None:
            self.losses.assign(np.full(self.losses.shape, np.nan))
            self.numbers.assign(np.full(self.numbers.shape, -1))

    def attach(self) -> None:
        """Observe the metrics of the model."""
        for metric in self._metrics:
            object.__setattr__(metric, "result", self._observed_result(metric))
            if internals.is_mean_of_values(metric):
                object.__setattr__(metric, "update_state", self._observed_update(metric))

    def detach(self) -> None:
        """Undo `attach`. Idempotent."""
        for metric in self._metrics:
            vars(metric).pop("result", None)
            vars(metric).pop("update_state", None)

    @contextlib.contextmanager
    def observing(self, number: Any = None) -> Iterator[None]:
        """Context of the train step of batch `number`, in which its loss is recorded."""
        self._in_step, self._number, self._source = True, number, None
        self._updates, self._results = {}, []
        self.latest = None
        try:
            yield
        finally:
            self._in_step = False

    def take_from(self, returned: Any) -> dict[str, Any]:
        """Record the loss from the result of the train step, if no metric named `monitor` was updated.

        Returns:
            A copy of the logs.
        """
        try:
            logs = self._logs(returned)
            if self._source is None and self.error is None:
                self._take_from(logs)
            return logs
        except Exception as error:
            self._fail(error)
            return dict(returned) if isinstance(returned, Mapping) else {}
        finally:
            self._updates, self._results, self._number = {}, [], None  # keep no reference to a graph
            if self.losses is None and self.latest is None:
                self.latest = keras.ops.convert_to_tensor(np.nan, dtype=self._dtype)

    def _logs(self, returned: Any) -> dict[str, Any]:
        if returned is not None and not isinstance(returned, Mapping):
            raise TypeError(
                f"The `train_step` of {self._model_class()} must return a dictionary of losses and metrics. "
                f"Received: {type(returned).__name__}"
            )
        return dict(returned or {})

    def _take_from(self, logs: dict[str, Any]) -> None:
        self.monitor = self._only_loss(logs)
        if self.monitor not in logs:
            raise ValueError(
                f"`monitor` must be one of the losses of the `train_step` of {self._model_class()}, which "
                f"returns {', '.join(map(repr, logs)) or 'nothing'}. Received: monitor={self.monitor!r}. "
                f"{self._advice(logs)}"
            )
        value = logs[self.monitor]
        metric = self._read_from(value)
        if id(metric) in self._updates:
            _, values, sample_weight = self._updates[id(metric)]
            self._record(self._mean(values, sample_weight))
        elif metric is not None and internals.is_mean_of_values(metric):
            raise self._unavailable(logs, "is the mean of a metric that the step does not update")
        elif metric is None and not self._may_hold_a_mean(logs):
            self.is_averaged = False
            self._record(value)
        elif self._by_epoch:
            self._record(value)
        elif metric is not None:
            raise self._unavailable(logs, f"is the running result of {type(metric).__name__} {metric.name!r}")
        else:
            raise self._unavailable(logs, "may be computed from running means")

    def _only_loss(self, logs: dict[str, Any]) -> str:
        """The only loss that is returned under another name than the default one; else `monitor`."""
        if self.monitor != DEFAULT_MONITOR:
            return self.monitor
        if self.monitor in logs:
            metric = self._read_from(logs[self.monitor])
            is_used = metric is None or id(metric) in self._updates or not internals.is_mean_of_values(metric)
            if is_used:
                return self.monitor
        others = [name for name in logs if "loss" in name.lower() and name != self.monitor]
        return others[0] if len(others) == 1 else self.monitor

    def _observed_result(self, metric: Any) -> Any:
        read = type(metric).result.__get__(metric)

        def result() -> Any:
            value = read()
            if self._in_step:
                values = value.values() if isinstance(value, Mapping) else [value]
                self._results += [(metric, each) for each in values]
            return value

        return result

    def _observed_update(self, metric: Any) -> Any:
        update = type(metric).update_state.__get__(metric)

        def update_state(values: Any, sample_weight: Any = None) -> Any:
            if self._in_step:
                self._observe(metric, values, sample_weight)
            return update(values, sample_weight=sample_weight)

        return update_state

    def _observe(self, metric: Any, values: Any, sample_weight: Any) -> None:
        if metric.name != self.monitor:
            self._updates[id(metric)] = metric, values, sample_weight
        elif self._outranks(metric):
            try:
                self._record(self._mean(values, sample_weight))
            except Exception as error:
                self._fail(error)
            self._source = metric

    def _outranks(self, metric: Any) -> bool:
        """A loss metric of the model has priority over the loss tracker of Keras."""
        own = internals.is_own_tracker(self._model, metric)
        return self._source is None or self._source is metric or not own

    def _fail(self, error: Exception) -> None:
        if self.error is None:
            self.error = error

    def _record(self, loss: Any) -> None:
        loss = keras.ops.cast(loss, self._dtype)
        known = getattr(loss.shape, "rank", len(loss.shape)) is not None
        if known and any(size != 1 for size in loss.shape):
            raise ValueError(
                f"The loss {self.monitor!r} of {self._model_class()} must be one number per batch. "
                f"Received: a tensor of shape {tuple(loss.shape)}. Report its mean or its sum."
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
        """The result of a new `Mean` after this update."""
        values = keras.ops.convert_to_tensor(values)
        if len(values.shape) == 0:
            return values
        mean = self._plain_mean
        zeros = [keras.ops.zeros((), each.dtype) for each in mean.variables]
        updated = mean.stateless_update_state(zeros, values, sample_weight=sample_weight)
        return mean.stateless_result(updated)

    def _read_from(self, value: Any) -> Any:
        """The metric whose result is `value`; None if there is none."""
        return next((metric for metric, result in self._results if result is value), None)

    def _may_hold_a_mean(self, logs: dict[str, Any]) -> bool:
        """Whether the result of an updated mean was read, but is not in the logs itself."""
        returned = {id(value) for value in logs.values()}
        read = {id(metric) for metric, _ in self._results if id(metric) in self._updates}
        plain = {id(metric) for metric, result in self._results if id(result) in returned}
        return not read <= plain

    def _unavailable(self, logs: dict[str, Any], what: str) -> ValueError:
        return ValueError(
            f"The value {self.monitor!r} that the `train_step` of {self._model_class()} returns {what}, not "
            f"the loss of a single batch. {self._advice(logs)}"
        )

    def _model_class(self) -> str:
        return type(self._model).__name__

    def _advice(self, logs: dict[str, Any]) -> str:
        """What to pass as `monitor`, or to change in the train step."""
        names = {metric.name: None for metric, _, _ in self._updates.values()}
        for name, value in logs.items():
            metric = self._read_from(value)
            if id(metric) in self._updates or (metric is None and name != self.monitor):
                names[name] = None
        candidates = [name for name in names if name != self.monitor and not _is_no_loss(name)]
        candidates.sort(key=lambda name: "loss" not in name.lower())
        if candidates:
            return (
                f"Pass LRFinder(..., monitor={candidates[0]!r})"
                + (f", or one of {', '.join(map(repr, candidates[1:]))}" if candidates[1:] else "")
                + "."
            )
        return (
            "Call `update_state(loss)` of a keras.metrics.Mean, an attribute of the model, in `train_step` "
            f"and pass its name as LRFinder(..., monitor=...), or return {{{self.monitor!r}: loss}}."
        )


def _is_no_loss(name: str) -> bool:
    """Whether the name is that of a metric or a setting, judging by its words."""
    return "loss" not in name.lower() and not _NO_LOSS.isdisjoint(re.split(r"[\W_\d]+", name.lower()))


def _variable(value: Any, dtype: str, aggregation: str, name: str) -> Any:
    return keras.Variable(value, dtype=dtype, trainable=False, aggregation=aggregation, name=name)
