"""The optimizers of a model, and those that a sweep ramps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import keras

from tb_lrfinder.keras.learning_rate import leaf_optimizers
from tb_lrfinder.keras.sweep import trained_state
from tb_lrfinder.keras.sweep.names_in_step import names_in_train_step

COMPILED: Final = "optimizer"
"""Name of the optimizer that was passed to `compile`, or created by it."""


@dataclass(frozen=True)
class SweptOptimizers:
    """The optimizers whose learning rates are ramped, in proportion to that of the first one.

    Args:
        by_name: The optimizers, by the name that the code of the model has for them. The first one is the
            reference: the recorded learning rates are its own.
        expected: Names of those that the train step is expected to use. The others are ramped, too, in case
            it uses them in a way that cannot be seen in its code.
        is_selection: Whether the other optimizers of the model keep their own learning rates.
    """

    by_name: dict[str, Any]
    expected: tuple[str, ...]
    is_selection: bool = False

    @property
    def all(self) -> list[Any]:
        """The optimizers, the reference first."""
        return list(self.by_name.values())

    @property
    def described(self) -> list[Any]:
        """Those that the train step is expected to use, the reference first."""
        return [self.by_name[name] for name in self.expected]

    @property
    def reference(self) -> str:
        """Name of the optimizer whose learning rate is recorded."""
        return next(iter(self.by_name))


def swept_optimizers(model: Any, name: str | None) -> SweptOptimizers:
    """The optimizers that a sweep of a compiled model ramps.

    By default, these are all optimizers of the model. The reference is the optimizer of `compile`, unless the
    train step does not mention it: `compile` creates one if it is given none. In that case, it is the first
    other one that the train step mentions.

    Args:
        model: A compiled model.
        name: Name of the only optimizer to ramp; None ramps all.

    Raises:
        ValueError: If the model has no optimizer of that name.
    """
    optimizers = dict(optimizers_of(model))
    if name is not None:
        if name not in optimizers or not _fit_carries(name):
            raise ValueError(_unknown(model, name, optimizers))
        return SweptOptimizers({name: optimizers[name]}, (name,), is_selection=True)
    optimizers = {each: optimizer for each, optimizer in optimizers.items() if _fit_carries(each)}
    if len(optimizers) == 1:
        return SweptOptimizers(optimizers, (COMPILED,))
    mentioned = names_in_train_step(model)
    expected = [
        each
        for each in optimizers
        if (COMPILED in mentioned.of_model if each == COMPILED else _attributes(each) <= mentioned.names)
    ]
    expected = expected or [COMPILED]
    by_name = {each: optimizers[each] for each in dict.fromkeys([*expected, *optimizers])}
    return SweptOptimizers(by_name, tuple(expected))


def optimizers_of(model: Any) -> Iterator[tuple[str, Any]]:
    """Each optimizer of a model once, by its name in the code of the model; that of `compile` first.

    The optimizers inside of a wrapper are not listed.
    """
    seen: set[int] = set()
    for name, optimizer in _with_duplicates(model):
        if id(optimizer) not in seen:
            seen.update((id(optimizer), *map(id, leaf_optimizers(optimizer))))
            yield name, optimizer


def _with_duplicates(model: Any) -> Iterator[tuple[str, Any]]:
    yield COMPILED, model.optimizer
    # Private attributes last: on TensorFlow, one of them is a dictionary of all attributes.
    for name, value in sorted(vars(model).items(), key=lambda item: item[0].startswith("_")):
        for path, part in _parts(name, value):
            if isinstance(part, keras.optimizers.Optimizer):
                yield path, part
    try:
        yield from trained_state.find(model).optimizers
    except RuntimeError:  # an object that cannot be inspected: an error of the snapshot, if there is one
        return


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((f"{name}[{key!r}]", part) for key, part in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"{name}[{index}]", part) for index, part in enumerate(value))
    else:
        yield name, value


def _attributes(name: str) -> set[str]:
    """The attributes in a name such as `trainer.optimizers['d']`, without the keys."""
    return set(re.sub(r"\[[^]]*\]", "", name).split("."))


def _fit_carries(name: str) -> bool:
    """Whether `fit` keeps the state of the optimizer; on JAX only that of `model.optimizer`."""
    return name == COMPILED or keras.backend.backend() != "jax"


def _unknown(model: Any, name: str, optimizers: Mapping[str, Any]) -> str:
    listed = ", ".join(f"{each!r} ({type(one).__name__})" for each, one in optimizers.items())
    if name in optimizers:
        return (
            "`optimizer` must be 'optimizer' or None on JAX, where `fit` only carries the state of "
            f"`model.optimizer`. Pass the optimizer to sweep to `compile`. Received: optimizer={name!r}"
        )
    return (
        f"`optimizer` must be the name of an optimizer of {type(model).__name__}: {listed}. "
        f"Received: optimizer={name!r}"
    )
