"""Properties of the Keras backend under test, which `KERAS_BACKEND` selects."""

import importlib

import keras
import pytest

BACKEND = keras.backend.backend()

several_batches_an_execution = pytest.mark.skipif(
    BACKEND == "torch", reason="Keras on PyTorch refuses steps_per_execution > 1"
)
averaged_weights = pytest.mark.skipif(
    BACKEND == "jax",
    reason="the second fit of a model with use_ema fails in Keras on JAX, with no callback at all",
)
only_on_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="a matter of TensorFlow alone")

only_on_jax = pytest.mark.skipif(BACKEND != "jax", reason="a matter of JAX alone")

needs_traces = pytest.mark.skipif(BACKEND == "torch", reason="PyTorch does not trace train steps")

needs_multi_optimizer = pytest.mark.skipif(
    not hasattr(keras.optimizers, "MultiOptimizer"), reason=f"Keras {keras.__version__} has none"
)


def tensorflow_data():
    """`tf.data`, which works on every backend, where TensorFlow is installed."""
    return pytest.importorskip("tensorflow").data


def draw_from_backend():
    """One number from the random numbers that the backend itself keeps."""
    if BACKEND == "jax":
        return 0.0  # it keeps none
    backend = importlib.import_module(BACKEND)
    return float(backend.random.uniform(()) if BACKEND == "tensorflow" else backend.rand(()))
