"""LRFinder, the callback."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING, Any

import keras

from tb_lrfinder.analysis.curve import DEFAULT_DELTA_WINDOW, DEFAULT_SMOOTHING, Sweep
from tb_lrfinder.analysis.diagnosis import Finding
from tb_lrfinder.analysis.divergence import Divergence
from tb_lrfinder.analysis.suggestion import Suggestion
from tb_lrfinder.checks import check_log_dir
from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.fit_watch import reason_of
from tb_lrfinder.keras.sweep import apply_suggestion, closing_message, copies
from tb_lrfinder.keras.sweep.build_first import BuildFirst
from tb_lrfinder.keras.sweep.other_callbacks import Neighbours
from tb_lrfinder.keras.sweep.settings import Settings, checked_stop
from tb_lrfinder.keras.sweep.sweep_fit import SweepFit
from tb_lrfinder.keras.sweep.sweep_run import SweepRun
from tb_lrfinder.storage.schema import SweepConfig, SweepResult
from tb_lrfinder.storage.writer import write_sweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class LRFinder(keras.callbacks.Callback):
    """Sweep the learning rate inside `model.fit` and suggest one.

    The learning rate is raised step by step while the true loss of every batch is recorded; the fit stops
    by itself when the loss diverges or the ramp is done. Weights, optimizer, learning rate and random
    numbers are then as before: the model has not been trained.

    Example:

    ```python
    finder = LRFinder("logs/adam")
    model.fit(x, y, epochs=10, callbacks=[finder])
    finder.suggestion.learning_rate
    finder.apply()          # sets it, for the training that follows
    ```

    Args:
        log_dir: String or path. Directory or URL for this one sweep, for TensorBoard. One that holds a sweep
            already is kept, and the new one goes to `log_dir/2`, `log_dir/3`, ... `None` writes nothing.
        start_lr: Float. Learning rate of the first step. Defaults to `1e-7`.
        end_lr: Float. Learning rate of the last step. Defaults to `10.0`.
        num_steps: Integer. Steps of the ramp; `None` takes as many as `fit` has batches (or epochs) for.
            Defaults to `100`.
        ramp: `"exponential"` (default), each decade gets as many steps, or `"linear"`.
        per: `"batch"` (default), or `"epoch"` for one step an epoch, with the epoch's mean loss and the
            validation loss of `fit`. `start_lr * 10 ** (epoch / 20)` is an `end_lr` of
            `start_lr * 10 ** ((num_steps - 1) / 20)`.
        batches_per_step: Integer. Batches at the same learning rate, their losses averaged. With gradient
            accumulation, as many updates. Defaults to `1`.
        stop: `"divergence"` (default), a `tb_lrfinder.Divergence` with settings of your own, or `None` to
            run on to the end, through NaN too.
        validation_data: `(x, y)`, `(x, y, sample_weight)` or a dataset of such batches. A fixed sample of
            it is scored after every step (Smith, 2018), as `evaluate` would, without disturbing anything.
        validation_samples: Integer. Size of that sample. Defaults to `256`.
        monitor: String. Name of the loss, for models with a train step of their own. Defaults to `"loss"`.
        restore: Boolean. `False` keeps the swept model, and needs no memory for a copy of it.
        smoothing: Float. Standard deviation of the Gaussian that smooths the loss, in decades of learning
            rate.
        delta_window: Integer. Steps over which the loss delta is taken.
        seed: Integer. Chooses the validation sample, and tells repeated sweeps apart. Nothing else of the
            training is seeded.
        verbose: `0` or `1`. Whether to print the closing line. Defaults to `1`.

    Attributes:
        sweep: The columns `step`, `learning_rate`, `loss`, `loss_delta` and `validation_loss`.
        suggestion: That of the default rule; its `learning_rate` is `None`, with a `reason`, where the
            sweep does not say.
        suggestions: Those of all rules, by name.
        diagnosis: What is worth knowing about the sweep.
        stop_reason: `"completed"`, `"diverged"`, `"non_finite"`, `"incomplete"`, `"interrupted"`,
            `"failed"` or `"refused"`; `None` before and during a sweep.
        log_dir: The directory that was really written to; of several processes (JAX), only the first writes.

    Raises:
        TypeError, ValueError: If an argument is of the wrong kind or out of its range; names it.
        RuntimeError: Under a MultiWorkerMirroredStrategy of several workers, where Keras 3 cannot train.
    """

    sweep: Sweep
    suggestions: dict[str, Suggestion]
    diagnosis: tuple[Finding, ...]
    stop_reason: str | None
    log_dir: str | None

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        start_lr: float = 1e-7,
        end_lr: float = 10.0,
        num_steps: int | None = 100,
        *,
        ramp: str = "exponential",
        per: str = "batch",
        batches_per_step: int = 1,
        stop: str | Divergence | None = "divergence",
        validation_data: Any = None,
        validation_samples: int = 256,
        monitor: str = "loss",
        restore: bool = True,
        smoothing: float = DEFAULT_SMOOTHING,
        delta_window: int = DEFAULT_DELTA_WINDOW,
        seed: int | None = None,
        verbose: int = 1,
    ) -> None:
        super().__init__()
        backend.check_workers()
        self._settings = Settings(
            log_dir=check_log_dir(log_dir),
            start_lr=start_lr,
            end_lr=end_lr,
            num_steps=num_steps,
            ramp=ramp,
            per=per,
            batches_per_step=batches_per_step,
            stop=checked_stop(stop),
            validation_data=validation_data,
            validation_samples=validation_samples,
            monitor=monitor,
            restore=restore,
            smoothing=smoothing,
            delta_window=delta_window,
            seed=seed,
            verbose=verbose,
        )
        self._neighbours = Neighbours(None)
        self._fit: SweepFit | None = None  # the one that is going on
        self._has_last_word = False
        self._is_deep_copy = False
        self._lost_validation_data = False
        self._forget_results()

    # What a sweep has found.

    @property
    def restores(self) -> bool:
        """Whether the model is as before after a sweep."""
        return self._settings.restore

    @property
    def progress(self) -> tuple[int, int | None]:
        """Steps that have been recorded, and steps of the whole ramp, as far as they are known."""
        if self._fit is None:
            return len(self.sweep), self._settings.num_steps
        run = self._fit.run
        return run.steps_done, run.plan.num_steps if run.plan else None

    @property
    def snapshot_bytes(self) -> int:
        """Memory that the copy of the model takes at this moment."""
        return self._fit.run.snapshot_bytes if self._fit is not None else 0

    @property
    def suggestion(self) -> Suggestion | None:
        """The suggestion of the default rule; None before the first sweep has ended."""
        return next(iter(self.suggestions.values()), None)

    def apply(self, rule: str | None = None) -> float:
        """Set the suggested learning rate on the model's optimizer.

        Args:
            rule: Name of a rule; `None` is the default rule.

        Returns:
            The learning rate, read back from the optimizer.

        Raises:
            ValueError: If there is no suggestion; says why.
            TypeError: If the optimizer has a schedule or a callable; shows the code to write instead.
        """
        return apply_suggestion.apply(self, rule)

    def plot(self) -> Figure:
        """Draw loss and loss delta against learning rate, with the suggestion, and return the figure.

        Raises:
            ImportError: If matplotlib is not installed.
            ValueError: If nothing has been recorded yet.
        """
        from tb_lrfinder.display.plot import plot

        return plot(self.sweep, self.suggestion, self._settings.smoothing)

    def save(self, log_dir: str | os.PathLike[str]) -> str:
        """Write the sweep elsewhere, as where it had no `log_dir`, or where a disk or network failed.

        Example:
        ```python
        finder.save("logs/second_try")
        ```

        Args:
            log_dir: String or path. As that of `LRFinder`; the directory really written to is returned.

        Raises:
            RuntimeError: If there is no sweep yet.
            OSError: If `log_dir` cannot be written to.
        """
        directory = check_log_dir(log_dir)
        if directory is None:
            raise TypeError("`log_dir` must be a path. Received: log_dir=None")
        if self.stop_reason is None:
            raise RuntimeError(
                "There is no sweep to save yet: call `model.fit(..., callbacks=[finder])` first."
            )
        return write_sweep(directory, self.sweep, *self._record)

    def restore(self) -> None:
        """Put the model back to where it was before a sweep that Ctrl-C has cut short.

        Happens by itself when an error ends the `fit`, and almost always at Ctrl-C. Where that hits one of
        the few lines in Keras that cannot be watched, it happens here, at the end of `with finder:`, and at
        the model's next `fit` or `train_on_batch`. Does nothing after a sweep that has ended.
        """
        if self._fit is not None:
            self._fit.abandon("interrupted")

    def __enter__(self) -> LRFinder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._fit is not None:
            self._fit.abandon(*reason_of(error))

    # Hooks, in the order in which fit calls them.

    def set_model(self, model: Any) -> None:
        """Called by `fit` before everything else."""
        if not isinstance(model, keras.Model):
            raise TypeError(
                "LRFinder works with models of Keras 3. "
                f"Received: {type(model).__module__}.{type(model).__name__}. "
                "Build the model with `keras`, not with tf_keras or TF_USE_LEGACY_KERAS=1."
            )
        copies.check_may_sweep(self)
        super().set_model(model)
        self._neighbours = Neighbours.of(self)
        # Now, because some do their harm as soon as the training begins.
        self._neighbours.check(self)
        self._has_last_word = self._neighbours.take_last_place(self._end)

    def on_train_begin(self, logs: Any = None) -> None:
        """Remember the model."""
        self.restore()  # after a sweep of this finder that never ended
        self._forget_results()
        run = SweepRun(self.model, self._settings)
        if internals.is_built(self.model):
            run.remember()
        self._fit = SweepFit(run, self, self._neighbours.callbacks, self._publish, self._fit_is_over)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begin the sweep, or the next step of one that has a step an epoch."""
        if self._fit is None or self._fit.run.stopped is not None:
            return
        run = self._fit.run
        if run.plan is None:
            try:
                self._begin(self._fit, epoch)
            except BaseException:
                self._fit.let_go()
                run.detach()  # nothing has been trained yet
                raise
        run.begin_epoch()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Record the batches of the execution that has just ended."""
        if self._fit is not None:
            self._fit.run.end_execution()
            self._fit.publish()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Record the epoch, where a step is an epoch."""
        if self._fit is not None:
            self._fit.run.end_epoch(logs or {})
            self._fit.publish()

    def on_train_end(self, logs: Any = None) -> None:
        """End a sweep that has not stopped by itself."""
        if self._fit is not None:
            self._fit.stop("incomplete")
            if not self._has_last_word:
                self._end()

    # The parts of these.

    def _begin(self, fit: SweepFit, epoch: int) -> None:
        params: dict[str, Any] = self.params or {}
        plan = fit.run.make_plan(params, epoch)
        steps = params.get("steps")
        one_epoch = self._settings.per == "batch" and (
            params.get("epochs") == epoch + 1 or (steps is not None and plan.num_batches <= steps)
        )
        self._neighbours.check(self, one_epoch=one_epoch)
        if internals.is_built(self.model):
            fit.run.start(fit.fail)
        else:
            BuildFirst(self.model, fit.run, fit.fail).attach()

    def _end(self) -> None:
        """The last word, after every other callback."""
        if self._fit is not None:
            self._fit.end()

    def _publish(self, run: SweepRun) -> None:
        """Make the results of a sweep that has just stopped the finder's."""
        self.stop_reason = run.stopped
        self.sweep = run.sweep
        self.log_dir = run.log_dir
        self._record = run.config, run.result
        if run.analysis is not None:
            self.suggestions = dict(run.analysis.suggestions)
            self.diagnosis = run.analysis.diagnosis
        self._closing_line = closing_message.line(run)

    def _fit_is_over(self) -> None:
        self._fit = None

    def _forget_results(self) -> None:
        self.sweep = Sweep.from_losses([], [])
        self.suggestions = {}
        self.diagnosis = ()
        self.stop_reason = None
        self.log_dir = self._settings.log_dir
        self._record = SweepConfig(), SweepResult()
        self._closing_line = ""

    def __repr__(self) -> str:
        if self.stop_reason is None:
            return f"LRFinder(log_dir={self.log_dir!r}, no sweep yet)"
        return (
            f"LRFinder(log_dir={self.log_dir!r}, stop_reason={self.stop_reason!r}, "
            f"suggestion={self.suggestion}, {self.sweep!r})"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows: the curve and the answer."""
        from tb_lrfinder.display.notebook import card

        return card(self.sweep, self.suggestion, self.diagnosis, self._settings.smoothing, self._closing_line)

    def __getstate__(self) -> dict[str, Any]:
        return copies.for_pickling(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._model, self.params, self._fit = None, None, None
        self._neighbours, self._has_last_word = Neighbours(None), False

    def __copy__(self) -> LRFinder:
        return copies.shallow(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> LRFinder:
        return copies.deep(self, memo)
