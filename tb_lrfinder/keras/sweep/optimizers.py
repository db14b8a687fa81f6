"""The optimizers of a model, and those that a sweep ramps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import keras

from tb_lrfinder.keras.learning_rate import leaf_optimizers
from tb_lrfinder.keras.sweep import trained_state
from tb_lrfinder.keras.sweep.names_in_step import NamesInStep, names_in_train_step

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
        others: All other optimizers of the model, which keep their own learning rates.
        is_selection: Whether the only optimizer to sweep was named.
    """

    by_name: dict[str, Any]
    expected: tuple[str, ...]
    others: dict[str, Any]
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
    names = list(_names_of_optimizers(model))
    by_name = _distinct(names)
    if name is not None:
        named = dict(reversed(names)).get(name)
        if named is None or not _fit_carries(model, named):
            raise ValueError(_not_to_be_swept(model, name, named, by_name))
        others = {each: one for each, one in by_name.items() if one is not named}
        return SweptOptimizers({name: named}, (name,), others, is_selection=True)
    carried = {each: one for each, one in by_name.items() if _fit_carries(model, one)}
    others = {each: one for each, one in by_name.items() if each not in carried}
    if len(carried) == 1:
        return SweptOptimizers(carried, (COMPILED,), others)
    mentioned = names_in_train_step(model)
    used = {id(one) for each, one in names if _is_mentioned(each, mentioned)}
    expected = tuple(each for each, one in carried.items() if id(one) in used) or (COMPILED,)
    in_order = dict.fromkeys([*expected, *carried])
    return SweptOptimizers({each: carried[each] for each in in_order}, expected, others)


def optimizers_of(model: Any) -> dict[str, Any]:
    """Each optimizer of a model once, by its name in the code of the model; that of `compile` first.

    The optimizers inside of a wrapper are not listed.
    """
    return _distinct(_names_of_optimizers(model))


def find_optimizer(model: Any, name: str) -> Any | None:
    """The optimizer of that name, of which an optimizer may have several; None if there is none."""
    return next((optimizer for each, optimizer in _names_of_optimizers(model) if each == name), None)


def _distinct(names: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    seen: set[int] = set()
    by_name = {}
    for name, optimizer in names:
        if id(optimizer) not in seen:
            seen.update((id(optimizer), *map(id, leaf_optimizers(optimizer))))
            by_name[name] = optimizer
    return by_name


def _names_of_optimizers(model: Any) -> Iterator[tuple[str, Any]]:
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


def _is_mentioned(name: str, mentioned: NamesInStep) -> bool:
    if name == COMPILED:
        return COMPILED in mentioned.of_model
    attributes = re.sub(r"\[[^]]*\]", "", name).split(".")  # of trainer.optimizers['d'], without the key
    return mentioned.names.issuperset(attributes)


def _fit_carries(model: Any, optimizer: Any) -> bool:
    """Whether `fit` keeps the state of the optimizer; on JAX only that of `model.optimizer`."""
    return optimizer is model.optimizer or keras.backend.backend() != "jax"


def _not_to_be_swept(model: Any, name: str, named: Any | None, by_name: Mapping[str, Any]) -> str:
    if named is not None:
        return (
            "`optimizer` must be 'optimizer' or None on JAX, where `fit` only carries the state of "
            f"`model.optimizer`. Pass the optimizer to sweep to `compile`. Received: optimizer={name!r}"
        )
    listed = ", ".join(f"{each!r} ({type(one).__name__})" for each, one in by_name.items())
    return (
        f"`optimizer` must be the name of an optimizer of {type(model).__name__}: {listed}. "
        f"Received: optimizer={name!r}"
    )
