"""The function `find_lr`."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from tb_lrfinder.keras import backend
from tb_lrfinder.keras.learning_rate import accumulation_steps
from tb_lrfinder.keras.sweep.lr_finder import LRFinder
from tb_lrfinder.keras.sweep.prepared_sweep import check_model

_FINDER_ARGUMENTS = frozenset(inspect.signature(LRFinder).parameters) - {"then", "validation_data"}


def find_lr(model: Any, x: Any = None, y: Any = None, *, log_dir: Any = None, **arguments: Any) -> LRFinder:
    """Run a learning-rate range test on a model and return the finder.

    Equivalent to `model.fit(x, y, callbacks=[LRFinder(log_dir)])` with as many epochs as the ramp needs and a
    single progress bar for the sweep. The model is restored afterward.

    Example:

    ```python
    finder = find_lr(model, x, y, log_dir="logs/adam", batch_size=64)
    finder.suggestion.learning_rate
    ```

    Args:
        model: A compiled `keras.Model`.
        x: Input data, see `fit`.
        y: Target data, see `fit`.
        log_dir: String or path, see `LRFinder`. Defaults to `None`, which writes nothing.
        **arguments: Arguments of `LRFinder` (`start_lr`, `end_lr`, `num_steps`, ...) and of `fit`
            (`batch_size`, `sample_weight`, `steps_per_epoch`, `callbacks`, ...). `validation_data` is
            passed to `fit`.

    Returns:
        The `LRFinder` callback with the results of the sweep.

    Raises:
        TypeError, ValueError: If an argument has the wrong type or is out of range.
    """
    finder = LRFinder(log_dir, **{name: arguments.pop(name) for name in _FINDER_ARGUMENTS & arguments.keys()})
    settings = finder._settings
    optimizers = check_model(model, settings.optimizer)
    callbacks = arguments.pop("callbacks", None) or []
    callbacks = [*callbacks] if isinstance(callbacks, list | tuple) else [callbacks]
    callbacks.append(finder)
    if settings.verbose and backend.is_first_process():
        callbacks.append(_SweepProgress(finder))
    if "epochs" not in arguments and settings.num_steps is not None and not hasattr(x, "__next__"):
        # An epoch has at least one batch, so these are enough; the sweep stops on its own. A generator has
        # only one epoch: in later ones, Keras repeats its first batch.
        batches_per_step = settings.batches_per_step * accumulation_steps(*optimizers.described)
        initial_epoch = int(arguments.get("initial_epoch", 0))
        arguments["epochs"] = initial_epoch + settings.num_steps * batches_per_step
    with finder:
        model.fit(x, y, callbacks=callbacks, verbose=0, **arguments)
    return finder


class _SweepProgress(keras.callbacks.Callback):
    """Progress bar of the sweep."""

    def __init__(self, finder: LRFinder) -> None:
        super().__init__()
        self._finder = finder
        self._bar: Any = None

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        done, planned = self._finder.progress
        if self._bar is None:
            self._bar = keras.utils.Progbar(planned, unit_name="step")
        self._bar.update(done, finalize=self._finder.stop_reason is not None)
