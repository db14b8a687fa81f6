"""A sweep with one step per epoch, `1e-4 * 10 ** (epoch / 20)`, and training with its suggestion.

    python examples/epoch_ramp.py [LOG_DIR]

As in many courses: a small dataset, a tiny network, 100 epochs, and the mean loss of each epoch.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from sklearn.datasets import make_circles
from tab import screenshot

from tb_lrfinder import LRFinder

EPOCHS = 100


def make_model(learning_rate: float = 0.001) -> keras.Model:
    """Return a network with two hidden layers of four units."""
    keras.utils.set_random_seed(42)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(4, activation="relu"),
            keras.layers.Dense(4, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ],
        name="4-4-1",
    )
    model.compile(keras.optimizers.Adam(learning_rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def main(log_dir: Path) -> tuple[float | None, float]:
    """Find the learning rate and train with it; return it and the accuracy on held-out data."""
    x, y = make_circles(1000, noise=0.03, random_state=42)
    x, y = x.astype(np.float32), y.astype(np.float32)[:, None]
    train, test = (x[:800], y[:800]), (x[800:], y[800:])

    finder = LRFinder(
        log_dir, per="epoch", start_lr=1e-4, end_lr=1e-4 * 10 ** ((EPOCHS - 1) / 20), num_steps=EPOCHS
    )
    make_model().fit(*train, epochs=EPOCHS, verbose=0, callbacks=[finder])

    model = make_model(finder.suggestion.learning_rate)
    model.fit(*train, epochs=EPOCHS, verbose=0)
    _, accuracy = model.evaluate(*test, verbose=0)
    print(f"Accuracy on held-out data after {EPOCHS} epochs: {accuracy:.1%}")
    screenshot(log_dir)
    return finder.suggestion.learning_rate, accuracy


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "logs/epoch_ramp"))
