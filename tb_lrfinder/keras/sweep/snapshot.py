"""Snapshot of the training state, taken before a sweep and restored after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tb_lrfinder.keras import backend, internals, random_numbers
from tb_lrfinder.keras.sweep import trained_state
from tb_lrfinder.keras.sweep.unbuilt import Unbuilt


class RestoreError(RuntimeError):
    """Parts of a model could not be restored; the message lists them. All others have been."""


class Snapshot:
    """A copy of everything that a training step changes.

    Contains all variables that are reachable from the model (weights, other state, seed generators, and all
    optimizers with slots, iterations, learning rate and loss scale), and the random state of Python, NumPy,
    Keras and its backend. Layers and optimizers that a training step builds become unbuilt again. Metrics are
    not included: Keras resets them at the start of every epoch, and History reads them after the sweep.
    Generators and data that is reshuffled on each iteration cannot be rewound.

    Args:
        model: A model, built as far as possible.
        restored_later: An optimizer that remains built until somebody else restores it.
    """

    def __init__(self, model: Any, *, restored_later: Any = None) -> None:
        self._model = model
        state = trained_state.find(model)
        self._values = [
            (variable.path, variable, backend.copy_of(variable))
            for variable in state.variables
            if _has_a_value(variable)
        ]
        self._values += [(path, raw, backend.raw_copy_of(raw)) for path, raw in state.raw]
        later = () if restored_later is None else trained_state.find(restored_later).unbuilt
        self._unbuilt = [
            (each.name, Unbuilt(each)) for each in state.unbuilt if not any(each is one for one in later)
        ]
        self._restore_random_state: Callable[[], None] | None = random_numbers.remember()

    @property
    def num_bytes(self) -> int:
        """Memory use of the copies."""
        return sum(value.nbytes for *_, value in self._values)

    def leave_random_state(self) -> None:
        """Exclude the random state, which then continues after the sweep, as the data do."""
        self._restore_random_state = None

    def restore(self) -> None:
        """Restore the state. Idempotent.

        Raises:
            RestoreError: If something could not be restored.
        """
        failed: list[str] = []
        for name, unbuilt in self._unbuilt:
            _attempt(failed, name, unbuilt.restore)
        for path, variable, value in self._values:
            _attempt(failed, path, backend.assign, variable, value)
        if self._restore_random_state is not None:
            _attempt(failed, "the random state", self._restore_random_state)
        if failed:
            raise RestoreError(
                f"After the sweep, {len(failed)} of {len(self._values)} variables could not be restored: "
                f"{'; '.join(failed)}. All others have been restored. Load the weights of the model, or "
                "rebuild it, before you train it."
            )

    def created_since(self) -> list[str]:
        """Paths of the variables that were created since then, and have no earlier value."""
        known = {id(variable) for _, variable, _ in self._values}
        try:
            state = trained_state.find(self._model)
        except RuntimeError:  # a new object that cannot be inspected
            return []
        return [variable.path for variable in state.variables if id(variable) not in known] + [
            path for path, raw in state.raw if id(raw) not in known
        ]


def _attempt(failed: list[str], name: str, action: Callable[..., Any], *arguments: Any) -> None:
    try:
        action(*arguments)
    except Exception as error:  # all others are restored in any case
        first_line = str(error).strip().partition("\n")[0]
        failed.append(f"{name} ({type(error).__name__}: {first_line})")


def _has_a_value(variable: Any) -> bool:
    """Whether the variable is initialized; one that was created in a `StatelessScope` may not be."""
    return internals.backend_variable(variable) is not None
