"""The same network on the same data has the same curve on every backend: see examples/backends.py."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "backends.py"
# Losses of the sweep up to a learning rate of 0.1, computed on TensorFlow 2.21. Beyond it, a difference in
# the last digit grows from step to step, on one and the same backend too.
LOSSES = np.loadtxt(Path(__file__).with_name("digits_convnet_losses.txt"))


def test_the_sweep_of_a_convolutional_network_agrees_with_the_one_on_tensorflow():
    pytest.importorskip("sklearn")
    spec = importlib.util.spec_from_file_location("backends_example", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    sweep = example.sweep(None).sweep
    assert sweep.learning_rate[len(LOSSES) - 1] == pytest.approx(0.1, rel=0.2)
    np.testing.assert_allclose(sweep.loss[: len(LOSSES)], LOSSES, rtol=1e-4)
