"""One `fit` that finds the learning rate and trains with it, beside the same `fit` without the finder.

    python examples/train_in_one_fit.py [LOG_DIR]

The sweep takes the first batches of the `fit`, so the model trains for fewer steps than without it.
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


def make_model() -> keras.Model:
    """Return a two-layer network for the digits, with the default learning rate of SGD."""
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
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main(log_dir: Path) -> dict[str, tuple[float, float]]:
    """Train both models; return the learning rate and the validation accuracy of each."""
    images, labels = load("digits")
    train, validation = (images[:1300], labels[:1300]), (images[1300:], labels[1300:])

    results = {}
    for name, finders in {
        "default": [],
        "one_fit": [LRFinder(log_dir / "one_fit", then="train")],
    }.items():
        model = make_model()
        model.fit(
            *train,
            validation_data=validation,
            batch_size=32,
            epochs=15,
            verbose=0,
            callbacks=[
                keras.callbacks.ModelCheckpoint(log_dir / f"{name}.weights.h5", save_weights_only=True),
                keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True),
                *finders,
            ],
        )
        accuracy = model.evaluate(*validation, verbose=0)[1]
        results[name] = float(model.optimizer.learning_rate.numpy()), accuracy

    for name, (learning_rate, accuracy) in results.items():
        print(f"{name}: learning rate {learning_rate:.3g}, validation accuracy {accuracy:.1%}")
    screenshot(log_dir)
    return results


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "logs/train_in_one_fit"))
