"""Range tests of a convolutional network with SGD and with Adam, from 1e-4 to 1.

    python examples/sgd_and_adam.py [LOG_DIR]

Adam normalizes every gradient by its magnitude and therefore requires a much smaller learning rate.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
from tab import screenshot

from tb_lrfinder import LRFinder
from tb_lrfinder.demo import load


def make_model(optimizer: str) -> keras.Model:
    """Return a convolutional network for 8 x 8 images."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ],
        name="convnet",
    )
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def main(log_dir: Path) -> dict[str, float | None]:
    """Run both sweeps; return the suggestions by optimizer."""
    images, labels = load("digits")
    suggestions = {}
    for optimizer in ("SGD", "Adam"):
        finder = LRFinder(log_dir / optimizer, start_lr=1e-4, end_lr=1.0, num_steps=320, delta_window=20)
        make_model(optimizer).fit(images, labels, batch_size=250, epochs=40, verbose=0, callbacks=[finder])
        suggestions[optimizer] = finder.suggestion.learning_rate
    screenshot(log_dir)
    return suggestions


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "logs/sgd_and_adam"))
