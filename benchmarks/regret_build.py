"""Makes data for `regret.py`: learning-rate sweeps, and what training at each learning rate really gave.

For each task of `regret_tasks.py` or `regret_tasks_confirming.py`: sweeps recorded by `LRFinder` in
`model.fit`, and trainings with every learning rate of a grid, for several seeds. A task that is in the
directory already is left alone, so that an interrupted run goes on where it stopped. The files are described
in regret_data/README.md.

    python benchmarks/regret_build.py --out DIR                 # the held-out tasks
    python benchmarks/regret_build.py --out DIR --set confirming
    python benchmarks/regret_build.py --out DIR --tasks wine iris --seeds 1 --metrics final
    python benchmarks/regret.py --data DIR

Needs Keras with JAX, and scikit-learn. Takes about a minute for each task, on one core. The trainings are
steps of Keras' own layers, losses and optimizers, an epoch at a time in one compiled function:
`tests/keras/test_regret_build.py` compares them with `model.fit`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

os.environ["KERAS_BACKEND"] = "jax"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import jax
import keras
import regret_tasks
import regret_tasks_confirming
from regret_networks import Task

from tb_lrfinder.keras import LRFinder

SWEEP_STEPS = (100, 300)
SWEEP_SEEDS = range(5)
LONG = 4  # times the epochs of a short training
LOWEST, HIGHEST = -6, 1  # decades of the grid
# Long trainings and one cycle are known on a part of the grid, in decades around the best short training.
AROUND_BEST = {"long": (-2.5, 1.0), "onecycle": (-1.5, 1.5)}
METRICS = ("final", *AROUND_BEST)
SETS = {"heldout": regret_tasks.TASKS, "confirming": regret_tasks_confirming.TASKS}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Split:
    """What a task trains on and is validated with; the training data are whole batches."""

    x: NDArray[Any]
    y: NDArray[Any]
    val_x: NDArray[Any]
    val_y: NDArray[Any]

    @classmethod
    def of(cls, task: Task) -> Split:
        """A fifth for validation, and the rest in whole batches; chosen once for all seeds."""
        x, y = task.data()
        y = np.asarray(y, np.int32 if task.loss.startswith("sparse") else np.float32)
        y = y[:, None] if y.ndim == 1 else y
        order = np.random.default_rng(0).permutation(len(x))
        validated, trained = np.split(order, [len(x) // 5])
        trained = trained[: len(trained) // task.batch * task.batch]
        return cls(x[trained], y[trained], x[validated], y[validated])

    def baseline(self, loss: str) -> float:
        """The validation loss of the best constant that the training data tell of."""
        if loss.startswith("sparse"):
            shares = np.bincount(self.y[:, 0]) / len(self.y)
            constant = np.broadcast_to(shares, (len(self.val_y), len(shares)))
        else:
            middle = np.median if loss == "mean_absolute_error" else np.mean
            constant = np.broadcast_to(middle(self.y, 0), self.val_y.shape)
        return float(np.mean(keras.losses.get(loss)(self.val_y, constant.astype(np.float32))))


class Trainer:
    """Trains one task at any learning rate, with one compilation for all trainings."""

    def __init__(self, task: Task) -> None:
        self.task, self.split = task, Split.of(task)
        self.steps_per_epoch = len(self.split.x) // task.batch
        self.model = self.new_model(0)
        self.optimizer = self.model.optimizer
        self._loss = keras.losses.get(task.loss)
        self._states: dict[int, tuple[Any, Any, Any]] = {}
        self._trained = jax.jit(partial(jax.lax.scan, self._step))

    def new_model(self, seed: int) -> keras.Model:
        """A compiled model with the weights of this seed."""
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.Input(self.split.x.shape[1:], dtype=self.split.x.dtype)])
        for layer in self.task.network():
            model.add(layer)
        model.compile(self.task.optimizer(None), self.task.loss)
        model.optimizer.build(model.trainable_variables)
        return model

    def initial_state(self, seed: int) -> tuple[Any, Any, Any]:
        """Weights, other variables and optimizer before a training with this seed."""
        if seed not in self._states:
            model = self.new_model(seed)
            groups = (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
            self._states[seed] = tuple([v.value for v in group] for group in groups)
        return self._states[seed]

    def _step(self, state: Any, batch: Any) -> tuple[Any, Any]:
        weights, others, slots = state
        x, y, rate = batch

        def loss(weights: Any, others: Any) -> Any:
            y_pred, others = self.model.stateless_call(weights, others, x, training=True)
            return jax.numpy.mean(self._loss(y, y_pred)), others

        (value, others), gradients = jax.value_and_grad(loss, has_aux=True)(weights, others)
        held = self.optimizer.learning_rate
        slots = [rate if v is held else slot for v, slot in zip(self.optimizer.variables, slots, strict=True)]
        weights, slots = self.optimizer.stateless_apply(slots, gradients, weights)
        return (weights, others, slots), value

    @cached_property
    def _validation_loss(self) -> Any:
        def validation_loss(state: Any) -> Any:
            y_pred, _ = self.model.stateless_call(*state[:2], self.split.val_x, training=False)
            return jax.numpy.mean(self._loss(self.split.val_y, y_pred))

        return jax.jit(validation_loss)

    def train(self, learning_rates: Floats, seed: int, shuffle: bool = True) -> list[float]:
        """Validation loss after each epoch of a training with a learning rate for each step.

        Ends with the epoch after which it is not finite.
        """
        state, random = self.initial_state(seed), np.random.default_rng(seed)
        losses: list[float] = []
        for rates in learning_rates.astype(np.float32).reshape(-1, self.steps_per_epoch):
            order = random.permutation(len(self.split.x)) if shuffle else np.arange(len(self.split.x))
            order = order.reshape(self.steps_per_epoch, -1)
            state, _ = self._trained(state, (self.split.x[order], self.split.y[order], rates))
            losses.append(float(self._validation_loss(state)))
            if not np.isfinite(losses[-1]):
                break
        return losses

    def sweep(self, steps: int, seed: int) -> tuple[Floats, Floats]:
        """Learning rates and losses of a whole ramp, through NaN too."""
        model = self.new_model(seed)
        finder = LRFinder(num_steps=steps, stop=None, verbose=0)
        epochs = -(-steps // self.steps_per_epoch)
        x, y = self.split.x, self.split.y
        model.fit(x, y, batch_size=self.task.batch, epochs=epochs, verbose=0, callbacks=[finder])
        return finder.sweep.learning_rate, finder.sweep.loss


def one_cycle(steps: int, peak: float) -> Floats:
    """Up from a 25th of the peak in the first third, down to zero in the rest, both as cosines."""
    rise = steps // 3
    up = (1 - np.cos(np.pi * np.arange(rise) / max(rise, 1))) / 2
    down = (1 + np.cos(np.pi * np.arange(steps - rise) / (steps - rise))) / 2
    return np.concatenate([peak * (0.04 + 0.96 * up), peak * down])


def schedule(metric: str, steps: int, learning_rate: float) -> Floats:
    """The learning rate of each step of a training; a long one is given `LONG` times the steps."""
    if metric == "onecycle":
        return one_cycle(steps, learning_rate)
    return np.full(steps * (LONG if metric == "long" else 1), learning_rate)


def record(
    task: Task, metrics: list[str], per_decade: int, seeds: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The description of a task and its arrays."""
    trainer = Trainer(task)
    steps = trainer.steps_per_epoch * task.epochs
    baseline = trainer.split.baseline(task.loss)
    arrays: dict[str, Any] = {}
    for count in SWEEP_STEPS:
        rates, losses = zip(*(trainer.sweep(count, seed) for seed in SWEEP_SEEDS), strict=True)
        arrays[f"sweep_{count}_learning_rate"] = rates[0].astype(np.float32)
        arrays[f"sweep_{count}_loss"] = np.array(losses, np.float32)

    whole = np.arange(LOWEST * per_decade, HIGHEST * per_decade + 1) / per_decade
    best = 0.0
    for metric in metrics:
        grid = whole
        if metric in AROUND_BEST:
            low, high = AROUND_BEST[metric]
            near = np.arange(2 * low, 2 * high + 1) / 2 + best
            grid = near[(near >= LOWEST) & (near <= HIGHEST)]
        runs = [(rate, seed) for rate in grid for seed in range(seeds)]
        curves = [trainer.train(schedule(metric, steps, 10**rate), seed) for rate, seed in runs]
        arrays[f"{metric}_learning_rate"] = np.array([10**rate for rate, _ in runs])
        arrays[f"{metric}_seed"] = np.array([seed for _, seed in runs])
        arrays[f"{metric}_loss"] = np.array([curve[-1] for curve in curves], np.float32)
        if metric == "final":
            epochs = np.full((len(curves), task.epochs), np.nan, np.float32)
            for row, curve in zip(epochs, curves, strict=True):
                row[: len(curve)] = curve
            arrays["final_epochs_loss"] = epochs
            capped = [min(curve[-1], baseline) if np.isfinite(curve[-1]) else baseline for curve in curves]
            best = float(grid[np.reshape(capped, (len(grid), seeds)).mean(1).argmin()])
            # Long trainings and one cycle go in half decades around it.
    about = {
        "name": task.name,
        "optimizer": trainer.optimizer.name,
        "loss": task.loss,
        "batch": task.batch,
        "epochs": task.epochs,
        "n_params": trainer.model.count_params(),
        "n_train": len(trainer.split.x),
        "n_val": len(trainer.split.val_x),
        "steps_per_epoch": trainer.steps_per_epoch,
        "default_learning_rate": round(float(task.optimizer(None).learning_rate), 6),
        "baseline_loss": baseline,
        "best_learning_rate": 10**best,
    }
    return about, arrays


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="directory for the files")
    parser.add_argument("--set", choices=SETS, default="heldout", help="which tasks (heldout)")
    parser.add_argument("--tasks", nargs="*", default=[], metavar="PART", help="parts of names; all if none")
    parser.add_argument("--seeds", type=int, default=2, help="trainings at each learning rate (2)")
    parser.add_argument("--grid", type=int, default=4, choices=(1, 2, 4), help="trainings per decade (4)")
    parser.add_argument("--metrics", nargs="*", choices=METRICS, default=METRICS, help="default: all")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    listed = args.out / "tasks.json"
    chosen = [
        task for task in SETS[args.set] if not args.tasks or any(part in task.name for part in args.tasks)
    ]
    for number, task in enumerate(chosen, 1):
        known = {about["name"]: about for about in json.loads(listed.read_text())} if listed.exists() else {}
        if task.name in known:
            print(f"{number}/{len(chosen)} {task.name} is there", flush=True)
            continue
        start = time.perf_counter()
        about, arrays = record(
            task, [name for name in METRICS if name == "final" or name in args.metrics], args.grid, args.seeds
        )
        np.savez_compressed(args.out / f"{task.name}.npz", **arrays)
        known[task.name] = about
        listed.write_text(json.dumps([known[name] for name in sorted(known)], indent=1) + "\n")
        took = time.perf_counter() - start
        print(
            f"{number}/{len(chosen)} {task.name}, best {about['best_learning_rate']:.2g}, {took:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
