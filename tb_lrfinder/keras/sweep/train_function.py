"""A model's train function with a sweep inside it."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.learning_rate import RampedLearningRate
from tb_lrfinder.keras.sweep.batch_loss import BatchLossTap

_LOSSES = "_lr_finder_losses"
_NUMBERS = "_lr_finder_numbers"


class SweptTrainFunction(abc.ABC):
    """Puts itself in the place of `model.train_function`, and the old one back.

    Keras' own train step runs inside, unchanged: before it the learning rate of the batch is looked up,
    during it the loss is copied, after it the batch is counted. How, depends on what a train step is.

    Args:
        model: A compiled, built model.
        learning_rate: What acts in each step of the ramp.
        tap: Where the losses come from.
        batches_per_step: Batches that share a step of the ramp; 0 when the host sets the step itself.
        first_position: Batches of the first step that are already behind: those of an unfinished
            gradient accumulation.
        on_error: Called with what a step raises, except for the end of the data.
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
        self._model = model
        self._learning_rate = learning_rate
        self._tap = tap
        self._batches_per_step = batches_per_step
        self._position = first_position  # batches whose losses were taken
        self._refusal: Exception | None = None
        self._on_error = on_error
        self._inner: Callable[..., Any] | None = None
        self._replaced: Callable[..., Any] | None = None
        self._replaced_step: Callable[..., Any] | None = None

    def attach(self) -> None:
        """Begin: from now on `fit` calls this object for every execution."""
        model = self._model
        self._replaced = model.train_function
        self._replaced_step = vars(model).get("train_step")
        # PyTorch, and older versions of Keras, look the step up when they run it, so it stays until the end.
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
        """Leave the model as it was. May be called again."""
        self._learning_rate.detach()
        self._tap.detach()
        vars(self._model).pop("train_step", None)
        if self._replaced_step is not None:
            object.__setattr__(self._model, "train_step", self._replaced_step)
        if self._model.train_function is self:  # not when compile() was called in between
            self._model.train_function = self._replaced

    def __call__(self, *arguments: Any) -> Any:
        """Run one execution, as the train function that this one replaces."""
        assert self._inner is not None
        try:
            result = self._inner(*arguments)
        except BaseException as error:
            if not backend.ends_the_data(error):
                self._on_error(error)
            raise
        if not self._keep(result):
            self._refusal = RuntimeError(
                f"{type(self._model).__name__} overrides `make_train_function` with one that does not call "
                "`train_step`, so that LRFinder cannot set the learning rate inside it."
            )
        return result

    @property
    def uses_learning_rate(self) -> bool:
        """Whether the train step has asked the optimizer for its learning rate so far."""
        return self._learning_rate.used

    @property
    def losses_are_averaged(self) -> bool:
        """Whether `fit` reports the mean of an epoch's losses."""
        return self._tap.is_averaged

    def take_losses(self) -> Sequence[float]:
        """The losses of the batches since the last call, in their order.

        It is here that the sweep is refused, after the execution: `fit` has then taken over what it
        returned, which on JAX is all that there is of the model.

        Raises:
            RuntimeError: If the batches that ran are not those that are next in the ramp.
            TypeError, ValueError: If the train step has no loss of a single batch.
        """
        refusal = self._refusal or self._tap.refusal
        if refusal is not None:
            raise refusal
        numbers, losses = self._taken_numbers_and_losses()
        expected = list(range(self._position, self._position + len(losses)))
        if numbers != expected:
            raise RuntimeError(
                f"LRFinder has lost count of the batches of {type(self._model).__name__}: those that ran "
                f"have the numbers {numbers}, and {expected} come next, so that other learning rates acted "
                "than would be recorded. A train step must tell its loss once for each batch, "
                "outside of `tf.cond`, and nothing else may train the model in the meantime."
            )
        self._position += len(losses)
        if self._batches_per_step:
            # Keep the learning rate that the host shows in step with the one that acts.
            self._learning_rate.step = self._position // self._batches_per_step
        return losses

    def set_step(self, step: int) -> None:
        """Say which step of the ramp it is, where the batches do not decide that."""
        self._learning_rate.step = step

    @abc.abstractmethod
    def _taken_numbers_and_losses(self) -> tuple[list[int], list[float]]:
        """The batches since the last call, by the number with which each has run."""

    @abc.abstractmethod
    def _swept(self, train_step: Callable[..., Any]) -> Callable[..., Any]:
        """The train step with the sweep around it."""

    @abc.abstractmethod
    def _keep(self, result: Any) -> bool:
        """Take what is the sweep's out of what an execution returned; whether there was any."""


