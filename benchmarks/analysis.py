"""How long the numbers of a sweep take: `python benchmarks/analysis.py`.

The baseline is sorting the same number of losses, timed in the same run, so that the ratio means the same on
another machine.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.curve import Sweep, smooth


def main() -> None:
    """Print a table of medians."""
    print(f"{'steps':>7} {'sort ms':>8} {'smooth ms':>10} {'ratio':>6} {'analyze ms':>11} {'ratio':>6}")
    for steps in (100, 1_000, 20_000):
        sweep = _sweep(steps)
        base = _median(lambda sweep=sweep: np.sort(sweep.loss))
        smoothed = _median(lambda sweep=sweep: smooth(sweep.learning_rate, sweep.loss))
        analyzed = _median(lambda sweep=sweep: analyze(sweep))
        ratios = smoothed / base, analyzed / base
        print(f"{steps:7} {base:8.3f} {smoothed:10.3f} {ratios[0]:6.1f} {analyzed:11.3f} {ratios[1]:6.1f}")


def _sweep(steps: int) -> Sweep:
    rates = np.geomspace(1e-7, 10, steps)
    noise = np.random.default_rng(0).normal(0, 0.05, steps)
    return Sweep.from_losses(
        rates, 2.3 - 1.5 / (1 + (1e-3 / rates) ** 1.5) + np.minimum(rates, 3) ** 2 + noise
    )


def _median(function: Callable[[], object], repeats: int = 15) -> float:
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        took.append((time.perf_counter() - start) * 1e3)
    return statistics.median(took)


if __name__ == "__main__":
    main()
