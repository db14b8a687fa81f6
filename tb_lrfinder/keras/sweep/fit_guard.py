"""Detects an early end of `fit`, and other training of the same model."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

import keras

from tb_lrfinder.keras import internals

_HOOKS: Final = (
    *("on_epoch_begin", "on_epoch_end", "on_train_batch_begin", "on_train_batch_end", "on_train_end"),
    *("on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end"),
)
_NOTHING: Final = object()


class FitGuard:
    """Monitors one `fit` while there is a model to restore.

    Keras does not notify callbacks of an error or Ctrl-C that ends `fit`. So the functions that `fit` calls
    are wrapped on the instances: the hooks of all callbacks, the loop over the batches, and validation. Only
    Ctrl-C in the few lines of Keras in between is not detected before the next training of the model:
    `fit` and `train_on_batch` call `make_train_function` first on all backends.

    Args:
        model: The model that is trained.
        callbacks: The `CallbackList` of its `fit`; None if not found.
        on_error: Called with the error that ends `fit`, before it propagates.
        on_training: Called before anything else trains the model, to release this guard.
    """

    def __init__(
        self,
        model: Any,
        callbacks: Any | None,
        on_error: Callable[[BaseException], None],
        on_training: Callable[[], None],
    ) -> None:
        self._model = model
        self._callbacks = callbacks
        self._on_error = on_error
        self._on_training = on_training
        self._replaced: list[tuple[Any, str, Any, Any]] = []
        self._replace(model, "make_train_function", self._guarded)
        self._replace(model, "evaluate", self._reporting)
        if callbacks is not None:
            for hook in _HOOKS:
                self._replace(callbacks, hook, self._reporting)
        epoch_iterator = internals.epoch_iterator_of_fit(model)
        if epoch_iterator is not None:
            self._replace(epoch_iterator, "catch_stop_iteration", self._reporting_loop)

    def release(self) -> None:
        """Unwrap all functions. Idempotent."""
        while self._replaced:
            owner, name, replacement, before = self._replaced.pop()
            if vars(owner).get(name) is not replacement:
                continue
            if before is _NOTHING:
                del vars(owner)[name]
            else:
                object.__setattr__(owner, name, before)

    def fit_is_running(self) -> bool:
        """Whether the `fit` is among the callers."""
        return self._callbacks is not None and any(
            frame.f_code.co_name == "fit"
            and any(value is self._callbacks for value in frame.f_locals.values())
            for frame in internals.callers()
        )

    def running_callback(self, besides: Any) -> str | None:
        """Class of the callback among the callers, other than `besides`; None if there is none."""
        if self._callbacks is None:
            return None
        for frame in internals.callers():
            caller = frame.f_locals.get("self")
            if caller is not besides and any(caller is each for each in self._callbacks.callbacks):
                return type(caller).__name__
        return None

    def prevent_averaged_weights(self) -> None:
        """Keep a `fit` that ends with an error from setting averaged weights.

        On JAX it does so even then (`use_ema`), after the last hook.
        """
        optimizer = self._model.optimizer
        if keras.backend.backend() != "jax" or not getattr(optimizer, "use_ema", False):
            return
        finalize = type(optimizer).finalize_variable_values.__get__(optimizer)

        def skip_once(variables: Any) -> None:
            vars(optimizer).pop("finalize_variable_values", None)
            if not self.fit_is_running():
                finalize(variables)

        object.__setattr__(optimizer, "finalize_variable_values", skip_once)

    def _replace(self, owner: Any, name: str, wrapped: Callable[[Any], Any]) -> None:
        before = vars(owner).get(name, _NOTHING)
        replacement = wrapped(getattr(owner, name))
        # Without the tracking of what is assigned to a model.
        object.__setattr__(owner, name, replacement)
        self._replaced.append((owner, name, replacement, before))

    def _guarded(self, make_train_function: Any) -> Any:
        @functools.wraps(make_train_function)
        def guarded_make_train_function(force: bool = False) -> Any:
            self._on_training()
            return make_train_function(force=force)

        return guarded_make_train_function

    def _reporting(self, function: Any) -> Any:
        @functools.wraps(function)
        def reporting_function(*arguments: Any, **keywords: Any) -> Any:
            with _Reporting(self._on_error):
                return function(*arguments, **keywords)

        return reporting_function

    def _reporting_loop(self, catch_stop_iteration: Any) -> Any:
        return lambda: _Reporting(self._on_error, catch_stop_iteration())


class _Reporting:
    """Context that reports errors; `inner` is a context inside of it."""

    def __init__(self, on_error: Callable[[BaseException], None], inner: Any = None) -> None:
        self._on_error = on_error
        self._inner = inner

    def __enter__(self) -> None:
        if self._inner is not None:
            self._inner.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if self._inner is not None and self._inner.__exit__(kind, error, traceback):
            return True  # the end of the data
        if error is not None:
            self._on_error(error)
        return False
