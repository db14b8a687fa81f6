"""The `LRFinder` callback."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tb_lrfinder.analysis.curve import DEFAULT_DELTA_WINDOW, DEFAULT_SMOOTHING, Sweep
from tb_lrfinder.analysis.diagnosis import Finding
from tb_lrfinder.analysis.divergence import Divergence
from tb_lrfinder.analysis.suggestion import DEFAULT_RULE, Suggestion
from tb_lrfinder.checks import check_path
from tb_lrfinder.keras import backend
from tb_lrfinder.keras.fit_watch import reason_of
from tb_lrfinder.keras.sweep import closing_message
from tb_lrfinder.keras.sweep.apply_suggestion import apply_suggestion
from tb_lrfinder.keras.sweep.hooks import SweepHooks
from tb_lrfinder.keras.sweep.settings import Settings
from tb_lrfinder.storage.writer import write_sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class LRFinder(SweepHooks):
    """Callback that runs a learning-rate range test and suggests a learning rate.

    The learning rate is increased at each step while the true loss of every batch is recorded. Training stops
    when the loss diverges or the ramp is completed. The weights, the optimizer state, the learning rate and
    the random state are then restored, so the model has not been trained. With `then="train"`, the same `fit`
    goes on to train it at the suggested learning rate.

    Example:

    ```python
    finder = LRFinder("logs/adam")
    model.fit(x, y, epochs=10, callbacks=[finder])
    finder.suggestion.learning_rate
    finder.apply()          # sets the suggested learning rate on the optimizer
    ```

    One `fit` that does it all, from the sweep to the trained model:

    ```python
    model.fit(x, y, epochs=20, callbacks=[LRFinder("logs/adam", then="train")])
    ```

    In a notebook, use the finder as a context to restore the model even if Ctrl-C hits one of the few lines
    of Keras that cannot be monitored:

    ```python
    with LRFinder("logs/adam") as finder:
        model.fit(x, y, epochs=10, callbacks=[finder])
    ```

    Args:
        log_dir: String or path. Directory or URL where the event file of this sweep is written. If it already
            contains a run, the sweep is written to `log_dir/2`, `log_dir/3`, ... instead. Defaults to `None`,
            which writes nothing.
        start_lr: Float. Learning rate of the first step. `None` is a thousandth of the learning rate of the
            optimizer, or of the peak of its schedule. Defaults to `1e-7`.
        end_lr: Float. Learning rate of the last step. Defaults to `10.0`.
        num_steps: Integer. Number of steps of the ramp. `None` uses all batches (or epochs) of `fit`. If
            `fit` has fewer, but at least 30, the ramp uses all of them, with a warning. Defaults to `100`.
        ramp: String. `"exponential"` (every decade has the same number of steps) or `"linear"`. Defaults to
            `"exponential"`.
        per: String. `"batch"`, or `"epoch"` for one step per epoch, which records the mean loss of the epoch
            and the validation loss of `fit`. For the ramp `start_lr * 10 ** (epoch / 20)`, set `end_lr` to
            `start_lr * 10 ** ((num_steps - 1) / 20)`. Defaults to `"batch"`.
        batches_per_step: Integer. Number of batches per step; their losses are averaged. With gradient
            accumulation, number of updates per step. Defaults to `1`.
        stop: When to stop early: `"divergence"`, a `tb_lrfinder.Divergence` instance, or `None` to always
            complete the ramp, even if the loss is NaN. Defaults to `"divergence"`.
        validation_data: Tuple `(x, y)` or `(x, y, sample_weight)`, or a dataset of such batches. The
            validation loss is computed on a fixed sample after every step (Smith, 2018), as in `evaluate`,
            without changing any state. Defaults to `None`.
        validation_samples: Integer. Number of validation samples. Defaults to `256`.
        monitor: String. Name of the loss, for models with a custom `train_step`. Defaults to `"loss"`; if
            the step has none of that name, but a single other value with "loss" in its name, it is that one.
        optimizer: String. Name of the only optimizer to sweep, for models whose train step uses several, such
            as a GAN: an attribute of the model, as in `"g_optimizer"`, or an entry, as in
            `"optimizers['g']"`. The others keep their own learning rates. Defaults to `None`, which sweeps
            all optimizers that the step uses, in proportion to their learning rates; the recorded ones are
            those of `model.optimizer`, or if the step does not use it, of the first of the others.
        restore: Boolean. Whether to restore the model after the sweep. `False` keeps the model as the sweep
            leaves it and saves the memory of a copy. Defaults to `True`.
        smoothing: Float. Standard deviation of the Gaussian that smooths the loss, in decades of learning
            rate, from 0 to 2. Defaults to `0.3`.
        delta_window: Integer. Window of the loss delta, in steps. Defaults to `20`.
        seed: Integer. Seed for drawing the validation sample; also distinguishes repeated sweeps. Does not
            seed anything else. Defaults to `None`.
        verbose: `0` or `1`. Whether to print a summary at the end of the sweep. Defaults to `1`.
        then: `"train"` or `None`. What the same `fit` does after the sweep. `"train"` restores the model,
            sets the suggested learning rate (a schedule is scaled so that its peak is the suggestion) and
            trains the model with the remaining batches; without a suggestion, at the learning rate it was
            compiled with. The ramp then has at most a quarter of the batches (or epochs) of `fit`, and at
            least 30 steps, or `num_steps` if these are fewer. The other callbacks take part in the training,
            and `History` has the values of the training alone: NaN for an epoch that was wholly a sweep. A
            `fit` that `BackupAndRestore` resumes keeps its learning rate, without another sweep. `None` ends
            `fit`. Defaults to `None`.

    Attributes:
        sweep: `Sweep` with the columns `step`, `learning_rate`, `loss`, `loss_delta` and `validation_loss`.
        suggestion: `Suggestion` of the default rule. If the sweep does not support one, its `learning_rate`
            is `None` and `reason` says why. `None` before the end of the first sweep.
        suggestions: Dict of the suggestions of all rules, by rule name.
        diagnosis: Tuple of `Finding` with problems of the sweep and how to fix them.
        stop_reason: `"completed"`, `"diverged"`, `"non_finite"`, `"incomplete"`, `"interrupted"`,
            `"failed"` or `"refused"`; `None` before and during a sweep.
        log_dir: The directory the sweep was written to. With several processes (JAX), only the first process
            writes.
        progress: Tuple of the number of recorded steps and the number of all steps, `None` if unknown.
        snapshot_bytes: Current memory use of the copy of the model, in bytes.

    Raises:
        TypeError, ValueError: If an argument has the wrong type or is out of range.
        RuntimeError: Under a `MultiWorkerMirroredStrategy` with several workers, which Keras 3 does not
            support.

    Reference:
        [Smith, 2017](https://arxiv.org/abs/1506.01186), section 3.3: the range test.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        start_lr: float | None = 1e-7,
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
        optimizer: str | None = None,
        restore: bool = True,
        smoothing: float = DEFAULT_SMOOTHING,
        delta_window: int = DEFAULT_DELTA_WINDOW,
        seed: int | None = None,
        verbose: int = 1,
        then: str | None = None,
    ) -> None:
        backend.check_workers()
        super().__init__(
            Settings.checked(
                log_dir=log_dir,
                start_lr=start_lr,
                end_lr=end_lr,
                num_steps=num_steps,
                ramp=ramp,
                per=per,
                batches_per_step=batches_per_step,
                stop=stop,
                validation_data=validation_data,
                validation_samples=validation_samples,
                monitor=monitor,
                optimizer=optimizer,
                restore=restore,
                smoothing=smoothing,
                delta_window=delta_window,
                seed=seed,
                verbose=verbose,
                then=then,
            )
        )

    # Results.

    @property
    def sweep(self) -> Sweep:
        """The recorded rows; empty before the end of the first sweep."""
        return self._outcome.sweep

    @property
    def suggestion(self) -> Suggestion | None:
        """The suggestion of the default rule; `None` before the end of the first sweep."""
        return self.suggestions.get(DEFAULT_RULE)

    @property
    def suggestions(self) -> dict[str, Suggestion]:
        """The suggestions of all rules, by rule name; empty before the end of the first sweep."""
        return {} if self._outcome.analysis is None else dict(self._outcome.analysis.suggestions)

    @property
    def diagnosis(self) -> tuple[Finding, ...]:
        """Problems of the sweep, the severe ones first."""
        return () if self._outcome.analysis is None else self._outcome.analysis.diagnosis

    @property
    def stop_reason(self) -> str | None:
        """Why the sweep ended; `None` before and during a sweep."""
        return self._outcome.stop_reason

    @property
    def log_dir(self) -> str | None:
        """The directory the sweep was written to; `None` if it was not written."""
        return self._outcome.log_dir

    @property
    def progress(self) -> tuple[int, int | None]:
        """Number of recorded steps, and number of all steps of the ramp, or `None` if unknown."""
        if self._fit is None:
            return len(self.sweep), self._outcome.planned_steps or self._settings.num_steps
        return self._fit.num_rows, self._fit.plan.num_steps if self._fit.plan else None

    @property
    def snapshot_bytes(self) -> int:
        """Current memory use of the copy of the model, in bytes."""
        return self._fit.snapshot_bytes if self._fit is not None else 0

    def apply(self, rule: str | None = None, *, scale_schedule: bool = True) -> float:
        """Set the suggested learning rate on the optimizer that was swept.

        If the optimizer has a schedule, all its learning rates are multiplied by the same number, so that
        the highest one is the suggestion, and a line is printed that says so. The next `fit` uses it. If
        several optimizers were swept, the others keep their ratio to the first one. Another call does not
        change anything.

        Args:
            rule: String. Name of a rule. Defaults to `None`, the default rule.
            scale_schedule: Boolean. Whether to scale a schedule; `False` raises an error instead. Defaults
                to `True`.

        Returns:
            The learning rate of the optimizer, or the peak of its schedule, as a float.

        Raises:
            ValueError: If there is no suggestion, or no such rule, or the schedule has no positive learning
                rate.
            TypeError: If the learning rate of the optimizer is a callable, or with `scale_schedule=False` a
                schedule.
        """
        return apply_suggestion(
            self.model,
            self._outcome.optimizers,
            self.suggestions,
            rule,
            scale_schedule,
            self._settings.verbose,
        )

    def plot(self, ax: Axes | None = None, skip_start: int = 0, skip_end: int = 0) -> Figure:
        """Plot loss and loss delta against learning rate, and return the Matplotlib figure.

        Example:

        ```python
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots()
        finder.plot(ax=axes, skip_end=5)
        ```

        Args:
            ax: Matplotlib `Axes` to draw the loss in, with the suggestion marked. Defaults to `None`, which
                creates a figure with the loss and the loss delta.
            skip_start: Integer. Number of steps to leave out at the start. Defaults to `0`.
            skip_end: Integer. Number of steps to leave out at the end. Defaults to `0`.

        Returns:
            The Matplotlib figure that was drawn in.

        Raises:
            ImportError: If Matplotlib is not installed.
            TypeError: If an argument has the wrong type.
            ValueError: If there is no sweep yet, or if no step is left.
        """
        from tb_lrfinder.display.plot import plot

        return plot(self.sweep, self.suggestion, self._settings.smoothing, ax, skip_start, skip_end)

    def save(self, log_dir: str | os.PathLike[str]) -> str:
        """Write the sweep to a directory, for example after a disk or network failure.

        Example:
        ```python
        finder.save("logs/second_try")
        ```

        Args:
            log_dir: String or path. See `LRFinder`.

        Returns:
            The directory the sweep was written to.

        Raises:
            TypeError: If `log_dir` is not a path.
            RuntimeError: If there is no sweep yet.
            OSError: If `log_dir` cannot be written to.
        """
        directory = check_path("log_dir", log_dir)
        if self.stop_reason is None:
            raise RuntimeError("There is no sweep to save. Call `model.fit(..., callbacks=[finder])` first.")
        return write_sweep(directory, self.sweep, self._outcome.config, self._outcome.result)

    def restore(self) -> None:
        """Restore the model after a sweep that was interrupted by Ctrl-C.

        This is done automatically if an error ends `fit`, and almost always for Ctrl-C. If Ctrl-C hits one of
        the few lines of Keras that cannot be monitored, the model is restored by this method, at the end of
        `with finder:`, or by the next `fit` or `train_on_batch` of the model. Does nothing if the sweep has
        ended.
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

    def __repr__(self) -> str:
        if self.stop_reason is None:
            return f"LRFinder(log_dir={self.log_dir!r}, no sweep yet)"
        return (
            f"LRFinder(log_dir={self.log_dir!r}, stop_reason={self.stop_reason!r}, "
            f"suggestion={self.suggestion}, {self.sweep!r})"
        )

    def _repr_html_(self) -> str:
        """HTML representation for notebooks."""
        from tb_lrfinder.display.notebook import card

        summary = closing_message.summary(self._outcome)
        return card(self.sweep, self.suggestion, self.diagnosis, self._settings.smoothing, summary)
