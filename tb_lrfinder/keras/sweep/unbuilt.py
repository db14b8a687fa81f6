"""Restores layers and optimizers that were not built before a sweep."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from tb_lrfinder.keras import internals


class Unbuilt:
    """Saves a layer or an optimizer before it is built.

    A training step may build it, for example the second optimizer of a GAN. Since its variables are not known
    before, it is restored to a state without variables, and the next training run builds it again.

    Args:
        owner: A layer or an optimizer that is not built.
    """

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self._attributes: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._containers: dict[int, tuple[Any, Any]] = {}
        self._remember(owner)

    def restore(self) -> None:
        """Restore it. Idempotent."""
        if not self._owner.built:
            return
        for owner, attributes in self._attributes.values():
            # Without `__setattr__`, which tracks what is assigned.
            vars(owner).clear()
            vars(owner).update(attributes)
        for container, content in self._containers.values():
            _refill(container, content)

    def _remember(self, owner: Any) -> None:
        if id(owner) in self._attributes:
            return
        self._attributes[id(owner)] = owner, dict(vars(owner))
        for value in vars(owner).values():
            self._remember_container(value)

    def _remember_container(self, value: Any) -> None:
        if internals.is_tracker(value):
            self._remember(value)
        elif issubclass(type(value), tuple):
            for each in value:
                self._remember_container(each)
        elif issubclass(type(value), list | dict | set) and id(value) not in self._containers:
            content = dict(value) if issubclass(type(value), dict) else list(value)
            self._containers[id(value)] = value, content
            if hasattr(value, "__dict__"):  # the lists of TensorFlow store their content twice
                self._remember(value)
            for each in content.values() if isinstance(content, dict) else content:
                self._remember_container(each)


def _refill(container: Any, content: Any) -> None:
    """Restore the content without the methods of tracked containers, which would track it."""
    kinds = (OrderedDict, dict, list, set)
    kind: Any = next(kind for kind in kinds if issubclass(type(container), kind))
    kind.clear(container)
    kind.extend(container, content) if kind is list else kind.update(container, content)
