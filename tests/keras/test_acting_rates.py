"""The learning rate that acts in each batch is the recorded one, for every kind of data.

It is read off the weights: each batch of an epoch has a weight of its own, and a gradient of -1 for it, so
that the weight rises by the learning rate of that batch, to the bit; also where several batches run before
anybody is asked.
"""

import itertools

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.backends import BACKEND, only_on_tensorflow, tensorflow_data

ROWS = 20
VARYING = (3, 1, 5, 2, 4)
WIDTH = 64  # more batches than any sweep here takes
executions = pytest.mark.parametrize("per_execution", [1] if BACKEND == "torch" else [1, 4, 5])


def samples(length):
    return np.eye(length, dtype="float32"), np.ones((length, 1), "float32")


def arrays(length):
    x, y = samples(length)
    return {"x": x, "y": y, "batch_size": 1, "shuffle": False}


def known(length):
    return {"x": tensorflow_data().Dataset.from_tensor_slices(samples(length)).batch(1)}


def filtered(length):
    return {"x": known(length)["x"].filter(lambda x, y: True)}


def _from_generator(generator, width):
    import tensorflow as tf

    signature = (tf.TensorSpec((1, width), "float32"), tf.TensorSpec((1, 1), "float32"))
    return {"x": tensorflow_data().Dataset.from_generator(generator, output_signature=signature)}


def generated(length):
    tensorflow_data()
    x, y = samples(length)
    return _from_generator(lambda: ((x[i : i + 1], y[i : i + 1]) for i in range(length)), length)


def varying(length):
    """Each epoch has another number of batches."""
    tensorflow_data()
    x, y = samples(max(VARYING))
    lengths = itertools.cycle(VARYING)
    return _from_generator(lambda: ((x[i : i + 1], y[i : i + 1]) for i in range(next(lengths))), len(x))


def py_dataset(length):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return length

        def __getitem__(self, index):
            x, y = samples(length)
            return x[index : index + 1], y[index : index + 1]

    return {"x": Batches(workers=1), "shuffle": False}


def _batches(length):
    x, y = samples(length)
    return ((x[i : i + 1], y[i : i + 1]) for i in range(length))


def endless_generator(length):
    # Keras may take more than `steps_per_epoch` batches, a whole execution, so it does not begin anew.
    return {"x": _batches(WIDTH), "steps_per_epoch": length}


def generator(length):
    """One that ends, and with it the only epoch."""
    return {"x": _batches(length)}


def data_loader(length):
    torch = pytest.importorskip("torch")
    x, y = samples(length)
    return {
        "x": torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y)), batch_size=1
        )
    }


def linear(width, optimizer=None, **compile_arguments):
    model = keras.Sequential([keras.Input((width,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(optimizer or keras.optimizers.SGD(0.5), lambda y_true, y_pred: -y_pred, **compile_arguments)
    model.layers[0].kernel.assign(np.zeros((width, 1)))
    return model


class Spy(keras.callbacks.Callback):
    """The weights after each execution."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append(self.model.layers[0].kernel.numpy()[:, 0].copy())


def sweep(model, epochs, **fit):
    spy = Spy()
    finder = LRFinder(None, 1e-3, 1, ROWS, stop=None, verbose=0)
    model.fit(epochs=epochs, verbose=0, callbacks=[spy, finder], **fit)
    assert len(finder.sweep) == ROWS
    return finder.sweep.learning_rate.astype(np.float32), spy.weights


def assert_recorded_rates_acted(rates, weights):
    before, row = np.zeros_like(weights[0]), 0
    for after in weights:
        for place in np.flatnonzero(after != before):
            before[place] += rates[min(row, ROWS - 1)]
            row += 1
        assert np.array_equal(before, after), f"up to row {row}"
    assert row >= ROWS


@executions
@pytest.mark.parametrize("length", [1, 4, 10])
@pytest.mark.parametrize(
    "data",
    [arrays, known, filtered, generated, py_dataset, endless_generator, data_loader],
    ids=lambda f: f.__name__,
)
def test_for_every_kind_of_data(data, length, per_execution):
    fit = data(length)
    model = linear(WIDTH if data is endless_generator else length, steps_per_execution=per_execution)
    assert_recorded_rates_acted(*sweep(model, ROWS // length + 2, **fit))


@executions
def test_for_epochs_of_different_lengths(per_execution):
    fit = varying(None)
    model = linear(max(VARYING), steps_per_execution=per_execution)
    assert_recorded_rates_acted(*sweep(model, ROWS, **fit))


@executions
def test_for_one_epoch_of_unknown_length(per_execution):
    model = linear(ROWS, steps_per_execution=per_execution)
    assert_recorded_rates_acted(*sweep(model, 1, **generator(ROWS)))


@only_on_tensorflow
@pytest.mark.parametrize("arguments", [{"jit_compile": True}, {"run_eagerly": True}], ids=str)
def test_compiled_by_xla_and_eagerly(arguments):
    assert_recorded_rates_acted(*sweep(linear(4, **arguments), 8, **filtered(4)))


def test_with_gradient_accumulation():
    """Whose count Keras itself advances at the end of each such epoch on TensorFlow."""
    model = linear(1, keras.optimizers.SGD(0.5, gradient_accumulation_steps=3))
    x, y = np.ones((4, 1), "float32"), np.ones((4, 1), "float32")
    batches = tensorflow_data().Dataset.from_tensor_slices((x, y)).batch(1).filter(lambda x, y: True)
    rates, weights = sweep(model, 20, x=batches)
    expected = np.cumsum(rates, dtype=np.float32)
    assert np.concatenate(weights)[2::3] == pytest.approx(expected, rel=1e-6)


class LosesCount(keras.callbacks.Callback):
    """What a fault in the counting would do: a batch of the ramp goes by that no row is of."""

    def __init__(self, finder):
        super().__init__()
        self._finder = finder

    def on_train_batch_begin(self, batch, logs=None):
        swept = self._finder._fit._running._train_function
        if batch != 8:
            return
        if hasattr(swept, "_position_variable"):
            swept._position_variable.assign_add(1)
        else:
            swept._number += 1


@pytest.mark.parametrize("per_execution", [1] if BACKEND == "torch" else [1, 4])
def test_a_sweep_that_has_lost_count_ends_with_an_error(per_execution, tmp_path):
    model = linear(10, steps_per_execution=per_execution)
    finder = LRFinder(tmp_path / "run", 1e-3, 1, ROWS, stop=None, verbose=0)
    with pytest.raises(RuntimeError, match="cannot match the losses of Sequential to learning rates"):
        model.fit(**arrays(10), epochs=3, verbose=0, callbacks=[LosesCount(finder), finder])
    assert finder.stop_reason == "failed"
    assert len(finder.sweep) == 8
    assert not model.get_weights()[0].any()
    model.fit(**arrays(10), verbose=0)  # and the finder has no part in it any more
    assert model.get_weights()[0] == pytest.approx(np.full((10, 1), 0.5))
