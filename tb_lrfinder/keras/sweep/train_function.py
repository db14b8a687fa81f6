"""Train functions that run a sweep."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.learning_rate import RampedLearningRate
from tb_lrfinder.keras.nested_functions import nested_functions_retraced
from tb_lrfinder.keras.sweep.batch_loss import BatchLossTap
from tb_lrfinder.keras.wrapped_train_function import WrappedTrainFunction

_LOSSES = "_lr_finder_losses"
_NUMBERS = "_lr_finder_numbers"


class SweptTrainFunction(WrappedTrainFunction, abc.ABC):
    """Runs the train step of the model with the learning rates of a ramp.

    The train step itself is unchanged: before it the learning rate of the batch is looked up, in it the loss
    is copied, and after it the batch is counted. The subclasses do so for each kind of train step.

    Args:
        model: A compiled, built model.
        learning_rate: The learning rate of each step of the ramp.
        tap: The source of the losses.
        batches_per_step: Number of batches per step of the ramp; 0 if the host sets the step.
        first_position: Number of batches of the first step that were already consumed by an unfinished
            gradient accumulation.
        on_error: Called with each error of a step, except for the end of the data.
    """

    def __init__(
        self,
        model: Any,
        learning_rate: RampedLearningRate,
        tap: BatchLossTap,
        batches_per_step: int,
        first_position: int,
        on_error: Callable[[BaseException], None],
    ) -> None:
        super().__init__(model, on_error)
        self._learning_rate = learning_rate
        self._tap = tap
        self._batches_per_step = batches_per_step
        self._position = first_position  # number of batches whose losses were taken
        self._error: Exception | None = None
        self._inner: Callable[..., Any] | None = None  # runs the swept train step
        self._original_step: Callable[..., Any] | None = None

    def attach(self) -> None:
        """Replace the train function of the model: `fit` calls this object for every execution."""
        model = self._model
        self._original = model.train_function
        self._original_step = vars(model).get("train_step")
        # PyTorch and older versions of Keras look the step up for each batch, so it stays until the end.
        object.__setattr__(model, "train_step", self._swept(model.train_step))
        try:
            type(model).make_train_function(model, force=True)
        except BaseException:
            self.detach()
            raise
        self._inner = model.train_function
        self._learning_rate.attach()
        self._tap.attach()
        model.train_function = self

    def detach(self) -> None:
        """Restore the train function of the model. Idempotent."""
        self._learning_rate.detach()
        self._tap.detach()
        vars(self._model).pop("train_step", None)
        if self._original_step is not None:
            object.__setattr__(self._model, "train_step", self._original_step)
        super().detach()

    def _run(self, *arguments: Any) -> Any:
        assert self._inner is not None
        result = self._inner(*arguments)
        if not self._keep(result):
            self._error = RuntimeError(
                f"{type(self._model).__name__} overrides `make_train_function` and does not call "
                "`train_step`, so LRFinder cannot set the learning rate. Call `self.train_step` in "
                "`make_train_function`, or override `train_step` instead."
            )
        return result

    @property
    def uses_learning_rate(self) -> bool:
        """Whether the train step has read the learning rate of the optimizer so far."""
        return self._learning_rate.used

    @property
    def monitor(self) -> str:
        """Name of the recorded loss, which is known after the first batch if it has no default name."""
        return self._tap.monitor

    @property
    def losses_are_averaged(self) -> bool:
        """Whether the logs of `fit` hold the mean loss of the epoch."""
        return self._tap.is_averaged

    def take_losses(self) -> Sequence[float]:
        """The losses of the batches since the last call, in order.

        Errors are raised here and not in the execution: by now `fit` has taken over its result, which on JAX
        is the only state of the model.

        Raises:
            RuntimeError: If other batches were run than the next ones of the ramp.
            TypeError, ValueError: If the train step has no loss of a single batch.
        """
        error = self._error or self._tap.error
        if error is not None:
            raise error
        numbers, losses = self._taken_numbers_and_losses()
        expected = list(range(self._position, self._position + len(losses)))
        if numbers != expected:
            raise RuntimeError(
                f"LRFinder cannot match the losses of {type(self._model).__name__} to learning rates: it "
                f"expected batches {expected}, but batches {numbers} were run. A train step must report its "
                "loss once per batch, outside of `tf.cond`, and nothing else may train the model during the "
                "sweep."
            )
        self._position += len(losses)
        if self._batches_per_step:
            # What other callbacks read is the learning rate of the next batch.
            self._learning_rate.step = self._position // self._batches_per_step
        return losses

    def set_step(self, step: int) -> None:
        """Set the step of the ramp, if the batches do not determine it."""
        self._learning_rate.step = step

    @abc.abstractmethod
    def _taken_numbers_and_losses(self) -> tuple[list[int], list[float]]:
        """Numbers and losses of the batches since the last call."""

    @abc.abstractmethod
    def _swept(self, train_step: Callable[..., Any]) -> Callable[..., Any]:
        """The train step, extended by the sweep."""

    @abc.abstractmethod
    def _keep(self, result: Any) -> bool:
        """Remove the values of the sweep from the result of an execution; return whether there were any."""


class CompiledSweptTrainFunction(SweptTrainFunction):
    """For train steps that are compiled and change variables on the device, as on TensorFlow.

    A variable inside the compiled step counts the batches, of which one execution may run several. The
    losses are returned with the logs of the step, and removed from them.
    """

    def __init__(self, model: Any, *arguments: Any) -> None:
        super().__init__(model, *arguments)
        self._position_variable = _counter(self._position, "position")
        self._step_variable = _counter(0, "step")  # if the batches do not determine it
        self._latest: tuple[Any, Any] | None = None  # of the latest execution, still on the device

    def set_step(self, step: int) -> None:
        """Set the step of the ramp, if the batches do not determine it."""
        super().set_step(step)
        self._step_variable.assign(step)

    def _taken_numbers_and_losses(self) -> tuple[list[int], list[float]]:
        if self._latest is None:
            return [], []
        numbers, losses = (np.ravel(keras.ops.convert_to_numpy(each)) for each in self._latest)
        self._latest = None
        if len(numbers) == 1:
            return [int(numbers[0])], [float(losses[0])]
        # The last execution of an epoch may be shorter; the rest is from the execution before.
        fresh = [place for place in np.argsort(numbers) if numbers[place] >= self._position]
        return [int(numbers[place]) for place in fresh], [float(losses[place]) for place in fresh]

    def _keep(self, result: Any) -> bool:
        if _LOSSES not in result:
            return False
        self._latest = result.pop(_NUMBERS), result.pop(_LOSSES)
        return True

    def _swept(self, train_step: Callable[..., Any]) -> Callable[..., Any]:
        def swept_train_step(data: Any) -> Any:
            with backend.after(data), nested_functions_retraced(self._model):
                # A copy, because PyTorch changes the tensor of the variable in place.
                position = keras.ops.add(self._position_variable, 0)
                with self._learning_rate.applied(self._step_at(position)), self._tap.observing(position):
                    logs = train_step(data)
                logs = self._tap.take_from(logs)
                self._position_variable.assign_add(1)
                logs[_NUMBERS] = keras.ops.convert_to_tensor(self._tap.numbers)
                logs[_LOSSES] = keras.ops.convert_to_tensor(self._tap.losses)
            return logs

        return swept_train_step

    def _step_at(self, position: Any) -> Any:
        """The step of the ramp of a batch."""
        if not self._batches_per_step:
            return keras.ops.convert_to_tensor(self._step_variable)
        return position // self._batches_per_step if self._batches_per_step > 1 else position


class HostCountedTrainFunction(SweptTrainFunction):
    """For train steps that the host runs one by one: it counts the batches and keeps their losses."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._number = self._position  # of the next batch
        self._taken: list[tuple[int, Any]] = []  # numbers and losses, still on the device

    def _taken_numbers_and_losses(self) -> tuple[list[int], list[float]]:
        taken, self._taken = self._taken, []
        return [number for number, _ in taken], [float(loss) for _, loss in taken]

    def _keep(self, result: Any) -> bool:
        return bool(self._taken)

    def _count(self, loss: Any) -> None:
        self._taken.append((self._number, loss))
        self._number += 1

    def _next_step(self) -> int:
        """The step of the ramp of the next batch."""
        if not self._batches_per_step:
            return self._learning_rate.step
        return self._number // self._batches_per_step


