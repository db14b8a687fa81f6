"""Range tests of a small convolutional network, for `tb-lrfinder demo` and `make demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tb_lrfinder.checks import check_choice

if TYPE_CHECKING:
    from tb_lrfinder.keras import LRFinder

DATASETS = ("digits", "mnist")
OPTIMIZERS = ("SGD", "Adam")


def load(dataset: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Load a dataset of handwritten digits.

    Args:
        dataset: String. `"digits"`, the 1,797 handwritten digits included in scikit-learn, or `"mnist"`,
            which Keras downloads.

    Returns:
        Images of shape `(n, height, width, 1)`, scaled to 0..1, and labels of shape `(n,)`.

    Raises:
        ValueError: If `dataset` is unknown.
        ImportError: If scikit-learn is required and not installed.
    """
    check_choice("dataset", dataset, DATASETS)
    if dataset == "mnist":
        import keras

        (images, labels), _ = keras.datasets.mnist.load_data()
        return images[..., None].astype("float32") / 255, labels
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "The digits dataset requires scikit-learn. Install it with: pip install 'tb_lrfinder[demo]'"
        ) from error
    digits = load_digits()
    return digits.images[..., None].astype("float32") / 16, digits.target


def sweep(optimizer: str, log_dir: str, dataset: str = "digits", num_steps: int = 100) -> LRFinder:
    """Run a range test of the network from 1e-5 to 10 with one optimizer.

    Args:
        optimizer: String. Name of a Keras optimizer, such as `"Adam"`.
        log_dir: String. Log directory; the run directory is `log_dir/DATASET/OPTIMIZER`.
        dataset: String. See `load`. Defaults to `"digits"`.
        num_steps: Integer. Number of steps of the sweep. Defaults to `100`.

    Returns:
        The `LRFinder` after the sweep.
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
        Path(log_dir) / dataset / optimizer.lower(),
        start_lr=1e-5,
        end_lr=10.0,
        num_steps=num_steps,
        verbose=0,  # its closing lines are for those who have the finder
    )
    batch_size = 64
    epochs = -(-num_steps // -(-len(images) // batch_size))
    model.fit(images, labels, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[finder])
    print(f"{optimizer}: {finder.suggestion}. Written to {finder.log_dir}.")
    return finder


def run(log_dir: str, dataset: str = "digits", num_steps: int = 100) -> list[LRFinder]:
    """Run the range tests of the demo, one for each optimizer, and return their finders."""
    return [sweep(optimizer, log_dir, dataset, num_steps) for optimizer in OPTIMIZERS]
