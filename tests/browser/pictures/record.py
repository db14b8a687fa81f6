"""Records the log directory that the pictures of the tab show, anew: real sweeps and trials on the digits.

    python -m tests.browser.pictures.record

The files are kept beside this script, so that a picture changes only when the page does.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import keras
import numpy as np

from tb_lrfinder import LRFinder, LRTrial
from tb_lrfinder.demo import load

LOGS = Path(__file__).resolve().parent / "logs"


def make_model(optimizer: str, learning_rate: float = 0.01) -> keras.Model:
    """A small ConvNet, or none of its kind."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10),
        ],
        name="convnet",
    )
    settings = {"momentum": 0.9} if optimizer == "SGD" else {}
    model.compile(
        getattr(keras.optimizers, optimizer)(learning_rate, **settings),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def main() -> None:
    """Sweep with three optimizers, sweep without anything to learn, and train at seven learning rates."""
    shutil.rmtree(LOGS, ignore_errors=True)
    images, labels = load("digits")
    train, validation = (images[:1200], labels[:1200]), (images[1200:], labels[1200:])
    for optimizer in ("SGD", "Adam", "RMSprop"):
        sweep = LRFinder(LOGS / "digits" / optimizer.lower(), 1e-6, 10.0)
        make_model(optimizer).fit(*train, batch_size=64, epochs=10, verbose=0, callbacks=[sweep])
    noise = np.random.default_rng(0).integers(10, size=len(train[1]))
    sweep = LRFinder(LOGS / "random_labels" / "adam", 1e-6, 10.0)
    make_model("Adam").fit(train[0], noise, batch_size=16, epochs=10, verbose=0, callbacks=[sweep])
    for rate in (1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 30.0):
        make_model("SGD", rate).fit(
            *train,
            validation_data=validation,
            batch_size=64,
            epochs=8,
            verbose=0,
            callbacks=[LRTrial(LOGS / "trials" / f"{rate:g}")],
        )


if __name__ == "__main__":
    main()
