"""A whole sweep in one call."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from tb_lrfinder.keras import backend
from tb_lrfinder.keras.learning_rate import accumulation_steps
from tb_lrfinder.keras.sweep.lr_finder import LRFinder

_FINDER_ARGUMENTS = frozenset(inspect.signature(LRFinder).parameters) - {"validation_data"}


def find_lr(model: Any, x: Any = None, y: Any = None, *, log_dir: Any = None, **arguments: Any) -> LRFinder:
    """Sweep the learning rate of a model on its training data, and return the finder.

    As `model.fit(x, y, callbacks=[LRFinder(log_dir)])`, with as many epochs as the ramp needs, and with a
    progress bar for the sweep in place of one for each epoch. The model is as before afterwards.

    Example:

    ```python
    finder = find_lr(model, x, y, log_dir="logs/adam", batch_size=64)
    finder.suggestion.learning_rate
    ```

    Args:
        model: A compiled model.
        x: As for `fit`.
        y: As for `fit`.
        log_dir: See `LRFinder`. `None` writes nothing.
        **arguments: Those of `LRFinder` (`start_lr`, `end_lr`, `num_steps`, ...), except for
            `validation_data`, which goes to `fit` as all others do (`batch_size`, `sample_weight`,
            `steps_per_epoch`, `callbacks`, ...).

    Returns:
        The `LRFinder`, after its sweep.
    """
    of_finder = {name: arguments.pop(name) for name in list(arguments) if name in _FINDER_ARGUMENTS}
    bar = int(of_finder.get("verbose", 1)) > 0 and backend.is_first_process()
    finder = LRFinder(log_dir, **of_finder)
    num_steps = finder.progress[1]
    callbacks = arguments.pop("callbacks", None) or []
    callbacks = [*callbacks] if isinstance(callbacks, list | tuple) else [callbacks]
    callbacks.append(finder)
    if bar:
        callbacks.append(_SweepProgress(finder))
    if "epochs" not in arguments and num_steps is not None and not hasattr(x, "__next__"):
        # An epoch has one batch or more, so these are enough; the sweep ends by itself. A generator has one
        # epoch only: in every later one, Keras repeats its first batch.
        per_step = int(of_finder.get("batches_per_step", 1)) * accumulation_steps(model.optimizer)
        arguments["epochs"] = int(arguments.get("initial_epoch", 0)) + num_steps * per_step
    with finder:
        model.fit(x, y, callbacks=callbacks, verbose=0, **arguments)
    return finder


class _SweepProgress(keras.callbacks.Callback):
    """Shows how far the ramp is."""

    def __init__(self, finder: LRFinder) -> None:
        super().__init__()
        self._finder = finder
        self._bar: Any = None

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        done, planned = self._finder.progress
        if self._bar is None:
            self._bar = keras.utils.Progbar(planned, unit_name="step")
        self._bar.update(done, finalize=self._finder.stop_reason is not None)
