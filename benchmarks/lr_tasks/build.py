"""Makes the arrays of the benchmark: real sweeps, and what training at each learning rate gives.

    make regret-data                                        # all tasks that are not there yet, on two cores
    python -m benchmarks.lr_tasks.build --jobs 2            # the same, where the packages are installed
    python -m benchmarks.lr_tasks.build --tasks mnist_vit   # those with this part in their names

A task that is there is left alone, and a file appears when it is whole, so this can be stopped at any time.
What the arrays hold is described in data/README.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .declare import Task, declared
from .schedules import SCHEDULES

DATA = Path(__file__).with_name("data")
SWEEP_STEPS, SWEEP_SEEDS = (100, 300), range(5)
SEEDS = 2
LONGEST = 4  # times the budget
MARKS = 2.0 ** (np.arange(-12, 5) / 2)  # lengths at which losses are recorded, in budgets
SCORED = (0.25, 0.5, 1.0, 4.0)
CHUNK = 6  # learning rates that are trained at once
FIRST_CHUNKS = (-2, -1, 0)  # around the usual learning rate: 2.25 decades below it, 2 above
MOST_CHUNKS = 9
INSIDE = 4  # steps of the grid that the best must be away from its ends
RARE = ("linear", "warmup_stable_decay")


def marks(steps: int) -> NDArray[np.int64]:
    """After how many steps losses are recorded."""
    return np.maximum(np.round(MARKS * steps), 1).astype(np.int64)


def _chunk(middle: float, number: int) -> NDArray[np.float64]:
    """Logarithms of one chunk's learning rates, quarters of a decade."""
    return middle + (number * CHUNK + CHUNK // 2 + np.arange(CHUNK)) / 4


def _ends_to_move(losses: NDArray[Any], baseline: float) -> tuple[bool, bool]:
    """Whether a grid must grow below and above: a best one is near an end at which something is learnt."""
    capped = np.where(np.isfinite(losses), np.minimum(losses, baseline), baseline)  # (rates, columns)
    best = capped.argmin(0)
    gain = baseline - capped.min(0)
    learnt = gain > 1e-3 * abs(baseline)
    open_below = learnt & (best < INSIDE) & (baseline - capped[0] > 0.02 * gain)
    open_above = learnt & (best > len(capped) - 1 - INSIDE) & (baseline - capped[-1] > 0.02 * gain)
    return bool(open_below.any()), bool(open_above.any())


def trainings(trainer: Any, task: Task, baseline: float) -> dict[str, NDArray[Any]]:
    """All trainings of a task; the grid grows until the best learning rates are inside."""
    from .optimizers import middle

    at, one = marks(task.steps), np.array([task.steps])
    columns = [int(np.flatnonzero(length == MARKS)[0]) for length in SCORED]
    names = [name for name in SCHEDULES if name not in RARE or task.more_schedules]

    def padded(name: str) -> NDArray[np.float64]:
        if name == "constant":
            return np.ones(LONGEST * task.steps)
        shape = SCHEDULES[name](task.steps)
        return np.pad(shape, (0, LONGEST * task.steps - task.steps))

    done: dict[int, dict[str, NDArray[Any]]] = {}
    wanted = list(FIRST_CHUNKS)
    while wanted:
        number = wanted.pop()
        peaks = 10.0 ** _chunk(middle(task.optimizer), number)
        chunk = {}
        for name in names:
            validated, trained = trainer.train(peaks, padded(name), at if name == "constant" else one, SEEDS)
            chunk[f"{name}_loss"] = validated if name == "constant" else validated[..., 0]
            if name == "constant":
                chunk["constant_train_loss"] = trained
        done[number] = chunk
        if not wanted and len(done) < MOST_CHUNKS:
            joined = {key: np.concatenate([done[i][key] for i in sorted(done)]) for key in chunk}
            scored = [joined["constant_loss"][..., columns].mean(1)]
            scored += [joined[f"{name}_loss"].mean(1)[:, None] for name in names if name != "constant"]
            below, above = _ends_to_move(np.concatenate(scored, 1), baseline)
            wanted = [min(done) - 1] * below + [max(done) + 1] * above
    arrays = {key: np.concatenate([done[i][key] for i in sorted(done)]).astype(np.float32) for key in chunk}
    grid = np.concatenate([_chunk(middle(task.optimizer), i) for i in sorted(done)])
    return {"log_learning_rate": grid.astype(np.float32), "steps": at, **arrays}


def sweeps(
    trainer: Any, steps: Sequence[int] = SWEEP_STEPS, seeds: Sequence[int] = SWEEP_SEEDS
) -> dict[str, NDArray[Any]]:
    """Whole ramps by the real callback in `model.fit`, through NaN too."""
    import keras

    from tb_lrfinder import LRFinder

    split, arrays = trainer.split, {}
    model = trainer.new_model(0)
    variables = (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
    losses: dict[int, list[Any]] = {count: [] for count in steps}
    for seed in seeds:
        for count in steps:
            # One model for all, which begins as a new one of this seed would.
            for group, values in zip(variables, trainer.initial_state(seed), strict=True):
                for variable, value in zip(group, values, strict=True):
                    variable.assign(value)
            keras.utils.set_random_seed(seed)
            finder = LRFinder(start_lr=1e-7, end_lr=10.0, num_steps=count, stop=None, verbose=0)
            epochs = -(-count // trainer.steps_per_epoch)
            model.fit(split.x, split.y, trainer.batch, epochs, verbose=0, callbacks=[finder])
            losses[count].append(np.asarray(finder.sweep.loss, np.float32))
            arrays[f"sweep_{count}_learning_rate"] = np.asarray(finder.sweep.learning_rate, np.float32)
    return {**arrays, **{f"sweep_{count}_loss": np.array(losses[count]) for count in steps}}


def record(task: Task) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The description of a task and its arrays."""
    import keras

    from .families import NETWORKS, Family
    from .optimizers import identifier, optimizer
    from .trainer import Trainer

    start = time.process_time()
    family = Family(task.data, task.network, (0, 0), (), ())
    trainer = Trainer(
        family.data_set(),
        NETWORKS[task.network],
        lambda: optimizer(task.optimizer),
        task.batch,
        task.train,
        task.loss,
    )
    baseline = trainer.baseline()
    swept = sweeps(trainer)
    middle = time.process_time()
    arrays = {**swept, **trainings(trainer, task, baseline)}
    new = optimizer(task.optimizer)
    config = {key: value for key, value in new.get_config().items() if key not in ("learning_rate", "name")}
    about = {
        **asdict(task),
        "domain": family.domain,
        "keras_optimizer": identifier(task.optimizer),
        "optimizer_config": config,
        "default_learning_rate": round(float(new.learning_rate), 6),
        "loss_function": trainer.loss_name or ("sparse" if trainer.data.classes else "mean_squared_error"),
        "n_params": trainer.model.count_params(),
        "n_trainable": int(sum(np.prod(v.shape) for v in trainer.model.trainable_variables)),
        "n_train": len(trainer.split.x),
        "n_val": len(trainer.split.val_x),
        "steps_per_epoch": trainer.steps_per_epoch,
        "baseline_loss": baseline,
        "initial_loss": trainer.initial_loss,
        "seconds": round(time.process_time() - start, 1),
        "sweep_seconds": round(middle - start, 1),
        "keras": keras.__version__,
    }
    return about, arrays


def _short(values: NDArray[Any]) -> NDArray[Any]:
    """Without the last bits, which compress badly: a relative error of at most 2 ** -13."""
    if values.dtype != np.float32:
        return values
    bits = values.view(np.uint32)
    rounded = np.where(np.isfinite(values), (bits + 0x400) & 0xFFFFF800, bits).astype(np.uint32)
    return rounded.view(np.float32)


def save(path: Path, about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    """Writes beside, then renames: a file that is there is whole."""
    beside = path.with_suffix(f".{os.getpid()}.part")
    with beside.open("wb") as file:
        np.savez_compressed(
            file, about=np.array(json.dumps(about)), **{k: _short(v) for k, v in arrays.items()}
        )
    beside.replace(path)


@contextmanager
def compiled_once() -> Iterator[None]:
    """Keeps what is compiled meanwhile: each `fit` with a sweep would compile the same anew."""
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    with tempfile.TemporaryDirectory() as directory:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        jax.config.update("jax_compilation_cache_dir", directory)
        compilation_cache.reset_cache()
        try:
            yield
        finally:
            jax.config.update("jax_compilation_cache_dir", None)
            compilation_cache.reset_cache()


def make(task: Task, out: Path) -> str:
    """Makes one task's file, and says what it was like."""
    with compiled_once():
        about, arrays = record(task)
    save(out / f"{task.name}.npz", about, arrays)
    budget = int(np.flatnonzero(MARKS == 1.0)[0])
    losses = np.nan_to_num(arrays["constant_loss"][..., budget].mean(1), nan=np.inf)
    best = 10 ** arrays["log_learning_rate"][losses.argmin()]
    return (
        f"best {best:.2g} loss {losses.min():.3g} of {about['baseline_loss']:.3g}, "
        f"{len(losses)} rates, {about['seconds']:.0f} s ({about['sweep_seconds']:.0f} s until swept)"
    )


def _made(tasks: list[Task], out: Path, jobs: int) -> Iterator[tuple[Task, str]]:
    # New processes now and then, since compiled functions are kept as long as their process lives.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, max_tasks_per_child=8) as pool:
        running = {pool.submit(make, task, out): task for task in tasks}
        for done in as_completed(running):
            try:
                yield running[done], done.result()
            except Exception as error:  # noqa: PERF203 (one that fails does not stop the others)
                yield running[done], f"FAILED: {type(error).__name__}: {error}"


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n")[0])
    parser.add_argument("--out", type=Path, default=DATA, help="directory for the files (data/)")
    parser.add_argument("--tasks", nargs="*", default=[], metavar="PART", help="parts of names; all if none")
    parser.add_argument("--jobs", type=int, default=1, help="processes, of one thread each (1)")
    args = parser.parse_args()
    # One thread for each job; the children read this when they load JAX.
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}"
    os.environ["KERAS_BACKEND"] = "jax"
    args.out.mkdir(parents=True, exist_ok=True)
    chosen = [task for task in declared() if not args.tasks or any(part in task.name for part in args.tasks)]
    missing = [task for task in chosen if not (args.out / f"{task.name}.npz").exists()]
    print(f"{len(chosen) - len(missing)} of {len(chosen)} tasks are there", flush=True)
    for number, (task, said) in enumerate(_made(missing, args.out, args.jobs), 1):
        print(f"{time.strftime('%H:%M')} {number}/{len(missing)} {task.name}: {said}", flush=True)


if __name__ == "__main__":
    main()
