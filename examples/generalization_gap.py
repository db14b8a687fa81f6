"""Trains at 1e-4, 1e-3, 1e-2 and 1e-1 and compares the gap between training and validation loss.

    python examples/generalization_gap.py [LOG_DIR]

The tab shows the trials next to a sweep of the same model.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from tab import screenshot

from tb_lrfinder import LRFinder, LRTrial

LEARNING_RATES = (1e-4, 1e-3, 1e-2, 1e-1)


def make_model(learning_rate: float) -> keras.Model:
    """Return a network that is large enough to overfit 400 samples."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((30,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ],
        name="mlp",
    )
    model.compile(keras.optimizers.Adam(learning_rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def main(log_dir: Path) -> dict[float, LRTrial]:
    """Run a sweep, then train four times; return the trials by learning rate."""
    x, y = load_breast_cancer(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)
    scaler = StandardScaler().fit(x_train)
    train, validation = (scaler.transform(x_train), y_train), (scaler.transform(x_test), y_test)

    make_model(1e-3).fit(*train, epochs=8, verbose=0, callbacks=[LRFinder(log_dir / "sweep", 1e-6, 10.0)])

    trials = {}
    for learning_rate in LEARNING_RATES:
        trials[learning_rate] = LRTrial(log_dir / f"trials/{learning_rate:g}", verbose=0)
        make_model(learning_rate).fit(
            *train, validation_data=validation, epochs=15, verbose=0, callbacks=[trials[learning_rate]]
        )
    print(f"{'learning rate':>13} {'loss':>8} {'validation':>11} {'gap':>8} {'descent':>8}")
    for learning_rate, callback in trials.items():
        trial = callback.trial
        print(
            f"{learning_rate:>13g} {trial.loss[-1]:>8.4f} {trial.validation_loss[-1]:>11.4f} "
            f"{trial.gap:>8.4f} {trial.descent:>8.2f}"
        )
    screenshot(log_dir)
    return trials


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "logs/generalization_gap"))
