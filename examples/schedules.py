"""Sweeps a model with a learning-rate schedule, and one with RMSprop, rho and momentum.

    python examples/schedules.py [LOG_DIR]

During the sweep the ramp replaces the schedule, which is restored afterward. `apply()` multiplies all its
learning rates by the same number, so that it starts at the suggestion.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
from tab import screenshot

from tb_lrfinder import LRFinder, LRTrial
from tb_lrfinder.demo import load


def make_model(optimizer: keras.optimizers.Optimizer) -> keras.Model:
    """Return a two-layer network for the digits."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ],
        name="mlp",
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main(log_dir: Path) -> dict[str, LRFinder]:
    """Sweep both models, then train with the schedule; return the finders by optimizer."""
    images, labels = load("digits")
    train, validation = (images[:1300], labels[:1300]), (images[1300:], labels[1300:])

    decay = keras.optimizers.schedules.ExponentialDecay(0.01, decay_steps=100, decay_rate=0.5)
    models = {
        "exponential_decay": make_model(keras.optimizers.SGD(decay, momentum=0.9)),
        "rmsprop": make_model(keras.optimizers.RMSprop(0.001, rho=0.9, momentum=0.9)),
    }
    finders = {name: LRFinder(log_dir / name, start_lr=1e-6, end_lr=10.0) for name in models}
    for name, model in models.items():
        model.fit(*train, batch_size=64, epochs=6, verbose=0, callbacks=[finders[name]])

    finders["exponential_decay"].apply()  # the decay starts at the suggestion
    model = models["exponential_decay"]
    trial = LRTrial(log_dir / "trained_with_decay", verbose=0)
    model.fit(*train, validation_data=validation, batch_size=64, epochs=10, verbose=0, callbacks=[trial])
    rates = ", ".join(f"{rate:.2g}" for rate in trial.trial.learning_rate)
    accuracy = model.evaluate(*validation, verbose=0)[1]
    print(f"Learning rate at the end of each epoch: {rates}; accuracy {accuracy:.1%}")
    screenshot(log_dir)
    return finders


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "logs/schedules"))
