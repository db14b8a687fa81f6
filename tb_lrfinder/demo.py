"""Real range tests of a small convolutional network, for `tb-lrfinder demo` and `make demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tb_lrfinder.keras import LRFinder

DATASETS = ("digits", "mnist")
OPTIMIZERS = ("SGD", "Adam")


def load(dataset: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Images scaled to 0..1, `[n, height, width, 1]`, and their labels.

    Args:
        dataset: `"digits"`, the 1,797 handwritten digits that scikit-learn brings along, or
            `"mnist"`, which Keras downloads.
    """
    if dataset == "mnist":
        import keras

        (images, labels), _ = keras.datasets.mnist.load_data()
        return images[..., None].astype("float32") / 255, labels
    if dataset != "digits":
        raise ValueError(f"`dataset` must be one of {', '.join(DATASETS)}. Received dataset={dataset!r}.")
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "The digits come with scikit-learn, which is not installed: pip install 'tb_lrfinder[demo]'"
        ) from error
    digits = load_digits()
    return digits.images[..., None].astype("float32") / 16, digits.target


def sweep(optimizer: str, log_dir: str, dataset: str = "digits", num_steps: int = 100) -> LRFinder:
    """Sweep the learning rate of the convolutional network with one optimizer, 1e-5 to 10.

    Args:
        optimizer: Name of a Keras optimizer, such as `"Adam"`.
        log_dir: Where the event files go; the run directory is `log_dir/DATASET/OPTIMIZER`.
        dataset: See `load()`.
        num_steps: Learning rates in the sweep.

    Returns:
        The finder, after the sweep.
    """
    import keras

    from tb_lrfinder import LRFinder

    images, labels = load(dataset)
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10),
        ],
        name="convnet",
    )
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    finder = LRFinder(
        Path(log_dir) / dataset / optimizer.lower(), start_lr=1e-5, end_lr=10.0, num_steps=num_steps
    )
    batch_size = 64
    epochs = -(-num_steps // -(-len(images) // batch_size))
    model.fit(images, labels, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[finder])
    return finder


def run(log_dir: str, dataset: str = "digits", num_steps: int = 100) -> list[LRFinder]:
    """The range tests of the demo, one for each optimizer; returns their finders."""
    return [sweep(optimizer, log_dir, dataset, num_steps) for optimizer in OPTIMIZERS]
