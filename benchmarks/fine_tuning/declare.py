"""The fine-tuning tasks, in the order in which they are trained, and which of them rules may be made with.

    python -m benchmarks.fine_tuning.declare     # writes declared.json

Committed before anything was trained or scored; see README.md.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

DECLARED: Final = Path(__file__).with_name("declared.json")

Mode = Literal["frozen", "all", "continued", "shifted"]
Split = Literal["design", "heldout", "confirming", "last"]

SAME_HEAD: Final[tuple[Mode, ...]] = ("continued", "shifted")


@dataclass(frozen=True)
class Family:
    """A pre-trained network and the data that it is tuned on.

    Args:
        name: Name of the data and of the network.
        split: "design" if rules may be made with it, otherwise it is only for scoring.
        network: Name of the network in `networks.py`.
        steps: Length of the training, in steps.
        batch: Batch size.
        train: Number of training examples, at most.
        modes: The modes, see `Task`. A new head needs classes, of which it learns the second half.
    """

    name: str
    split: Split
    network: str
    steps: int
    batch: int
    train: int
    modes: tuple[Mode, ...] = ("frozen", "all", *SAME_HEAD)


FAMILIES: Final = (
    Family("mnist", "design", "mlp", 240, 32, 600),
    Family("optdigits", "design", "convnet", 200, 32, 500),
    Family("letter", "design", "mlp_layernorm", 300, 32, 1200),
    Family("english", "design", "language_letters", 240, 32, 1200, SAME_HEAD),
    Family("diamonds", "design", "mlp_two", 240, 32, 600, SAME_HEAD),
    Family("views", "heldout", "vit", 240, 32, 600),
    Family("satimage", "heldout", "mlp_batchnorm", 240, 32, 600),
    Family("vowels", "heldout", "gru", 160, 16, 300),
    Family("code", "heldout", "language_transformer", 200, 32, 900, SAME_HEAD),
    Family("computers", "heldout", "mlp_dropout", 240, 32, 600, SAME_HEAD),
)


# Declared after the held-out families had been scored.
CONFIRMING: Final = (
    Family("textures", "confirming", "convnet", 240, 32, 600, SAME_HEAD),
    Family("segment", "confirming", "residual", 240, 32, 600, SAME_HEAD),
    Family("magic", "confirming", "mlp_two", 240, 32, 600, SAME_HEAD),
    Family("nox", "confirming", "mlp_tanh", 240, 32, 600, SAME_HEAD),
    Family("modules", "confirming", "gru", 240, 32, 600, ("continued",)),
)

# Declared after the factor had been changed for all families above.
LAST: Final = (
    Family("spambase", "last", "mlp_layernorm", 240, 32, 600, ("continued",)),
    Family("greys", "last", "convnet", 240, 32, 600, ("continued",)),
    Family("phoneme", "last", "mlp_two", 240, 32, 600, ("continued",)),
    Family("males", "last", "mlp_tanh", 240, 32, 600, ("continued",)),
)


@dataclass(frozen=True)
class Task:
    """One family in one mode with one optimizer.

    Args:
        family: Name of the family.
        split: See `Family`.
        network: See `Family`.
        mode: "frozen": a new head on a frozen backbone, for classes that it was not trained on. "all": the
            same with all layers trained. "continued": the same head, and further examples of the same kind.
            "shifted": the same head, and examples whose inputs are distributed otherwise.
        optimizer: Name of the optimizer, "adam" or "momentum".
        steps: See `Family`.
        batch: See `Family`.
        train: See `Family`.
    """

    family: str
    split: Split
    network: str
    mode: Mode
    optimizer: str
    steps: int
    batch: int
    train: int

    @property
    def name(self) -> str:
        """Name of the task, and of its file."""
        return f"{self.family}_{self.mode}_{self.optimizer}"


# The hard cases first: no new head, so the loss of the first batch is that of a trained model.
_TURNS: Final[tuple[tuple[Mode, tuple[str, ...]], ...]] = (
    ("continued", ("adam",)),
    ("shifted", ("momentum",)),
    ("continued", ("momentum",)),
    ("shifted", ("adam",)),
    ("all", ("adam", "momentum")),
    ("frozen", ("momentum", "adam")),
)


def tasks() -> list[Task]:
    """All tasks; a new head is trained with one optimizer, alternating between families."""
    return [
        Task(
            family.name,
            family.split,
            family.network,
            mode,
            optimizers[number % len(optimizers)],
            family.steps,
            family.batch,
            family.train,
        )
        for families in (FAMILIES, CONFIRMING, LAST)
        for mode, optimizers in _TURNS
        for number, family in enumerate(families)
        if mode in family.modes
    ]


def declared() -> list[Task]:
    """The list as it is committed."""
    return [Task(**task) for task in json.loads(DECLARED.read_text())]


def main() -> None:
    lines = ",\n".join(" " + json.dumps(asdict(task)) for task in tasks())
    DECLARED.write_text(f"[\n{lines}\n]\n")
    print(f"{len(tasks())} tasks of {len(FAMILIES + CONFIRMING + LAST)} families in {DECLARED}")


if __name__ == "__main__":
    main()
