"""Sweeps the same network on any Keras backend; the curves agree up to rounding.

    for backend in tensorflow jax torch; do
      KERAS_BACKEND=$backend python examples/backends.py logs/backends
    done
    tensorboard --logdir logs/backends

Initial weights and the order of the data are drawn with NumPy, because random numbers differ between
backends. Requires scikit-learn for the digits.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from tb_lrfinder import LRFinder
from tb_lrfinder.demo import load


def make_model() -> keras.Model:
    """Return a small convolutional network with SGD and weights drawn with NumPy."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10),
        ],
        name="convnet",
    )
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            spread = np.sqrt(2 / kernel[..., 0].size)  # He et al. 2015, arXiv:1502.01852
            layer.set_weights([rng.normal(0, spread, kernel.shape), bias])
    model.compile(
        keras.optimizers.SGD(momentum=0.9), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    return model


def sweep(log_dir: Path | None) -> LRFinder:
    """Run a sweep on the digits, shuffled with NumPy."""
    images, labels = load("digits")
    order = np.random.default_rng(1).permutation(len(images))
    finder = LRFinder(log_dir, start_lr=1e-5, end_lr=10.0, num_steps=100)
    make_model().fit(
        images[order], labels[order], batch_size=64, epochs=4, shuffle=False, verbose=0, callbacks=[finder]
    )
    return finder


if __name__ == "__main__":
    logs = Path(sys.argv[1] if len(sys.argv) > 1 else "logs/backends")
    sweep(logs / keras.backend.backend())
