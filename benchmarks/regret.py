"""How well do the suggested learning rates train?

Scores every rule, and those of other finders, on small tasks for which the result of training at each
learning rate of a grid is known. The score is the normalised regret: 0 is as good as the best of the
grid, 1 is no better than predicting a constant. No suggestion counts as 1.

    python benchmarks/regret.py                # the 20 tasks that the default rule was made with
    python benchmarks/regret.py --heldout      # 30 tasks that were trained before any rule was scored on them
    python benchmarks/regret.py --confirming   # 20 more, declared before the rule was changed for the 30
    python benchmarks/regret.py --data DIR     # those that regret_build.py made

Needs only NumPy; takes about ten seconds. The data are described in regret_data/README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from regret_others import OTHERS, OtherRule

from tb_lrfinder.analysis.analyze import Analysis, analyze
from tb_lrfinder.analysis.curve import DEFAULT_SMOOTHING, Sweep, smooth
from tb_lrfinder.analysis.divergence import Divergence
from tb_lrfinder.analysis.shape import Shape
from tb_lrfinder.analysis.suggestion import DEFAULT_RULE, RULES
from tb_lrfinder.analysis.usable_rows import UsableRows

DATA = Path(__file__).with_name("regret_data")
HELDOUT = Path(__file__).with_name("regret_data_heldout")
CONFIRMING = Path(__file__).with_name("regret_data_confirming")
BUDGETS = ("final", "long", "onecycle")
STEPS = (100, 300)
SEEDS = range(5)
FAILED = 0.1  # a regret above this is a suggestion that failed

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """One task: its recorded sweeps and the results of its trainings."""

    about: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    data: Path

    @property
    def name(self) -> str:
        """What the task is called."""
        return str(self.about["name"])

    def has(self, budget: str) -> bool:
        """Whether trainings with this budget were recorded."""
        return f"{budget}_loss" in self.arrays

    def sweep(self, steps: int, seed: int) -> tuple[Floats, Floats]:
        """Learning rates and losses of a whole ramp, divergence included."""
        rates = self.arrays[f"sweep_{steps}_learning_rate"].astype(np.float64)
        return rates, self.arrays[f"sweep_{steps}_loss"][seed].astype(np.float64)

    @cached_property
    def _truth(self) -> dict[str, tuple[Floats, Floats]]:
        truth = {}
        for budget in BUDGETS:
            if self.has(budget):
                losses = self._capped(self.arrays[f"{budget}_loss"])
                grid = np.round(4 * np.log10(self.arrays[f"{budget}_learning_rate"])) / 4
                rates = np.unique(grid)
                mean = np.array([losses[grid == rate].mean() for rate in rates])
                truth[budget] = (rates, (mean - mean.min()) / (self.about["baseline_loss"] - mean.min()))
        return truth

    def _capped(self, losses: NDArray[Any]) -> Floats:
        baseline = self.about["baseline_loss"]
        return np.asarray(np.where(np.isfinite(losses), np.minimum(losses, baseline), baseline), np.float64)

    def regret(self, learning_rate: float | None, budget: str = "final") -> float:
        """What a training with this learning rate falls short of the best one; 1 where there is none."""
        if learning_rate is None or not learning_rate > 0:
            return 1.0
        rates, regret = self._truth[budget]
        return float(np.interp(np.log10(learning_rate), rates, regret))

    def half_way(self, learning_rates: Sequence[float]) -> Floats:
        """Validation loss after half of the epochs: one row per seed, one column per learning rate."""
        rates, seeds = np.log10(self.arrays["final_learning_rate"]), self.arrays["final_seed"]
        losses = self._capped(self.arrays["final_epochs_loss"][:, self.about["epochs"] // 2 - 1])
        rows = []
        for seed in np.unique(seeds):
            order = np.flatnonzero(seeds == seed)[np.argsort(rates[seeds == seed])]
            rows.append(np.interp(np.log10(learning_rates), rates[order], losses[order]))
        return np.array(rows)


@cache
def tasks(data: Path = DATA) -> tuple[Task, ...]:
    """The tasks in a directory."""
    described = json.loads((data / "tasks.json").read_text())
    found = []
    for about in described:
        with np.load(data / f"{about['name']}.npz") as arrays:
            found.append(Task(about, dict(arrays), data))
    return tuple(found)


def stopped_by_us(losses: Floats) -> tuple[int, str]:
    """How many steps our own criterion lets the sweep run, and how it ends."""
    watch = Divergence().watch(len(losses))
    for step, loss in enumerate(losses.tolist()):
        if not np.isfinite(loss):
            return step + 1, "non_finite"
        if watch.diverged(loss):
            return step + 1, "diverged"
    return len(losses), "completed"


@cache
def analyses(data: Path = DATA) -> dict[tuple[str, int, int], Analysis]:
    """What our finder says of every recorded sweep, cut by our own stop rule."""
    said = {}
    for task in tasks(data):
        for steps in STEPS:
            for seed in SEEDS:
                rates, losses = task.sweep(steps, seed)
                rows, reason = stopped_by_us(losses)
                said[task.name, steps, seed] = analyze(
                    Sweep.from_losses(rates[:rows], losses[:rows]), stop_reason=reason, planned_steps=steps
                )
    return said


def regrets(
    suggested: Callable[[Task, int, int], float | None], budget: str, data: Path = DATA
) -> dict[str, float]:
    """Mean regret over the sweeps of each task."""
    return {
        task.name: float(
            np.mean([task.regret(suggested(task, n, seed), budget) for n in STEPS for seed in SEEDS])
        )
        for task in tasks(data)
        if task.has(budget)
    }


def ours(read: Callable[[Analysis], float | None]) -> Callable[[Task, int, int], float | None]:
    return lambda task, steps, seed: read(analyses(task.data)[task.name, steps, seed])


def by_rule(rule: str) -> Callable[[Task, int, int], float | None]:
    return ours(lambda said: said.suggestions[rule].learning_rate)


def by_range(name: str) -> Callable[[Task, int, int], float | None]:
    """The same for one of the default rule's ranges."""

    def read(said: Analysis) -> float | None:
        ranges = said.suggestion.ranges
        return None if ranges is None else float(getattr(ranges, name))

    return ours(read)


