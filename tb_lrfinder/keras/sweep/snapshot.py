"""The state of a training: remembered before a sweep, put back after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tb_lrfinder.keras import backend, internals, random_numbers
from tb_lrfinder.keras.sweep import trained_state
from tb_lrfinder.keras.sweep.unbuilt import Unbuilt


class RestoreError(RuntimeError):
    """Parts of a model could not be put back; names each of them. All others have been."""


class Snapshot:
    """A copy of everything that a training step changes.

    Holds all variables that can be reached from the model (weights, other state, seed generators, all
    optimizers with slots, iterations, learning rate and loss scale), and the random numbers of Python, NumPy,
    Keras and its backend. A layer or an optimizer that only a training step builds is made unbuilt again.
    Metrics are not in it: Keras clears them at the start of every epoch, and History reads them after the
    sweep has ended. A generator, and data that are shuffled anew each time they are read, cannot be rewound.

    Args:
        model: A built model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        state = trained_state.find(model)
        self._values = [
            (variable.path, variable, backend.copy_of(variable))
            for variable in state.variables
            if _has_a_value(variable)
        ]
        self._values += [(path, raw, backend.raw_copy_of(raw)) for path, raw in state.raw]
        self._unbuilt = [(each.name, Unbuilt(each)) for each in state.unbuilt]
        self._put_back_random_numbers = random_numbers.remember()

    @property
    def num_bytes(self) -> int:
        """Memory that the copies take."""
        return sum(value.nbytes for *_, value in self._values)

    def restore(self) -> None:
        """Put everything back. May be called again, with the same result.

        Raises:
            RestoreError: If something could not be put back; names all of that.
        """
        failed: list[str] = []
        for name, unbuilt in self._unbuilt:
            _attempt(failed, name, unbuilt.restore)
        for path, variable, value in self._values:
            _attempt(failed, path, backend.assign, variable, value)
        _attempt(failed, "the random numbers", self._put_back_random_numbers)
        if failed:
            raise RestoreError(
                f"After the sweep, {len(failed)} of {len(self._values)} variables could not be put back to "
                f"what they were before it: {'; '.join(failed)}. All others are as before. Load the model's "
                "weights, or build it anew, before you train it."
            )

    def created_since(self) -> list[str]:
        """What the model has now and had not then, so that there is no earlier value to put back."""
        known = {id(variable) for _, variable, _ in self._values}
        try:
            state = trained_state.find(self._model)
        except RuntimeError:  # something that cannot be looked into, since then
            return []
        return [variable.path for variable in state.variables if id(variable) not in known] + [
            path for path, raw in state.raw if id(raw) not in known
        ]


def _attempt(failed: list[str], name: str, action: Callable[..., Any], *arguments: Any) -> None:
    try:
        action(*arguments)
    except Exception as error:  # whatever it is, the others are put back
        first_line = str(error).strip().partition("\n")[0]
        failed.append(f"{name} ({type(error).__name__}: {first_line})")


def _has_a_value(variable: Any) -> bool:
    """Whether the variable was initialized, as one that a `StatelessScope` has made may not be."""
    return internals.backend_variable(variable) is not None
