"""Declares the tasks: a seeded list, and which families are for training and which are for test.

    python -m benchmarks.lr_tasks.declare    # writes declared.json, committed before anything is trained

All families with the same data set are on one side, as are data sets from the same source. The list begins
with one task of each family, then comes the second of each, so that a part of it is of use.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from .datasets import DATASETS, SAME_SOURCE
from .families import FAMILIES, Family
from .optimizers import OPTIMIZERS

DECLARED = Path(__file__).with_name("declared.json")
SEED = 16
TEST_SHARE = 0.36  # of the data sets of each domain
LONG = 20_000
# These were in earlier benchmarks of this project, on which rules were made.
ALWAYS_TRAINING = ("optdigits",)
MORE_SCHEDULES = 5  # one task in so many is trained with the rarer schedules, too


@dataclass(frozen=True)
class Task:
    """One task.

    Args:
        name: Family, optimizer, batch and steps.
        family: Data set and network.
        data: The data set.
        network: The network.
        split: "training" or "test".
        optimizer: Name of an optimizer in `optimizers.py`.
        batch: Size of a batch.
        steps: Of a training of length 1.
        train: Number of training examples, at most.
        loss: Name of the loss; None for the data set's.
        more_schedules: Whether it is trained with the rarer schedules, too.
    """

    name: str
    family: str
    data: str
    network: str
    split: str
    optimizer: str
    batch: int
    steps: int
    train: int
    loss: str | None
    more_schedules: bool


def sides() -> dict[str, str]:
    """On which side each data set is."""
    random = np.random.default_rng(SEED)
    side = {}
    for sets in DATASETS.values():
        groups = [tuple(group) for group in SAME_SOURCE if group[0] in sets]
        groups += [(name,) for name in sets if not any(name in group for group in groups)]
        order = [groups[i] for i in random.permutation(len(groups))]
        order.sort(key=lambda group: group[0] in ALWAYS_TRAINING)  # those come last
        for place, group in enumerate(order):
            test = place < round(TEST_SHARE * len(order))
            side.update(dict.fromkeys(group, "test" if test else "training"))
    return side


def _deck(random: np.random.Generator, cards: int) -> list[str]:
    """Optimizers by their shares, shuffled."""
    total = sum(share for *_, share in OPTIMIZERS.values())
    deck = [name for name, (*_, share) in OPTIMIZERS.items() for _ in range(-(-share * cards // total))]
    return [deck[i] for i in random.permutation(len(deck))]


def _steps(random: np.random.Generator, family: Family, number: int) -> int:
    if family.long and number == 0:
        return LONG
    low, high = np.log(family.steps)
    # Stratified: the tasks of a family are of different lengths.
    place = (number + random.random()) / family.count
    return int(float(f"{np.exp(low + (high - low) * place):.2g}"))


def tasks() -> list[Task]:
    """The whole list, in the order in which it is trained."""
    side, random = sides(), np.random.default_rng(SEED + 1)
    deck = _deck(random, sum(family.count for family in FAMILIES))
    by_family: list[list[Task]] = []
    for family in FAMILIES:
        used: list[str] = []
        tasks = []
        for number in random.permutation(family.count).tolist():
            chosen = next(i for i, name in enumerate(deck) if name not in used)
            used.append(deck.pop(chosen))
            steps, batch = _steps(random, family, number), int(random.choice(family.batches))
            train = int(random.choice(family.train))
            name = f"{family.name}_{used[-1]}_b{batch}_{steps}"
            place = side[family.data]
            tasks.append(
                Task(
                    name, family.name, family.data, family.network, place, used[-1], batch, steps, train,
                    family.loss, False,
                )
            )  # fmt: skip
        by_family.append(tasks)
    ordered: list[Task] = []
    for turn in range(max(map(len, by_family))):
        order = random.permutation(len(by_family)).tolist()
        ordered += [by_family[i][turn] for i in order if turn < len(by_family[i])]
    return [
        Task(**{**asdict(task), "more_schedules": i % MORE_SCHEDULES == 0}) for i, task in enumerate(ordered)
    ]


def declared() -> list[Task]:
    """The list as it is committed."""
    return [Task(**task) for task in json.loads(DECLARED.read_text())]


def main() -> None:
    lines = ",\n".join(" " + json.dumps(asdict(task)) for task in tasks())
    DECLARED.write_text(f"[\n{lines}\n]\n")
    print(f"{len(tasks())} tasks of {len(FAMILIES)} families in {DECLARED}")


if __name__ == "__main__":
    main()
