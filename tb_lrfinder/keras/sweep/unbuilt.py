"""Makes a layer or an optimizer that a training has built unbuilt again."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from tb_lrfinder.keras import internals


class Unbuilt:
    """Remembers what a layer or an optimizer is before it has variables.

    A training step may be what builds it, as with the second optimizer of a GAN. Which variables it gets then
    nobody knows before; so afterwards it is put back to have none, and the real training builds it anew.

    Args:
        owner: A layer or an optimizer that is not built.
    """

    def __init__(self, owner: Any) -> None:
        self._owner = owner
        self._attributes: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._containers: dict[int, tuple[Any, Any]] = {}
        self._remember(owner)

    def restore(self) -> None:
        """Put it back. May be called again."""
        if not self._owner.built:
            return
        for owner, attributes in self._attributes.values():
            # Around `__setattr__`, which tracks what is assigned.
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
            if hasattr(value, "__dict__"):  # TensorFlow's lists have their content twice
                self._remember(value)
            for each in content.values() if isinstance(content, dict) else content:
                self._remember_container(each)


def _refill(container: Any, content: Any) -> None:
    """Put the content back, around the methods of Keras' tracked containers, which would track it."""
    kinds = (OrderedDict, dict, list, set)
    kind: Any = next(kind for kind in kinds if issubclass(type(container), kind))
    kind.clear(container)
    kind.extend(container, content) if kind is list else kind.update(container, content)