class EagerSweptTrainFunction(HostCountedTrainFunction):
    """For train steps that are not compiled, as on PyTorch."""

    def _swept(self, train_step: Callable[..., Any]) -> Callable[..., Any]:
        def swept_train_step(data: Any) -> Any:
            with self._learning_rate.applied(self._next_step()), self._tap.observing():
                logs = train_step(data)
            logs = self._tap.take_from(logs)
            self._count(self._tap.latest)
            return logs

        return swept_train_step


class PureSweptTrainFunction(HostCountedTrainFunction):
    """For train steps that are pure functions of the state and the batch, as on JAX.

    Such a step cannot count in a variable. So the host passes the step of the ramp with each batch, and the
    loss is returned with the logs.
    """

    def attach(self) -> None:
        """Replace the train function of the model: `fit` calls this object for every execution."""
        with internals.step_function_replaced(self._model, self._numbering):
            super().attach()

    def _numbering(self, step_function: Callable[..., Any]) -> Callable[..., Any]:
        def numbered_step(state: Any, data: Any) -> Any:
            logs, state = step_function(state, (np.int32(self._next_step()), data))
            if _LOSSES in logs:
                self._count(logs.pop(_LOSSES))
            return logs, state

        return numbered_step

    def _swept(self, train_step: Callable[..., Any]) -> Callable[..., Any]:
        def swept_train_step(state: Any, numbered: Any) -> Any:
            step, data = numbered
            with (
                nested_functions_retraced(self._model),
                self._learning_rate.applied(step),
                self._tap.observing(),
            ):
                logs, state = train_step(state, data)
            logs = self._tap.take_from(logs)
            return logs | {_LOSSES: self._tap.latest}, state

        return swept_train_step


def _counter(value: int, name: str) -> Any:
    return keras.Variable(value, dtype="int", trainable=False, aggregation="only_first_replica", name=name)


def swept_train_function(
    model: Any,
    learning_rate: RampedLearningRate,
    monitor: str,
    batches_per_step: int,
    first_position: int,
    on_error: Callable[[BaseException], None],
) -> SweptTrainFunction:
    """The swept train function for the train step of a model, which records the loss named `monitor`.

    For the other arguments see `SweptTrainFunction`.
    """
    kind = _KINDS[backend.kind_of_steps(model)]
    capacity = int(model.steps_per_execution) if kind is CompiledSweptTrainFunction else None
    tap = BatchLossTap(model, monitor, capacity, by_epoch=not batches_per_step)
    return kind(model, learning_rate, tap, batches_per_step, first_position, on_error)


_KINDS: dict[str, type[SweptTrainFunction]] = {
    "compiled": CompiledSweptTrainFunction,
    "eager": EagerSweptTrainFunction,
    "pure": PureSweptTrainFunction,
}
