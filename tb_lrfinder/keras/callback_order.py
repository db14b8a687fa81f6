"""Runs a function before or after all other callbacks of a `fit`, whatever their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


def run_first(callbacks: Any, owner: Any, **hooks: Callable[..., None]) -> None:
    """Add functions that are called before all callbacks.

    Args:
        callbacks: The `CallbackList` of a `fit`.
        owner: The callback that they belong to. They replace those that it has added here before, since a
            `CallbackList` may be passed to `fit` again.
        **hooks: Functions by the name of the hook, such as `on_epoch_end`, with its arguments.
    """
    # A new list, because Keras may be iterating over the old one.
    callbacks.callbacks = [_CalledFirst(owner, hooks), *_without_added(callbacks, owner, _CalledFirst)]


def run_last(callbacks: Any, owner: Any, **hooks: Callable[..., None]) -> None:
    """Add functions that are called after all callbacks. See `run_first`."""
    callbacks.callbacks = [*_without_added(callbacks, owner, _CalledLast), _CalledLast(owner, hooks)]


class _AddedCallback(keras.callbacks.LambdaCallback):
    def __init__(self, owner: Any, hooks: dict[str, Callable[..., None]]) -> None:
        super().__init__(**hooks)
        self.owner = owner


class _CalledFirst(_AddedCallback):
    pass


class _CalledLast(_AddedCallback):
    pass


def _without_added(callbacks: Any, owner: Any, kind: type[_AddedCallback]) -> list[Any]:
    return [
        callback
        for callback in callbacks.callbacks
        if not (isinstance(callback, kind) and callback.owner is owner)
    ]
