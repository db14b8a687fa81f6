"""Fine-tuning, where a range test shows little: an uncertain suggestion, and trials to find a better one.

    python examples/fine_tuning.py [LOG_DIR]

The loss of an already trained network has no descent: in a sweep it stays constant and then increases. The
suggestion is far below that increase, and the diagnosis says that it is uncertain. Short training runs at
several learning rates, compared on validation data, find a better one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from tab import screenshot

from tb_lrfinder import LRFinder, run_trials
from tb_lrfinder.demo import load

LEARNING_RATES = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1)


def network() -> keras.Model:
    """Return a convolutional network for 8 x 8 images."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ],
        name="convnet",
    )


def pretrained_weights() -> list[Any]:
    """Return the weights of a network trained on the original digits."""
    images, labels = load("digits")
    keras.utils.set_random_seed(0)
    model = network()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images[:1200], labels[:1200], batch_size=32, epochs=30, verbose=0)
    return model.get_weights()


def main(log_dir: Path) -> tuple[LRFinder, Any]:
    """Sweep the pretrained network on noisier digits, then run trials; return the finder and the results."""
    images, labels = load("digits")
    noise = np.random.default_rng(0).normal(0, 0.1, images.shape).astype("float32")
    train = images[:1200] + noise[:1200], labels[:1200]
    validation = images[1200:] + noise[1200:], labels[1200:]
    weights = pretrained_weights()

    def make_model(learning_rate: float) -> keras.Model:
        model = network()
        model.set_weights(weights)
        model.compile(
            keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        return model

    finder = LRFinder(log_dir / "sweep", start_lr=1e-6, end_lr=1.0)
    make_model(1e-3).fit(*train, batch_size=32, epochs=3, verbose=0, callbacks=[finder])
    for finding in finder.diagnosis:
        print(f"{finding.severity}: {finding.message}")

    results = run_trials(
        make_model,
        train,
        learning_rates=LEARNING_RATES,
        validation_data=validation,
        epochs=5,
        batch_size=32,
        log_dir=log_dir / "trials",
    )
    print(results)
    screenshot(log_dir)
    return finder, results


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "logs/fine_tuning"))
