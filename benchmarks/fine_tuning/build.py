"""Makes the data of the fine-tuning benchmark: sweeps, and what training at each learning rate gives.

    KERAS_BACKEND=jax python -m benchmarks.fine_tuning.build                 # all that are not there yet
    KERAS_BACKEND=jax python -m benchmarks.fine_tuning.build --tasks mnist   # with this part in their names

Needs the packages of `make regret-data`. What the files hold is described in README.md.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.lr_tasks.build import compiled_once, save, sweeps

from .declare import Task, declared

DATA = Path(__file__).with_name("data")
SWEEP_STEPS, SWEEP_SEEDS, SEEDS = 100, range(3), 2
GRID = {"adam": np.arange(-5.5, -0.99, 0.25), "momentum": np.arange(-4.5, 0.01, 0.25)}  # log10


def record(task: Task) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The description of a task and its arrays."""
    from .trainer import FineTuner

    start = time.process_time()
    trainer = FineTuner(task)
    arrays = sweeps(trainer, [SWEEP_STEPS], SWEEP_SEEDS)
    grid = GRID[task.optimizer]
    marks = np.array([task.steps // 2, task.steps])
    validated, _ = trainer.train(10.0**grid, np.ones(task.steps), marks, SEEDS)
    arrays["log_learning_rate"], arrays["steps"], arrays["constant_loss"] = (
        grid.astype(np.float32),
        marks,
        validated,
    )
    constant, before = trainer.baseline(), trainer.initial_loss
    if trainer.data.classes:
        control = sweeps(FineTuner(task, random_labels=True), [SWEEP_STEPS], SWEEP_SEEDS)
        arrays["random_labels_loss"] = control[f"sweep_{SWEEP_STEPS}_loss"]
    about = {
        **asdict(task),
        "name": task.name,
        "classes": trainer.data.classes,
        "constant_loss": constant,
        "initial_loss": before,
        "baseline_loss": min(constant, before),
        "n_train": len(trainer.split.x),
        "n_val": len(trainer.split.val_x),
        "n_trainable": int(sum(np.prod(v.shape) for v in trainer.model.trainable_variables)),
        "steps_per_epoch": trainer.steps_per_epoch,
        "seconds": round(time.process_time() - start, 1),
    }
    return about, arrays


def make(task: Task, out: Path) -> str:
    """Makes one task's file, and says what it was like."""
    with compiled_once():
        about, arrays = record(task)
    save(out / f"{task.name}.npz", about, arrays)
    losses = np.nan_to_num(arrays["constant_loss"][..., -1].mean(1), nan=np.inf)
    best = 10 ** arrays["log_learning_rate"][losses.argmin()]
    return (
        f"best {best:.2g} loss {losses.min():.3g}, before {about['initial_loss']:.3g}, "
        f"constant {about['constant_loss']:.3g}, {about['seconds']:.0f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n")[0])
    parser.add_argument("--out", type=Path, default=DATA, help="directory for the files (data/)")
    parser.add_argument("--tasks", nargs="*", default=[], metavar="PART", help="parts of names; all if none")
    parser.add_argument("--part", default="0/1", help="I/N: only each Nth task, from the Ith (0/1)")
    args = parser.parse_args()
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}"
    args.out.mkdir(parents=True, exist_ok=True)
    first, every = map(int, args.part.split("/"))
    chosen = [task for task in declared() if not args.tasks or any(part in task.name for part in args.tasks)]
    for task in chosen[first::every]:
        if not (args.out / f"{task.name}.npz").exists():
            print(f"{time.strftime('%H:%M:%S')} {task.name}: {make(task, args.out)}", flush=True)


if __name__ == "__main__":
    main()