class CompiledSweptTrainFunction(SweptTrainFunction):
    """Where variables live on the device and a train step is compiled with them, as on TensorFlow.

    The batches are counted by a variable inside the compiled step, several of which may make one
    execution, and the losses come back with the step's logs, from which they are taken out again.
    """

    def __init__(self, model: Any, *arguments: Any) -> None:
        super().__init__(model, *arguments)
        self._position_variable = _counter(self._position, "position")
        self._step_variable = _counter(0, "step")  # where the batches do not decide it
        self._latest: tuple[Any, Any] | None = None  # of the latest execution, still on the device

    def set_step(self, step: int) -> None:
        """Say which step of the ramp it is, where the batches do not decide that."""
        super().set_step(step)
        self._step_variable.assign(step)

    def _taken_numbers_and_losses(self) -> tuple[list[int], list[float]]:
        if self._latest is None:
            return [], []
        numbers, losses = (np.ravel(keras.ops.convert_to_numpy(each)) for each in self._latest)
        self._latest = None
        if len(numbers) == 1:
            return [int(numbers[0])], [float(losses[0])]
        # The other places are still those of the execution before, the last of an epoch being shorter.
        fresh = [place for place in np.argsort(numbers) if numbers[place] >= self._position]
        return [int(numbers[place]) for place in fresh], [float(losses[place]) for place in fresh]

    def _keep(self, result: Any) -> bool:
        if _LOSSES not in result:
            return False
        self._latest = result.pop(_NUMBERS), result.pop(_LOSSES)
        return True

    def _swept(self, train_step: Callable[..., Any]) -> Callable[..., Any]:
        def swept_train_step(data: Any) -> Any:
            with backend.after(data):
                # Another tensor than the variable's own, which PyTorch changes in place.
                position = keras.ops.add(self._position_variable, 0)
                with self._learning_rate.acting(self._step_at(position)), self._tap.listening(position):
                    logs = train_step(data)
                logs = self._tap.take_from(logs)
                self._position_variable.assign_add(1)
                logs[_NUMBERS] = keras.ops.convert_to_tensor(self._tap.numbers)
                logs[_LOSSES] = keras.ops.convert_to_tensor(self._tap.losses)
            return logs

        return swept_train_step

    def _step_at(self, position: Any) -> Any:
        """The step of the ramp to which a batch belongs."""
        if not self._batches_per_step:
            return keras.ops.convert_to_tensor(self._step_variable)
        return position // self._batches_per_step if self._batches_per_step > 1 else position


class HostCountedTrainFunction(SweptTrainFunction):
    """Where the host runs every train step itself: it counts the batches, and keeps their losses."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._number = self._position  # of the batch that is next
        self._taken: list[tuple[int, Any]] = []  # numbers, and losses, still on the device

    def _taken_numbers_and_losses(self) -> tuple[list[int], list[float]]:
        taken, self._taken = self._taken, []
        return [number for number, _ in taken], [float(loss) for _, loss in taken]

    def _keep(self, result: Any) -> bool:
        return bool(self._taken)

    def _count(self, loss: Any) -> None:
        self._taken.append((self._number, loss))
        self._number += 1

    def _next_step(self) -> int:
        """The step of the ramp to which the batch that is next belongs."""
        if not self._batches_per_step:
            return self._learning_rate.step
        return self._number // self._batches_per_step


class EagerSweptTrainFunction(HostCountedTrainFunction):
    """Where nothing is compiled, as on PyTorch: plain numbers are all that it takes."""

    def _swept(self, train_step: Callable[..., Any]) -> Callable[..., Any]:
        def swept_train_step(data: Any) -> Any:
            with self._learning_rate.acting(self._next_step()), self._tap.listening():
                logs = train_step(data)
            logs = self._tap.take_from(logs)
            self._count(self._tap.latest)
            return logs

        return swept_train_step


class PureSweptTrainFunction(HostCountedTrainFunction):
    """Where a train step is a pure function of the state and the batch, as on JAX.

    Such a step can count nothing in a variable. So the host hands the step of the ramp in with each batch,
    and takes the loss out of what each train step returns.
    """

    def attach(self) -> None:
        """Begin: from now on `fit` calls this object for every execution."""
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
            with self._learning_rate.acting(step), self._tap.listening():
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
    """The kind that the active backend needs, with its tap for the loss called `monitor`.

    See `SweptTrainFunction` for the other arguments.
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