def by_other(rule: OtherRule) -> Callable[[Task, int, int], float | None]:
    def suggested(task: Task, steps: int, seed: int) -> float | None:
        with np.errstate(all="ignore"):
            try:
                return rule(*task.sweep(steps, seed), task.about)
            except (ValueError, IndexError):  # nothing left after its own cuts
                return None

    return suggested


def with_trials(factors: Sequence[float], data: Path = DATA) -> float:
    """Mean regret when the suggestion is tried with each factor at half the budget, and the best is taken.

    The loss of a trial is read off the recorded trainings half way, between the grid's learning rates.
    """
    means = []
    for task in tasks(data):
        for (name, _, _), said in analyses(data).items():
            if name != task.name:
                continue
            suggested = said.suggestion.learning_rate
            if suggested is None:
                means.append(1.0)
                continue
            tried = [suggested * factor for factor in factors]
            chosen = task.half_way(tried).argmin(axis=1)
            means.append(float(np.mean([task.regret(tried[i]) for i in chosen])))
    return float(np.mean(means))


def with_full_grid(data: Path = DATA) -> tuple[float, float]:
    """Mean regret of training once at every learning rate of the grid, and the mean number of trainings."""
    means, counts = [], []
    for task in tasks(data):
        rates, seeds, losses = (task.arrays[f"final_{name}"] for name in ("learning_rate", "seed", "loss"))
        whole = max(Counter(seeds.tolist()).values())
        for seed in np.unique(seeds):
            mine = seeds == seed
            if mine.sum() == whole:  # some seeds were trained on a part of the grid only
                best = np.where(np.isfinite(losses[mine]), losses[mine], np.inf).argmin()
                means.append((task.name, task.regret(float(rates[mine][best]))))
        counts.append(whole)
    by_task = [np.mean([regret for name, regret in means if name == task.name]) for task in tasks(data)]
    return float(np.mean(by_task)), float(np.mean(counts))


def halves(names: Sequence[str], splits: int = 1000) -> Iterator[tuple[list[str], list[str]]]:
    shuffle = np.random.default_rng(0)
    for _ in range(splits):
        order = shuffle.permutation(len(names))
        yield [names[i] for i in order[::2]], [names[i] for i in order[1::2]]


def half_splits(data: Path = DATA) -> tuple[float, float, Counter[float]]:
    """The share of the descent that the default begins with is chosen on one half and scored on the other.

    Returns:
        Mean regret on the half that chose, on the other half, and how often each share was chosen.
    """
    shares = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    tables = [regrets(_descent_from(share), "final", data) for share in shares]
    seen, unseen, chosen = [], [], Counter[float]()
    for dev, test in halves([task.name for task in tasks(data)]):
        means = [np.mean([table[name] for name in dev]) for table in tables]
        best = int(np.argmin(means))
        seen.append(means[best])
        unseen.append(np.mean([tables[best][name] for name in test]))
        chosen[shares[best]] += 1
    return float(np.mean(seen)), float(np.mean(unseen)), chosen


