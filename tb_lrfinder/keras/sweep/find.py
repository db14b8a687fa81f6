"""The function `find_lr`."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any, Final, Literal, overload

import keras

from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.sweep.batch_size_sweeps import BatchSizeSweeps
from tb_lrfinder.keras.sweep.find_arguments import (
    check_batch_sizes,
    check_repeats,
    enough_epochs,
    verbose_of_fit,
)
from tb_lrfinder.keras.sweep.lr_finder import LRFinder
from tb_lrfinder.keras.sweep.prepared_sweep import check_model
from tb_lrfinder.keras.sweep.repeated_sweeps import RepeatedSweeps
from tb_lrfinder.keras.sweep.series_message import closing_lines
from tb_lrfinder.keras.sweep.sweep_progress import SweepProgress
from tb_lrfinder.keras.sweep.sweep_series import SweepSeries

_FINDER_ARGUMENTS: Final = frozenset(inspect.signature(LRFinder).parameters) - {"then", "validation_data"}


@overload
def find_lr(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    log_dir: Any = None,
    repeats: Literal[1] = 1,
    batch_sizes: None = None,
    **arguments: Any,
) -> LRFinder: ...


@overload
def find_lr(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    log_dir: Any = None,
    repeats: int,
    batch_sizes: None = None,
    **arguments: Any,
) -> RepeatedSweeps: ...


@overload
def find_lr(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    log_dir: Any = None,
    repeats: int = 1,
    batch_sizes: Any,
    **arguments: Any,
) -> BatchSizeSweeps: ...


def find_lr(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    log_dir: Any = None,
    repeats: int = 1,
    batch_sizes: Any = None,
    **arguments: Any,
) -> LRFinder | RepeatedSweeps | BatchSizeSweeps:
    """Run a learning-rate range test on a model and return the finder.

    Equivalent to `model.fit(x, y, callbacks=[LRFinder(log_dir)])` with as many epochs as the ramp needs and a
    single progress bar for the sweep. The model is restored afterward. All arguments of a real `fit` are
    accepted: `epochs` is increased if the ramp needs more, and callbacks that act on the training, such as
    checkpoints, are muted.

    Example:

    ```python
    finder = find_lr(model, x, y, log_dir="logs/adam", batch_size=64)
    finder.suggestion.learning_rate
    ```

    Several sweeps show how sure a suggestion is, and how it depends on the batch size:

    ```python
    sweeps = find_lr(model, x, y, log_dir="logs/repeated", repeats=3)
    sweeps.learning_rate, sweeps.low, sweeps.high

    sizes = find_lr(model, x, y, log_dir="logs/sizes", batch_sizes=[16, 64, 256])
    sizes.exponent  # near 1: linear scaling rule, near 0.5: square-root scaling rule
    ```

    Args:
        model: A compiled `keras.Model`.
        x: Input data, see `fit`.
        y: Target data, see `fit`.
        log_dir: String or path, see `LRFinder`. Repeated sweeps are written to `log_dir`, `log_dir/2` and so
            on, those of a batch size of 32 to `log_dir/batch_size_32`. Defaults to `None`, which writes
            nothing.
        repeats: Integer. Number of sweeps, which start with the same weights and see the data in different
            orders. Defaults to `1`.
        batch_sizes: List of integers. Batch sizes to sweep, each `repeats` times. Only for array data.
            Defaults to `None`, which uses the `batch_size` of `fit`.
        **arguments: Arguments of `LRFinder` (`start_lr`, `end_lr`, `num_steps`, ...) and of `fit`
            (`batch_size`, `sample_weight`, `steps_per_epoch`, `callbacks`, ...). `validation_data` is
            passed to `fit`. `verbose` is that of `LRFinder`; `"auto"` and `2` mean `1`.

    Returns:
        The `LRFinder` callback with the results of the sweep. With `repeats`, the `RepeatedSweeps`; with
        `batch_sizes`, the `BatchSizeSweeps`.

    Raises:
        TypeError, ValueError: If an argument has the wrong type or is out of range.
    """
    options = {name: arguments.pop(name) for name in _FINDER_ARGUMENTS & arguments.keys()}
    if "verbose" in options:
        options["verbose"] = verbose_of_fit(options["verbose"])
    find = _Find(model, x, y, arguments, options, log_dir)
    repeats = check_repeats(repeats, x)
    if batch_sizes is None and repeats == 1:
        return find.one()
    find.check_several(repeats, batch_sizes)
    if batch_sizes is None:
        return find.repeated(repeats)
    return find.by_batch_size(check_batch_sizes(batch_sizes, x, arguments), repeats)


class _Find:
    """One call of `find_lr`.

    Args:
        model: A model.
        x: Input data.
        y: Target data.
        fit: The other arguments of `fit`.
        options: The arguments of `LRFinder`.
        log_dir: That of `LRFinder`.
    """

    def __init__(
        self, model: Any, x: Any, y: Any, fit: dict[str, Any], options: dict[str, Any], log_dir: Any
    ) -> None:
        self._model, self._x, self._y = model, x, y
        self._options = options
        self._finder = LRFinder(log_dir, **options)  # which checks them
        self._settings = settings = self._finder._settings
        if isinstance(model, keras.Model):
            internals.check_compiled(model)
        optimizers = check_model(model, settings.optimizer)
        callbacks = fit.pop("callbacks", None) or []
        self._callbacks = [*callbacks] if isinstance(callbacks, list | tuple) else [callbacks]
        self._fit = fit | enough_epochs(fit, x, settings, optimizers.described)

    def check_several(self, repeats: int, batch_sizes: Any) -> None:
        """Check that several sweeps can start with the same weights.

        Raises:
            ValueError: If the model is not to be restored.
        """
        if not self._settings.restore:
            raise ValueError(
                "`restore` must be True for several sweeps, which start with the same weights. "
                f"Received: restore=False, repeats={repeats!r}, batch_sizes={batch_sizes!r}"
            )

    def one(self) -> LRFinder:
        """Run one sweep."""
        return self._sweep(self._finder, self._progress(1))

    def repeated(self, repeats: int) -> RepeatedSweeps:
        """Run several sweeps of one configuration."""
        with SweepSeries(self._model) as series:
            sweeps = self._repeated(series, repeats, self._progress(repeats))
        self._print(closing_lines(sweeps, self._settings.log_dir))
        return sweeps

    def by_batch_size(self, sizes: list[int], repeats: int) -> BatchSizeSweeps:
        """Run sweeps with several batch sizes."""
        progress = self._progress(repeats * len(sizes))
        with SweepSeries(self._model) as series:
            sweeps = BatchSizeSweeps(
                {size: self._repeated(series, repeats, progress, size) for size in sizes}
            )
        self._print(closing_lines(sweeps, self._settings.log_dir))
        return sweeps

    def _repeated(
        self, series: SweepSeries, repeats: int, progress: SweepProgress | None, size: int | None = None
    ) -> RepeatedSweeps:
        log_dir = self._settings.log_dir
        if log_dir is not None and size is not None:
            log_dir = f"{log_dir.rstrip('/')}/batch_size_{size}"  # it may be a URL
        finders = [LRFinder(log_dir, **self._options | {"verbose": 0}) for _ in range(repeats)]
        of_size = {} if size is None else {"batch_size": size}
        for finder in finders:
            series.run(partial(self._sweep, finder, progress, **of_size))
        return RepeatedSweeps(finders)

    def _sweep(self, finder: LRFinder, progress: SweepProgress | None, **more: Any) -> LRFinder:
        callbacks = [*self._callbacks, finder]
        if progress is not None:
            callbacks.append(progress.callback(finder))
        with finder:
            self._model.fit(self._x, self._y, callbacks=callbacks, verbose=0, **self._fit, **more)
        return finder

    def _progress(self, num_sweeps: int) -> SweepProgress | None:
        return SweepProgress(num_sweeps) if self._prints else None

    def _print(self, text: str) -> None:
        if self._prints:
            print(text)

    @property
    def _prints(self) -> bool:
        return bool(self._settings.verbose) and backend.is_first_process()
