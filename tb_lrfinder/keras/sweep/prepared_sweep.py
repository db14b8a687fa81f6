"""A sweep before its first batch: the snapshot of the model, and the plan."""

from __future__ import annotations

from typing import Any, Final

import keras

from tb_lrfinder.keras import backend, internals
from tb_lrfinder.keras.learning_rate import accumulation_steps, leaf_optimizers
from tb_lrfinder.keras.sweep.built_optimizer import build_optimizer
from tb_lrfinder.keras.sweep.optimizers import SweptOptimizers, swept_optimizers
from tb_lrfinder.keras.sweep.plan import Plan, plan_batches, plan_epochs
from tb_lrfinder.keras.sweep.settings import Settings
from tb_lrfinder.keras.sweep.snapshot import Snapshot

_NOTICE_THRESHOLD_BYTES: Final = 2**30


def check_model(model: Any, optimizer: str | None = None) -> SweptOptimizers:
    """Check that the learning rate of a model can be swept, and return the optimizers to sweep.

    Args:
        model: A model.
        optimizer: Name of the only optimizer to sweep; None sweeps all.

    Raises:
        TypeError: If it is not a compiled Keras 3 model.
        ValueError: If it has no optimizer of that name.
        RuntimeError: If the backend or the version of Keras is not supported.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"`model` must be a Keras 3 model. Received: model={model!r}, a "
            f"{type(model).__module__}.{type(model).__name__}. Build the model with `keras`, not with "
            "tf_keras or TF_USE_LEGACY_KERAS=1."
        )
    backend.check()
    compiled = getattr(model, "optimizer", None)
    if not isinstance(compiled, keras.optimizers.Optimizer):
        raise TypeError(
            "`model` must be compiled with an optimizer of `keras.optimizers`. "
            f"Received: model={model!r} with optimizer={compiled!r}"
        )
    optimizers = swept_optimizers(model, optimizer)
    internals.check(model, leaf_optimizers(compiled, *optimizers.all))
    return optimizers


def make_plan(optimizers: list[Any], settings: Settings, params: dict[str, Any], first_epoch: int) -> Plan:
    """The length of a sweep.

    Args:
        optimizers: Those that the train step is expected to use, the reference first.
        settings: The arguments of `LRFinder`.
        params: The `params` of the callback: epochs and steps of `fit`.
        first_epoch: Index of the first epoch.

    Raises:
        ValueError: If `fit` is too short, or its length is required but unknown.
    """
    epochs = int(params.get("epochs") or first_epoch + 1)
    if settings.per == "epoch":
        return plan_epochs(settings.num_steps, first_epoch, epochs, then_train=settings.trains)
    accumulation = accumulation_steps(*optimizers)
    seen = internals.iterations(leaf_optimizers(*optimizers)[0])
    return plan_batches(
        settings.num_steps,
        settings.batches_per_step * accumulation,
        seen % accumulation,
        params.get("steps"),
        first_epoch,
        epochs,
        then_train=settings.trains,
    )


class PreparedSweep:
    """A model before its sweep, with a snapshot to restore it.

    Builds the optimizer, which `fit` would do with the first batch, if all weights are known.

    Args:
        model: A compiled model, built as far as possible.
        settings: The arguments of `LRFinder`.
        optimizers: The optimizers to sweep.

    Raises:
        RuntimeError: If a variable cannot be copied.
    """

    def __init__(self, model: Any, settings: Settings, optimizers: SweptOptimizers) -> None:
        self.model = model
        self.optimizers = optimizers
        self.settings = settings
        self._builds_layers = not internals.has_built_layers(model)  # so does the first batch
        self._unbuilt = build_optimizer(model)
        self._snapshot = Snapshot(model, restored_later=model.optimizer) if settings.restore else None
        if self.snapshot_bytes > _NOTICE_THRESHOLD_BYTES:
            print(
                "LR Finder: keeping a copy of the weights and the optimizer state in memory "
                f"({self.snapshot_bytes / 2**30:.1f} GB) to restore the model after the sweep. "
                "Pass restore=False to avoid this."
            )

    @property
    def can_restore(self) -> bool:
        """Whether there is a snapshot."""
        return self._snapshot is not None

    @property
    def snapshot_bytes(self) -> int:
        """Memory use of the snapshot."""
        return self._snapshot.num_bytes if self._snapshot is not None else 0

    def restore(self) -> None:
        """Restore the model, if there is a snapshot. Idempotent.

        Raises:
            RestoreError: If a part of it could not be restored; all others have been.
        """
        if self._snapshot is not None:
            self._snapshot.restore()

    def leave_random_state(self) -> None:
        """Exclude the random state from what is restored."""
        if self._snapshot is not None:
            self._snapshot.leave_random_state()

    def restore_for_training(self) -> None:
        """Restore the model for the batches that follow in the same `fit`. Idempotent.

        Raises:
            RestoreError: If a part of it could not be restored; all others have been.
        """
        self.restore()
        if self._builds_layers:  # and the next batch builds them again, with variables for a new optimizer
            self.unbuild_optimizer()

    def unbuild_optimizer(self) -> None:
        """Restore an optimizer that was not built. Not before the end of `fit`, which needs a built one."""
        if self._snapshot is not None:
            for unbuilt in self._unbuilt:
                unbuilt.restore()

    def created_variables(self) -> list[str]:
        """Paths of the variables that the sweep has created, which have no earlier value."""
        return [] if self._snapshot is None else self._snapshot.created_since()

    def release(self) -> None:
        """Release the snapshot once nothing can change the model anymore."""
        self._snapshot = None
