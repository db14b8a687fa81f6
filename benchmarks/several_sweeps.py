"""What the first and the following sweeps of a model cost, next to plain fits of the same length.

The first fit of a compiled model traces its train step, and so does its first sweep; those after it do not.
Plain fits and sweeps take turns, each with a fresh model whose optimizer is built; medians are compared.

    python benchmarks/several_sweeps.py
    KERAS_BACKEND=jax python benchmarks/several_sweeps.py --layers 20 --rounds 3
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from tb_lrfinder import LRFinder

STEPS = 100
VARIANTS: dict[str, Callable[[], list[Any]]] = {
    "plain": list,
    "sweep": lambda: [LRFinder(None, 1e-7, 1e-3, STEPS, stop=None, verbose=0)],
}


def deep_model(layers: int) -> Any:
    """A compiled model of so many layers, which are small: tracing takes longer than training."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((16,))])
    for _ in range(layers - 1):
        model.add(keras.layers.Dense(16, activation="tanh"))
    model.add(keras.layers.Dense(1))
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def seconds_of(variant: str, layers: int, fits: int) -> list[tuple[float, float]]:
    """CPU and wall seconds of several fits of one model, in order."""
    model = deep_model(layers)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32 * STEPS, 16)).astype("float32")
    y = rng.normal(size=(32 * STEPS, 1)).astype("float32")
    gc.collect()
    seconds = []
    for _ in range(fits):
        wall, cpu = time.perf_counter(), time.process_time()
        model.fit(x, y, batch_size=32, verbose=0, callbacks=VARIANTS[variant]())
        seconds.append((time.process_time() - cpu, time.perf_counter() - wall))
    return seconds


def measure(layers: int, fits: int, rounds: int) -> list[dict[str, float]]:
    """Medians of each fit in order, and of the ratios of the sweep to the plain fit in the same round."""
    times: dict[str, list[list[tuple[float, float]]]] = {variant: [] for variant in VARIANTS}
    for number in range(rounds + 1):
        for variant in sorted(VARIANTS, reverse=number % 2 == 1):
            seconds = seconds_of(variant, layers, fits)
            if number:  # the first round loads libraries
                times[variant].append(seconds)
    rows = []
    for index in range(fits):
        row = {}
        for kind, name in enumerate(("cpu", "wall")):
            plain, sweep = ([one[index][kind] for one in times[variant]] for variant in ("plain", "sweep"))
            row[f"plain_{name}"] = statistics.median(plain)
            row[f"sweep_{name}"] = statistics.median(sweep)
            row[f"ratio_{name}"] = statistics.median(a / b for a, b in zip(sweep, plain, strict=True))
        rows.append(row)
    return rows


def main(arguments: list[str] | None = None) -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--layers", type=int, default=60)
    parser.add_argument("--fits", type=int, default=3, help="fits, or sweeps, of each model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    rows = measure(options.layers, options.fits, options.rounds)
    if options.json:
        json.dump(rows, sys.stdout, indent=2)
        return
    versions = f"Keras {keras.__version__} on {keras.backend.backend()}"
    print(f"{versions}, {options.layers} layers, {STEPS} steps, medians of {options.rounds}; seconds")
    print(f"{'':<4}{'plain fit':>18}{'sweep':>18}{'ratio':>18}")
    print(f"{'':<4}{'CPU':>9}{'wall':>9}{'CPU':>9}{'wall':>9}{'CPU':>9}{'wall':>9}")
    for number, row in enumerate(rows, 1):
        cells = (row[f"{what}_{kind}"] for what in ("plain", "sweep", "ratio") for kind in ("cpu", "wall"))
        print(f"{number:<4}" + "".join(f"{cell:>9.2f}" for cell in cells))


if __name__ == "__main__":
    main()
