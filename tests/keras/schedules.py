"""Schedules of Keras and of users, and all their learning rates."""

import keras
import numpy as np
from keras.optimizers import schedules

from tests.keras.backends import BACKEND


@keras.saving.register_keras_serializable(package="tests")
class InverseSqrt(schedules.LearningRateSchedule):
    """As for the original Transformer: linear warmup, then 1 / sqrt(step)."""

    def __init__(self, rate=0.1, warmup=17):
        self.rate = rate
        self.warmup = warmup

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        return self.rate * keras.ops.minimum(keras.ops.rsqrt(step), step * self.warmup**-1.5)

    def get_config(self):
        return {"rate": self.rate, "warmup": self.warmup}


class HalvedCosine(schedules.CosineDecay):
    """A subclass of a schedule of Keras that returns something else."""

    def __call__(self, step):
        return super().__call__(step) * 0.5


OF_KERAS = {
    "exponential": schedules.ExponentialDecay(0.1, 10, 0.5),
    "staircase": schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True),
    "exponential ramp": schedules.ExponentialDecay(1e-4, 10, 1.5),
    "inverse time": schedules.InverseTimeDecay(0.1, 10, 0.5),
    "polynomial": schedules.PolynomialDecay(0.1, 10, 0.01, power=2.0),
    "polynomial cycle": schedules.PolynomialDecay(0.1, 10, 0.01, cycle=True),
    "linear warmup": schedules.PolynomialDecay(0.001, 10, 0.1),
    "piecewise": schedules.PiecewiseConstantDecay([3, 7], [0.1, 0.3, 0.2]),
    "cosine": schedules.CosineDecay(0.01, 20, alpha=0.1),
    "cosine warmup": schedules.CosineDecay(0.001, 20, 0.1, warmup_target=0.03, warmup_steps=7),
    "warmup from zero": schedules.CosineDecay(0.0, 20, warmup_target=0.03, warmup_steps=6.5),
    "restarts": schedules.CosineDecayRestarts(0.02, 7),
    "equal restarts that grow": schedules.CosineDecayRestarts(0.02, 10, t_mul=1.0, m_mul=1.3),
    "restarts that grow": schedules.CosineDecayRestarts(0.02, 7, t_mul=1.5, m_mul=1.3, alpha=0.01),
    "restarts that shrink": schedules.CosineDecayRestarts(0.02, 7, m_mul=0.5),
}
OF_USERS = {"own": InverseSqrt(), "subclass": HalvedCosine(0.02, 20)}


def rates_of(schedule, steps):
    """Its learning rate at each step, computed inside compiled functions as in training."""
    at = _compiled(schedule)
    return np.array([float(keras.ops.convert_to_numpy(at(_integer(step)))) for step in steps], np.float64)


def _integer(step):
    return keras.ops.convert_to_tensor(step, dtype="int")


def _compiled(schedule):
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(schedule)
    if BACKEND == "jax":
        import jax

        return jax.jit(schedule)
    return schedule
