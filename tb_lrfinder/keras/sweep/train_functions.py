"""The train function of a sweep: that of an earlier sweep of the model if it is valid, else a new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.learning_rate import RampedLearningRate
from tb_lrfinder.keras.sweep.batch_loss import BatchLossTap
from tb_lrfinder.keras.sweep.compiled_train_function import CompiledSweptTrainFunction
from tb_lrfinder.keras.sweep.eager_train_function import EagerSweptTrainFunction
from tb_lrfinder.keras.sweep.pure_train_function import PureSweptTrainFunction
from tb_lrfinder.keras.sweep.trace_key import TraceKey
from tb_lrfinder.keras.sweep.train_function import SweptTrainFunction

_KEPT: Final = "_lr_finder_train_function"
_MIN_CAPACITY: Final = 128  # steps


class TrainFunctionSource:
    """Gives a sweep its train function, and keeps it for the next sweep of the same compiled model.

    Tracing the train step of a deep model takes longer than a sweep. The train function is kept together
    with the compiled model: `compile` drops it, and Keras neither tracks nor saves it. It is only used again
    if everything that the trace depends on is unchanged, see `TraceKey`. During a sweep it is not kept, so
    that none that has ended with an error remains.

    Args:
        model: A compiled, built model.
        optimizers: The optimizers to ramp, the reference first.
        rates: Learning rate of the reference at each step of the ramp.
        monitor: Name of the recorded loss.
        batches_per_step: Number of batches per step of the ramp; 0 if the host sets the step.
    """

    def __init__(
        self,
        model: Any,
        optimizers: Sequence[Any],
        rates: npt.NDArray[np.float64],
        monitor: str,
        batches_per_step: int,
    ) -> None:
        self._model = model
        self._optimizers = optimizers
        self._rates = rates
        self._monitor = monitor
        self._batches_per_step = batches_per_step
        self._kind = backend.kind_of_steps(model)
        # Elsewhere the host passes the learning rates of each batch.
        self._capacity = _capacity(len(rates)) if self._kind == "compiled" else None
        self._function: SweptTrainFunction | None = None
        self._key: TraceKey | None = None  # of the trace, from the first execution

    def begin(self, first_position: int, on_error: Callable[[BaseException], None]) -> SweptTrainFunction:
        """The train function of a sweep that starts, see `SweptTrainFunction.begin`."""
        kept = internals.attributes_until_compile(self._model).pop(_KEPT, None)
        if kept is not None and kept[0] == self._current_key():
            function: SweptTrainFunction
            self._key, function = kept
            function.load(self._rates)
        else:
            function = self._new()
        function.begin(first_position, on_error)
        self._function = function
        return function

    def note_trace(self) -> None:
        """Note what the train step has been traced with. To be called after the first execution."""
        if self._key is None and backend.is_traced(self._model):
            self._key = self._current_key()

    def keep(self) -> None:
        """Keep the train function after a sweep, unless its trace refers to variables that are gone."""
        if self._function is None:
            return
        self._function.release()
        if self._key is not None and self._key == self._current_key():
            internals.attributes_until_compile(self._model)[_KEPT] = self._key, self._function

    def _new(self) -> SweptTrainFunction:
        model, steps = self._model, self._batches_per_step
        learning_rate = RampedLearningRate(self._optimizers, self._rates)
        per_execution = None if self._capacity is None else int(model.steps_per_execution)
        tap = BatchLossTap(model, self._monitor, per_execution, by_epoch=not steps)
        if self._capacity is not None:
            return CompiledSweptTrainFunction(model, learning_rate, tap, steps, self._capacity)
        if self._kind == "pure":
            return PureSweptTrainFunction(model, learning_rate, tap, steps)
        return EagerSweptTrainFunction(model, learning_rate, tap, steps)

    def _current_key(self) -> TraceKey | None:
        try:
            return TraceKey(
                self._model, *self._optimizers, self._monitor, self._batches_per_step, self._capacity
            )
        except Exception:  # an object that cannot be inspected: trace anew
            return None


def _capacity(steps: int) -> int:
    """Number of steps for which there is memory: ramps of similar lengths can use the same trace."""
    return max(_MIN_CAPACITY, 1 << (steps - 1).bit_length())
