"""Sweeps of train steps that are pure functions of the state and the batch, as on JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tb_lrfinder.keras import internals
from tb_lrfinder.keras.nested_functions import nested_functions_retraced
from tb_lrfinder.keras.sweep.train_function import HostCountedTrainFunction

_LOSSES: Final = "_lr_finder_losses"


class PureSweptTrainFunction(HostCountedTrainFunction):
    """For train steps that are pure functions of the state and the batch, as on JAX.

    Such a step cannot count in a variable. So the host passes the learning rates with each batch, and the
    loss is returned with the logs.
    """

    def _compiled(self) -> Callable[..., Any]:
        with internals.step_function_replaced(self._model, self._given_rates):
            return super()._compiled()

    def _given_rates(self, step_function: Callable[..., Any]) -> Callable[..., Any]:
        def step_with_rates(state: Any, data: Any) -> Any:
            logs, state = step_function(state, (self._learning_rate.row(self._next_step()), data))
            if _LOSSES in logs:
                self._count(logs.pop(_LOSSES))
            return logs, state

        return step_with_rates

    def _swept(self, train_step: Callable[..., Any]) -> Callable[..., Any]:
        def swept_train_step(state: Any, rates_and_data: Any) -> Any:
            rates, data = rates_and_data
            with (
                nested_functions_retraced(self._model),
                self._learning_rate.applied(rates),
                self._tap.observing(),
            ):
                logs, state = train_step(state, data)
            logs = self._tap.take_from(logs)
            return logs | {_LOSSES: self._tap.latest}, state

        return swept_train_step
