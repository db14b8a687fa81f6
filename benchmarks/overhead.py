"""What a sweep costs on top of a plain `fit`: CPU and wall time of whole fits, as ratios.

Every fit is of a fresh model and includes the tracing of its step, all writing and the analysis at the
end. The variants take turns, so that a busy machine slows them all down alike, and medians are compared.

    python benchmarks/overhead.py
    python benchmarks/overhead.py --models mlp --steps 1000 --repeats 9
    KERAS_BACKEND=jax python benchmarks/overhead.py      # or torch; no TensorFlow is needed
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from tb_lrfinder import LRFinder

BATCHES_PER_EPOCH = 100
LAYERS: dict[str, Callable[[], list[Any]]] = {
    "mlp": lambda: [
        keras.Input((64,)),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ],
    "cnn": lambda: [
        keras.Input((16, 16, 1)),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ],
    "lstm": lambda: [
        keras.Input((20, 8)),
        keras.layers.LSTM(32),
        keras.layers.Dense(10, activation="softmax"),
    ],
}
VARIANTS = ("plain", "finder", "naive")


class TensorFlowScalars:
    """Event files by `tf.summary.scalar`."""

    def __init__(self, log_dir: str) -> None:
        import tensorflow as tf

        self._summary = tf.summary
        self._writer = tf.summary.create_file_writer(log_dir)

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        """Write a number."""
        with self._writer.as_default(step=step):
            self._summary.scalar(tag, value)

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class NaiveFinder(keras.callbacks.Callback):  # type: ignore[misc]
    """What people write by hand: set the rate, read the logs, write three scalars a batch."""

    def __init__(self, log_dir: str, rates: Any) -> None:
        super().__init__()
        if keras.backend.backend() == "tensorflow":
            self._writer: Any = TensorFlowScalars(log_dir)
        else:
            from tensorboard.summary import Writer

            self._writer = Writer(log_dir)
        self._rates = rates
        self._losses: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the rate."""
        self.model.optimizer.learning_rate = self._rates[len(self._losses)]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Write rate, loss and delta."""
        step = len(self._losses)
        self._losses.append(logs["loss"])
        delta = (self._losses[-1] - self._losses[max(step - 20, 0)]) / 20
        self._writer.add_scalar("learning_rate", float(self._rates[step]), step)
        self._writer.add_scalar("loss", float(logs["loss"]), step)
        self._writer.add_scalar("loss_delta", float(delta), step)

    def on_train_end(self, logs: Any = None) -> None:
        """Close the file."""
        self._writer.close()


def fit(name: str, variant: str, steps: int) -> tuple[float, float]:
    """CPU and wall seconds of one fit of `steps` batches."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    model = keras.Sequential(LAYERS[name]())
    model.compile("adam", "sparse_categorical_crossentropy")
    # Built beforehand: Keras traces its step twice otherwise, which would flatter the finder.
    model.optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(0)
    samples = 64 * BATCHES_PER_EPOCH
    x = rng.normal(size=(samples, *model.input_shape[1:])).astype("float32")
    y = rng.integers(0, 10, samples)
    gc.collect()
    with tempfile.TemporaryDirectory() as log_dir:
        callbacks: list[Any] = []
        if variant == "finder":
            callbacks = [LRFinder(log_dir + "/sweep", 1e-7, 1e-3, steps, stop=None, verbose=0)]
        elif variant == "naive":
            callbacks = [NaiveFinder(log_dir, np.geomspace(1e-7, 1e-3, steps))]
        wall, cpu = time.perf_counter(), time.process_time()
        model.fit(x, y, batch_size=64, epochs=steps // BATCHES_PER_EPOCH, verbose=0, callbacks=callbacks)
        return time.process_time() - cpu, time.perf_counter() - wall


def measure(name: str, steps: int, repeats: int) -> dict[str, Any]:
    """Medians of each variant of one model, and their ratios to the plain fit."""
    times: dict[str, list[tuple[float, float]]] = {variant: [] for variant in VARIANTS}
    for repeat in range(repeats + 1):
        for turn in range(len(VARIANTS)):
            variant = VARIANTS[(repeat + turn) % len(VARIANTS)]
            seconds = fit(name, variant, steps)
            if repeat:  # the first round loads libraries
                times[variant].append(seconds)
    cpu, wall = (
        {variant: statistics.median(each[kind] for each in times[variant]) for variant in VARIANTS}
        for kind in (0, 1)
    )
    # Ratios within a round are compared: what slows down a whole round then cancels out.
    ratios = {
        f"{variant}_{kind}": statistics.median(
            mine[index] / plain[index] for mine, plain in zip(times[variant], times["plain"], strict=True)
        )
        for variant in VARIANTS[1:]
        for index, kind in enumerate(("cpu", "wall"))
    }
    return {
        "model": name,
        "steps": steps,
        "plain_cpu_ms_per_step": 1e3 * cpu["plain"] / steps,
        "plain_wall_ms_per_step": 1e3 * wall["plain"] / steps,
        **ratios,
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--models", nargs="+", choices=LAYERS, default=list(LAYERS))
    parser.add_argument("--steps", type=int, default=1000, help=f"a multiple of {BATCHES_PER_EPOCH}")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    if options.steps < BATCHES_PER_EPOCH or options.steps % BATCHES_PER_EPOCH:
        parser.error(f"--steps must be a multiple of {BATCHES_PER_EPOCH}")
    results = [measure(name, options.steps, options.repeats) for name in options.models]
    if options.json:
        json.dump(results, sys.stdout, indent=2)
        return
    versions = f"Keras {keras.__version__} on {keras.backend.backend()}"
    print(f"{versions}, {options.steps} steps, medians of {options.repeats}")
    print(f"{'model':<6}{'plain fit, ms a step':>26}{'LRFinder':>20}{'naive callback':>20}")
    print(f"{'':<6}{'CPU':>16}{'wall':>10}{'CPU':>12}{'wall':>8}{'CPU':>12}{'wall':>8}")
    for each in results:
        print(
            f"{each['model']:<6}{each['plain_cpu_ms_per_step']:>16.2f}{each['plain_wall_ms_per_step']:>10.2f}"
            f"{each['finder_cpu']:>12.2f}{each['finder_wall']:>8.2f}"
            f"{each['naive_cpu']:>12.2f}{each['naive_wall']:>8.2f}"
        )


if __name__ == "__main__":
    main()
