"""The train function of a model during a sweep."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tb_lrfinder.keras.learning_rate import RampedLearningRate
from tb_lrfinder.keras.sweep.batch_loss import BatchLossTap
from tb_lrfinder.keras.wrapped_train_function import WrappedTrainFunction


class SweptTrainFunction(WrappedTrainFunction, abc.ABC):
    """Runs the train step of the model with the learning rates of a ramp.

    The train step itself is unchanged: before it the learning rate of the batch is looked up, in it the loss
    is copied, and after it the batch is counted. The subclasses do so for each kind of train step.

    Several sweeps can use the same object, one after the other: each starts with `begin` and `attach`, and
    ends with `detach`. The swept train step is traced in the first one only.

    Args:
        model: A compiled, built model.
        learning_rate: The learning rate of each step of the ramp.
        tap: The source of the losses.
        batches_per_step: Number of batches per step of the ramp; 0 if the host sets the step.
    """

    def __init__(
        self, model: Any, learning_rate: RampedLearningRate, tap: BatchLossTap, batches_per_step: int
    ) -> None:
        super().__init__(model, _ignore)
        self._learning_rate = learning_rate
        self._tap = tap
        self._batches_per_step = batches_per_step
        self._position = 0  # number of batches whose losses were taken
        self._error: Exception | None = None
        self._swept_step: Callable[..., Any] | None = None
        self._inner: Callable[..., Any] | None = None  # runs the swept train step
        self._original_step: Callable[..., Any] | None = None

    def load(self, rates: npt.NDArray[np.float64]) -> None:
        """Load the ramp of another sweep."""
        self._learning_rate.load(rates)

    def begin(self, first_position: int, on_error: Callable[[BaseException], None]) -> None:
        """Start a sweep with the current ramp of the learning rate.

        Args:
            first_position: Number of batches of the first step that were already consumed by an unfinished
                gradient accumulation.
            on_error: Called with each error of a step, except for the end of the data.
        """
        self._position = first_position
        self._on_error = on_error

    def attach(self) -> None:
        """Replace the train function of the model: `fit` calls this object for every execution."""
        model = self._model
        self._original = model.train_function
        self._original_step = vars(model).get("train_step")
        if self._swept_step is None:
            self._swept_step = self._swept(model.train_step)
        # PyTorch and older versions of Keras look the step up for each batch, so it stays until the end.
        object.__setattr__(model, "train_step", self._swept_step)
        if self._inner is None:
            try:
                self._inner = self._compiled()
            except BaseException:
                self.detach()
                raise
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

    def release(self) -> None:
        """Release everything of a sweep that has ended, except for what another one can use."""
        self._on_error = _ignore
        self._original = self._original_step = None

    def _compiled(self) -> Callable[..., Any]:
        """The train function that Keras makes of the swept train step."""
        type(self._model).make_train_function(self._model, force=True)
        compiled: Callable[..., Any] = self._model.train_function
        return compiled

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
    def rates(self) -> npt.NDArray[np.float64]:
        """The recorded learning rate of each step of the ramp."""
        return self._learning_rate.rates

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


class HostCountedTrainFunction(SweptTrainFunction):
    """For train steps that the host runs one by one: it counts the batches and keeps their losses."""

    def __init__(self, model: Any, *arguments: Any) -> None:
        super().__init__(model, *arguments)
        self._number = 0  # of the next batch
        self._taken: list[tuple[int, Any]] = []  # numbers and losses, still on the device

    def begin(self, first_position: int, on_error: Callable[[BaseException], None]) -> None:
        """Start a sweep with the current ramp of the learning rate."""
        super().begin(first_position, on_error)
        self._number = first_position
        self._taken = []

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


def _ignore(error: BaseException) -> None:
    """Nothing to do after an error, as no sweep is running."""