def _descent_from(share: float) -> Callable[[Task, int, int], float | None]:
    def suggested(task: Task, steps: int, seed: int) -> float:
        rates, losses = task.sweep(steps, seed)
        rows, _ = stopped_by_us(losses)
        smoothed = smooth(rates[:rows], losses[:rows])
        return Shape.measure(
            UsableRows.of(rates[:rows], losses[:rows]), smoothed, DEFAULT_SMOOTHING
        ).mean_learning_rate_from(share)

    return suggested


def spread_over_halves(table: dict[str, float]) -> tuple[float, float]:
    """The range that holds 95 % of the means over a random half of the tasks."""
    means = [np.mean([table[name] for name in half]) for half, _ in halves(list(table))]
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def findings(data: Path = DATA) -> tuple[dict[tuple[str, str], tuple[int, int]], int, int]:
    """How often each finding stands with suggestions that trained well, and with those that failed."""
    well, failed = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    counts = [0, 0]
    for task in tasks(data):
        for (name, _, _), said in analyses(data).items():
            if name == task.name:
                bad = task.regret(said.suggestion.learning_rate) > FAILED
                counts[bad] += 1
                (failed if bad else well).update((one.code, one.severity) for one in said.diagnosis)
    return {key: (well[key], failed[key]) for key in sorted(well | failed)}, counts[0], counts[1]


def table(rows: Iterable[Sequence[str]]) -> None:
    listed = [list(row) for row in rows]
    widths = [max(len(row[i]) for row in listed) for i in range(len(listed[0]))]
    for number, row in enumerate(listed):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
        if number == 0:
            print("| " + " | ".join("-" * width for width in widths) + " |")


def figures(
    suggested: Callable[[Task, int, int], float | None], data: Path, budgets: Sequence[str] = BUDGETS
) -> list[str]:
    return [
        f"{np.mean(list(regrets(suggested, budget, data).values())):.3f}" if budget in budgets else ""
        for budget in BUDGETS
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="How well do the suggested learning rates train?")
    parser.add_argument("--data", type=Path, default=DATA, help="directory with tasks.json")
    for name, where in (("--heldout", HELDOUT), ("--confirming", CONFIRMING)):
        parser.add_argument(
            name, dest="data", action="store_const", const=where, help=f"that is {where.name}"
        )
    data = parser.parse_args().data
    print(f"Mean regret on {len(tasks(data))} tasks, five sweeps each of 100 and of 300 steps\n")
    rows = [["rule", *BUDGETS]]
    rows += [
        [f"{rule.name}{' (default)' * (name == DEFAULT_RULE)}", *figures(by_rule(name), data)]
        for name, rule in RULES.items()
    ]
    rows.append(
        [f"{DEFAULT_RULE}, ranges.long_training", *figures(by_range("long_training"), data, ["long"])]
    )
    rows.append(
        [f"{DEFAULT_RULE}, ranges.one_cycle_max", *figures(by_range("one_cycle_max"), data, ["onecycle"])]
    )
    rows += [[name, *figures(by_other(rule), data)] for name, rule in OTHERS.items()]
    table(rows)

    default = regrets(by_rule(DEFAULT_RULE), "final", data)
    low, high = spread_over_halves(default)
    seen, unseen, chosen = half_splits(data)
    print("\nHalf splits (1,000 random halves of the tasks)")
    print(f"  {DEFAULT_RULE} on a half: 95 % of the means lie between {low:.3f} and {high:.3f}")
    print(f"  with the share of the descent chosen on one half: {seen:.3f} there, {unseen:.3f} on the other")
    print("  chosen: " + ", ".join(f"{share:g} in {n / 10:.0f} %" for share, n in chosen.most_common()))

    print("\nTrials at half the budget around the suggestion, the best taken")
    alone, few, many = (
        with_trials(factors, data) for factors in ([1], [1, 3, 1 / 3], [1, 3, 1 / 3, 10, 0.1])
    )
    print(f"  suggestion alone                    {alone:.3f}  (no trial)")
    print(f"  suggestion, x 3 and / 3             {few:.3f}  (1.5 trainings)")
    print(f"  suggestion, x 3, / 3, x 10 and / 10 {many:.3f}  (2.5 trainings)")
    regret, trainings = with_full_grid(data)
    print(f"  the full grid                       {regret:.3f}  ({trainings:.0f} trainings)")

    said, well, failed = findings(data)
    print(
        f"\nFindings on {well} suggestions that trained well and {failed} that failed (regret > {FAILED})\n"
    )
    rows = [["finding", "trained well", "failed"]]
    rows += [
        [f"{code} ({severity})", f"{a} ({100 * a / well:.0f} %)", f"{b} ({100 * b / failed:.0f} %)"]
        for (code, severity), (a, b) in said.items()
    ]
    table(rows)
    print("\nRegret of the default by task\n")
    table([["task", "regret"], *([name, f"{value:.3f}"] for name, value in default.items())])


if __name__ == "__main__":
    main()
