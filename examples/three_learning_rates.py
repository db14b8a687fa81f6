"""Loss curves for a learning rate that is too small, good, and too large.

    python examples/three_learning_rates.py [LOG_DIR]

The same network is trained at 1e-4, 1e-2 and 1e-1. At 1e-4 the loss decreases slowly and steadily, at 1e-2 it
decreases quickly, and at 1e-1 it fluctuates.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
from tab import screenshot

from tb_lrfinder import LRTrial
from tb_lrfinder.demo import load

LEARNING_RATES = (1e-4, 1e-2, 1e-1)


def make_model(learning_rate: float) -> keras.Model:
    """Return a two-layer network for the digits."""
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ],
        name="mlp",
    )
    model.compile(
        keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def main(log_dir: Path) -> dict[float, LRTrial]:
    """Train three times; return the trials by learning rate."""
    images, labels = load("digits")
    train, validation = (images[:1300], labels[:1300]), (images[1300:], labels[1300:])
    trials = {}
    for learning_rate in LEARNING_RATES:
        trials[learning_rate] = LRTrial(log_dir / f"{learning_rate:g}", verbose=0)
        make_model(learning_rate).fit(
            *train, validation_data=validation, epochs=20, verbose=0, callbacks=[trials[learning_rate]]
        )
    for learning_rate, callback in trials.items():
        losses = callback.trial.loss
        shown = ", ".join(f"{loss:.3f}" for loss in losses[[0, 4, 9, 19]])
        print(
            f"{learning_rate:>6g}: loss after 1, 5, 10 and 20 epochs {shown}; "
            f"descent {callback.trial.descent:.0%}"
        )
    screenshot(log_dir)
    return trials


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "logs/three_learning_rates"))
