"""Which optimizers a sweep ramps, and which of them is the reference, as far as the code of a step tells."""

import functools

import keras
import pytest

from tb_lrfinder.keras.sweep.optimizers import swept_optimizers
from tests.keras.backends import BACKEND
from tests.keras.replay import small_model

if BACKEND == "jax":
    pytest.skip("`fit` carries the state of `model.optimizer` only", allow_module_level=True)


class TwoOptimizers(keras.Model):
    def __init__(self):
        super().__init__()
        self.a, self.b = keras.optimizers.Adam(), keras.optimizers.SGD()
        self.compile()


class Method(TwoOptimizers):
    def train_step(self, data):
        self.b.apply([])


class Compiled(TwoOptimizers):
    def train_step(self, data):
        self.b.apply([])
        self.optimizer.apply([])


class KerasStep(TwoOptimizers):
    """The step of Keras."""


class KerasStepAndOther(TwoOptimizers):
    def train_step(self, data):
        self.a.apply([])
        return super().train_step(data)


class Property(TwoOptimizers):
    @property
    def chosen(self):
        return self.b

    def train_step(self, data):
        self.chosen.apply([])


class Overridden(Compiled):
    def train_step(self, data):
        self.a.apply([])


class CallsBase(Method):
    def train_step(self, data):
        return super().train_step(data)


def function_of_the_module(model):
    model.b.apply([])


class CallsFunction(TwoOptimizers):
    def train_step(self, data):
        function_of_the_module(self)


def decorated(function):
    @functools.wraps(function)
    def call(*arguments):
        return function(*arguments)

    return call


class Decorated(TwoOptimizers):
    @decorated
    def train_step(self, data):
        self.b.apply([])


class Nested(TwoOptimizers):
    def train_step(self, data):
        def update():
            self.b.apply([])
            self.optimizer.apply([])

        update()


class OfAnother(TwoOptimizers):
    def train_step(self, data):
        self.teacher.optimizer.apply([])
        self.a.apply([])


class Dynamic(TwoOptimizers):
    def train_step(self, data):
        getattr(self, "a").apply([])  # noqa: B009


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Method, ["b"]),
        (Compiled, ["optimizer", "b"]),
        (KerasStep, ["optimizer"]),
        (KerasStepAndOther, ["optimizer", "a"]),
        (Property, ["b"]),
        (Overridden, ["a"]),
        (CallsBase, ["b"]),
        (CallsFunction, ["b"]),
        (Decorated, ["b"]),
        (Nested, ["optimizer", "b"]),
        (OfAnother, ["a"]),
        (Dynamic, ["optimizer"]),
    ],
)
def test_those_that_the_train_step_mentions(kind, expected):
    optimizers = swept_optimizers(kind(), None)
    assert list(optimizers.expected) == expected
    assert optimizers.reference == expected[0]
    assert sorted(optimizers.by_name) == ["a", "b", "optimizer"]  # all are ramped in any case


def test_a_step_that_is_an_attribute_of_the_model():
    model = TwoOptimizers()
    object.__setattr__(model, "train_step", lambda data: model.a.apply([]))
    assert swept_optimizers(model, None).reference == "a"


def test_wrapped_optimizers_are_one():
    inner = keras.optimizers.SGD()
    model = small_model(keras.optimizers.LossScaleOptimizer(inner))
    assert list(swept_optimizers(model, None).by_name) == ["optimizer"]
    model.inner = inner
    assert list(swept_optimizers(model, None).by_name) == ["optimizer"]
    assert swept_optimizers(model, "inner").all == [inner]


def test_a_model_with_one_optimizer():
    model = small_model()
    optimizers = swept_optimizers(model, None)
    assert optimizers.by_name == {"optimizer": model.optimizer}
    assert not optimizers.others
    assert swept_optimizers(model, "optimizer").all == [model.optimizer]
