"""Sweeps of train steps that are compiled and change variables on the device, as on TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt

from tb_lrfinder.keras import backend
from tb_lrfinder.keras.learning_rate import RampedLearningRate
from tb_lrfinder.keras.nested_functions import nested_functions_retraced
from tb_lrfinder.keras.sweep.batch_loss import BatchLossTap
from tb_lrfinder.keras.sweep.train_function import SweptTrainFunction

_LOSSES: Final = "_lr_finder_losses"
_NUMBERS: Final = "_lr_finder_numbers"


class CompiledSweptTrainFunction(SweptTrainFunction):
    """For train steps that are compiled and change variables on the device, as on TensorFlow.

    A variable inside the compiled step counts the batches, of which one execution may run several. The
    losses are returned with the logs of the step, and removed from them. The learning rates are a variable,
    too, so that the compiled step does not depend on the ramp.

    Args:
        model: A compiled, built model.
        learning_rate: The learning rate of each step of the ramp.
        tap: The source of the losses.
        batches_per_step: Number of batches per step of the ramp; 0 if the host sets the step.
        capacity: Number of steps of the longest ramp.
    """

    def __init__(
        self,
        model: Any,
        learning_rate: RampedLearningRate,
        tap: BatchLossTap,
        batches_per_step: int,
        capacity: int,
    ) -> None:
        super().__init__(model, learning_rate, tap, batches_per_step)
        self._capacity = capacity
        self._position_variable = _variable(0, "int", "position")
        self._step_variable = _variable(0, "int", "step")  # if the batches do not determine it
        self._rates_variable = _variable(self._padded_table(), keras.config.floatx(), "rates")
        self._latest: tuple[Any, Any] | None = None  # of the latest execution, still on the device

    def begin(self, first_position: int, on_error: Callable[[BaseException], None]) -> None:
        """Start a sweep with the current ramp of the learning rate."""
        super().begin(first_position, on_error)
        self._position_variable.assign(first_position)
        self._step_variable.assign(0)
        self._rates_variable.assign(self._padded_table())
        self._tap.reset()

    def release(self) -> None:
        """Release everything of a sweep that has ended, except for what another one can use."""
        super().release()
        self._latest = None

    def _padded_table(self) -> npt.NDArray[Any]:
        """The learning rates by step and optimizer, followed by those of the last step."""
        table = self._learning_rate.table
        return np.pad(table, ((0, self._capacity - len(table)), (0, 0)), mode="edge")

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
                with self._learning_rate.applied(self._rates_at(position)), self._tap.observing(position):
                    logs = train_step(data)
                logs = self._tap.take_from(logs)
                self._position_variable.assign_add(1)
                logs[_NUMBERS] = keras.ops.convert_to_tensor(self._tap.numbers)
                logs[_LOSSES] = keras.ops.convert_to_tensor(self._tap.losses)
            return logs

        return swept_train_step

    def _rates_at(self, position: Any) -> Any:
        """The learning rates of a batch."""
        step = position
        if not self._batches_per_step:
            step = keras.ops.convert_to_tensor(self._step_variable)
        elif self._batches_per_step > 1:
            step = position // self._batches_per_step
        return keras.ops.take(self._rates_variable, keras.ops.minimum(step, self._capacity - 1), axis=0)


def _variable(value: Any, dtype: str, name: str) -> Any:
    # With several devices, all have the same value.
    return keras.Variable(value, dtype=dtype, trainable=False, aggregation="only_first_replica", name=name)
