"""The `fit` that a sweep runs in, and the ways in which it ends."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from tb_lrfinder.keras.fit_watch import in_one_line, reason_of
from tb_lrfinder.keras.sweep import closing_message
from tb_lrfinder.keras.sweep.fit_guard import FitGuard
from tb_lrfinder.keras.sweep.snapshot import RestoreError
from tb_lrfinder.keras.sweep.sweep_run import SweepRun


class SweepFit:
    """Has the model restored when the sweep ends, once more when its `fit` does, and never later.

    A rollback belongs to one sweep. Within its `fit` the model is put back again at the very end, because
    Keras or another callback may have set weights since. After that `fit` a model that has been put back once
    is left alone: it may have been trained.

    Args:
        run: The sweep.
        finder: The callback that it belongs to.
        callbacks: The `CallbackList` of the `fit`; None where it could not be found.
        publish: Called when the sweep has stopped, with its results.
        over: Called when nothing is left to do.
    """

    def __init__(
        self,
        run: SweepRun,
        finder: Any,
        callbacks: Any | None,
        publish: Callable[[SweepRun], None],
        over: Callable[[], None],
    ) -> None:
        self.run = run
        self._finder = finder
        self._publish = publish
        self._over = over
        self._published = False
        self._is_over = False
        self._guard = FitGuard(run.model, callbacks, self.fail, self._on_other_training)

    def publish(self) -> None:
        """Hand out the results of a sweep that has just stopped."""
        if self.run.stopped is not None and not self._published:
            self._published = True
            self._publish(self.run)

    def stop(self, reason: str, message: str | None = None) -> None:
        """End a sweep that has not stopped by itself. Its `fit` may go on."""
        try:
            self.run.stop(reason, message)
        finally:
            self.publish()

    def end(self) -> None:
        """The very last thing of a `fit`, after every other callback, or of one that an error ends."""
        # Once more: since the stop, Keras may have put averaged weights in, or another callback its best.
        self.run.restore_for_good()
        created = self.run.created()
        self.let_go()
        self._say()
        if created:
            warnings.warn(closing_message.created(created), RuntimeWarning, stacklevel=2)

    def fail(self, error: BaseException) -> None:
        """The `fit` ends with an error, or Ctrl-C, from wherever: restore at once."""
        if self._is_over:
            return  # it has been reported already, further in
        self.run.model.stop_training = True  # in case somebody catches the error
        try:
            self.stop(*reason_of(error))
            self.end()
        except Exception as second:
            if not isinstance(error, RestoreError):  # which says all of it
                warnings.warn(closing_message.not_restored(error, second), RuntimeWarning, stacklevel=2)
        finally:
            self._guard.keep_averages_out()

    def abandon(self, reason: str, message: str | None = None) -> bool:
        """End a sweep whose `fit` is over, without having said so. Whether that has restored the model."""
        run = self.run
        if self._guard.fit_is_running():  # it is not over: another callback asks for this
            run.model.stop_training = True
            self.stop(reason, message)
            return False
        outdated = run.needs_restoring and run.trained_since()
        if outdated:
            run.forget()
        restored = run.needs_restoring and not outdated
        try:
            self.stop(reason, message)
            if restored:
                run.restore_for_good()  # once more, if that has just failed
        except Exception:
            self.let_go()
            raise
        self.let_go()
        self._say()
        if outdated:
            warnings.warn(closing_message.trained_since(), UserWarning, stacklevel=3)
        return restored

    def let_go(self) -> None:
        """Keep nothing of a `fit` that is over."""
        self.run.forget()
        self._guard.release()
        self._is_over = True
        self._over()

    def _on_other_training(self) -> None:
        """Something else than the steps of this `fit` is about to train the model."""
        if self._guard.fit_is_running():
            error = RuntimeError(
                closing_message.trained_by(self._guard.running_callback(besides=self._finder))
            )
            self.run.model.stop_training = True  # in case somebody catches the error
            self.stop("failed", in_one_line(error))
            raise error
        if self.abandon("interrupted"):
            warnings.warn(closing_message.cut_short(), UserWarning, stacklevel=2)

    def _say(self) -> None:
        # What is printed first: a warning may be an error.
        if self.run.settings.verbose:
            print(closing_message.line(self.run))
        if self.run.stopped == "incomplete":
            warnings.warn(closing_message.incomplete(self.run), UserWarning, stacklevel=3)
