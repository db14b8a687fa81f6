"""The training after a sweep, computed by a twin that is compiled with the suggestion and has no finder."""

from __future__ import annotations

import keras
import numpy as np

from tb_lrfinder import LRFinder
from tests.keras.replay import regression_data, same_state, state_of

BATCH_SIZE = 32
DATA = regression_data(384)  # 12 batches
EPOCHS = 10
STEPS = 30


def new_finder(log_dir=None, **arguments):
    """A finder of 30 steps: its sweep ends in the middle of the third epoch."""
    return LRFinder(
        log_dir,
        **{
            "start_lr": 1e-4,
            "end_lr": 1.0,
            "num_steps": STEPS,
            "stop": None,
            "verbose": 0,
            "then": "train",
        }
        | arguments,
    )


def noisy_model(optimizer="sgd", **compile_arguments):
    """A model with random numbers and statistics of its own, with the same weights each time."""
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, activation="tanh"),
            keras.layers.BatchNormalization(),
            # With a seed, because without it PyTorch draws from its global random state.
            keras.layers.Dropout(0.1, seed=3),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer, "mse", **compile_arguments)
    return model


def fit(model, *callbacks, data=DATA, **arguments):
    return model.fit(
        *data,
        callbacks=[*callbacks],
        **{"batch_size": BATCH_SIZE, "epochs": EPOCHS, "shuffle": False, "verbose": 0} | arguments,
    )


def train_twin(twin, swept_batches, **arguments):
    """Train on all batches after those of the sweep; return the logs of each epoch."""
    first_epoch, skipped = divmod(swept_batches, len(DATA[0]) // BATCH_SIZE)
    logs = []
    if skipped:
        rest = tuple(array[skipped * BATCH_SIZE :] for array in DATA)
        logs += logs_of(fit(twin, data=rest, **arguments | {"epochs": 1}))
        first_epoch += 1
    return logs + logs_of(fit(twin, initial_epoch=first_epoch, **arguments))


def logs_of(history):
    """The logs of each epoch of a History."""
    names = list(history.history)
    return [dict(zip(names, values, strict=True)) for values in zip(*history.history.values(), strict=True)]


def assert_same_training(model, twin):
    assert same_state(state_of(model), state_of(twin))
    assert all(np.isfinite(value).all() for value in state_of(model) if value.dtype.kind == "f")
