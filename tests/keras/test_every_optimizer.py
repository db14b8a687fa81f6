"""All optimizers and variables are restored, wherever the model keeps them."""

import types

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tb_lrfinder.keras.sweep.unbuilt import Unbuilt
from tests.keras.backends import BACKEND, only_on_tensorflow
from tests.keras.replay import regression_data, same_state, small_model

not_on_jax = pytest.mark.skipif(
    BACKEND == "jax", reason="a train step on JAX changes nothing but the model's own state"
)


def network(name):
    return keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, activation="tanh"), keras.layers.Dense(1)], name=name
    )


class TwoNetworks(keras.Model):
    """As a GAN: two networks, each with its optimizer, and a moving average of one that is no layer of it."""

    def __init__(self, place, build):
        super().__init__()
        self.first, self.second = network("first"), network("second")
        self.helper = types.SimpleNamespace(average=network("average"))  # Keras does not see it
        self.place = place
        self.others = [keras.optimizers.Adam(0.01), keras.optimizers.Adagrad(0.01)]
        if build:
            for optimizer, net in zip(self.others, (self.first, self.second), strict=True):
                optimizer.build(net.trainable_variables)
        PLACES[place](self, *self.others)

    def compile(self, *arguments, **keywords):
        super().compile(*arguments, **keywords)
        if self.place == "set by compile":
            self.d_optimizer, self.g_optimizer = self.hidden

    def call(self, inputs):
        return self.first(inputs) + self.second(inputs)


class _Holder:
    """A plain Python object of the user's."""

    __slots__ = ("__dict__",)


def _attributes(model, first, second):
    model.d_optimizer, model.g_optimizer = first, second


def _in_a_dict(model, first, second):
    model.optimizers_by_name = {"d": first, "g": second}


def _in_a_list(model, first, second):
    model.all_optimizers = [first, [second]]


def _of_sub_models(model, first, second):
    model.first.optimizer, model.second.own = first, second


def _in_an_object(model, first, second):
    model.plain = _Holder()
    model.plain.inner = _Holder()
    model.plain.inner.pair = (first, second)


def _in_a_closure(model, first, second):
    model.get_optimizers = lambda: (first, second)


def _set_by_compile(model, first, second):
    model.hidden = (first, second)


_GLOBAL = {}


def _global(model, first, second):
    _GLOBAL.update(d=first, g=second)


class UsesGlobals(TwoNetworks):
    def optimizers_of_the_step(self):
        return _GLOBAL["d"], _GLOBAL["g"]


PLACES = {
    "attributes": _attributes,
    "dict": _in_a_dict,
    "list": _in_a_list,
    "sub-models": _of_sub_models,
    "object": _in_an_object,
    "closure": _in_a_closure,
    "set by compile": _set_by_compile,
    "global": _global,
}


class TrainsAll(keras.callbacks.Callback):
    """Trains both networks, with their own optimizers, beside every batch, as a step of their own would."""

    def __init__(self, optimizers):
        super().__init__()
        self.optimizers = optimizers

    def on_train_batch_begin(self, batch, logs=None):
        model = self.model
        for optimizer, net in zip(self.optimizers, (model.first, model.second), strict=True):
            gradients = [keras.ops.convert_to_tensor(np.full(v.shape, 0.5, "float32")) for v in net.weights]
            optimizer.apply(gradients, net.trainable_variables)
        for average, weight in zip(model.helper.average.weights, model.first.weights, strict=True):
            average.assign(0.9 * average + 0.1 * weight)


def all_state(model):
    optimizers = [model.optimizer, *model.others]
    variables = [
        *model.variables,
        *model.helper.average.variables,
        *(v for o in optimizers for v in o.variables),
    ]
    return [np.array(variable.numpy()) for variable in variables]


@pytest.mark.combinations
@pytest.mark.parametrize("build", [True, False], ids=["built", "unbuilt"])
@pytest.mark.parametrize("place", PLACES)
def test_training_goes_on_as_if_there_had_been_no_sweep(place, build):
    states = []
    for swept in (False, True):
        keras.utils.set_random_seed(3)
        model = (UsesGlobals if place == "global" else TwoNetworks)(place, build)
        model.compile("sgd", "mse")
        model(regression_data()[0][:2])
        others = model.others
        del model.others
        model.built = True
        if swept:
            finder = LRFinder(None, 1e-4, 1.0, 10, stop=None, verbose=0)
            model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[TrainsAll(others), finder])
            assert len(finder.sweep) == 10
            assert [optimizer.built for optimizer in others] == [build, build]
        model.fit(*regression_data(), batch_size=8, shuffle=False, verbose=0, callbacks=[TrainsAll(others)])
        model.others = others
        states.append(all_state(model))
    assert same_state(*states)


class Gan(keras.Model):
    """The usual one: both optimizers are attributes, and the first step builds them."""

    def __init__(self):
        super().__init__()
        self.generator, self.discriminator = network("generator"), network("discriminator")
        self.loss_tracker = keras.metrics.Mean(name="loss")

    def compile(self, d_optimizer, g_optimizer):
        super().compile(optimizer=g_optimizer)
        self.d_optimizer = d_optimizer

    def call(self, inputs):
        return self.generator(inputs)


class TensorFlowGan(Gan):
    def train_step(self, data):
        import tensorflow as tf

        x, y = data
        for net, optimizer in (
            (self.discriminator, self.d_optimizer),
            (self.generator, self.optimizer),
        ):
            with tf.GradientTape() as tape:
                loss = keras.ops.mean(keras.ops.square(net(x) - y))
            optimizer.apply_gradients(
                zip(tape.gradient(loss, net.trainable_weights), net.trainable_weights, strict=True)
            )
        self.loss_tracker.update_state(loss)
        return {"loss": self.loss_tracker.result()}


@only_on_tensorflow
def test_an_optimizer_that_only_the_train_step_builds():
    states = []
    for swept in (False, True):
        keras.utils.set_random_seed(3)
        model = TensorFlowGan()
        model.compile(keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.02))
        model(regression_data()[0][:2])
        if swept:
            finder = LRFinder(None, 1e-4, 1.0, 10, stop=None, verbose=0)
            model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder])
            assert len(finder.sweep) == 10
            assert not model.d_optimizer.built
        model.fit(*regression_data(), batch_size=8, shuffle=False, verbose=0)
        assert int(model.d_optimizer.iterations.numpy()) == 12
        variables = [*model.variables, *model.optimizer.variables, *model.d_optimizer.variables]
        states.append([np.array(variable.numpy()) for variable in variables])
    assert same_state(*states)


def test_variables_that_the_sweep_creates_are_listed():
    model = small_model()

    class Creates(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 3:
                self.model.later = keras.optimizers.Adam()
                self.model.later.build(self.model.trainable_variables)

    finder = LRFinder(None, 1e-4, 1.0, 10, stop=None, verbose=0)
    with pytest.warns(RuntimeWarning, match=r"created \d+ variables .* adam.*/iteration"):
        model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[Creates(), finder])


def test_objects_that_cannot_be_inspected_are_an_error_before_the_first_batch():
    class Odd(dict):
        def items(self):
            raise OSError("gone")

    model = small_model()
    before = model.get_weights()
    model.helper = types.SimpleNamespace(odd=Odd())
    finder = LRFinder(None, 1e-4, 1.0, 10, stop=None, verbose=0)
    with pytest.raises(
        RuntimeError, match=r"cannot determine the variables of .*\.helper\.odd' \(Odd\).* gone"
    ):
        model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[finder])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@only_on_tensorflow
def test_variables_of_tensorflow_itself():
    import tensorflow as tf

    model = small_model()
    model.counter = tf.Variable(5.0)
    count = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: model.counter.assign_add(1.0)
    )
    finder = LRFinder(None, 1e-4, 1.0, 10, stop=None, verbose=0)
    model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[count, finder])
    assert float(model.counter) == 5.0


@pytest.mark.skipif(BACKEND != "torch", reason="a matter of PyTorch alone")
def test_modules_of_pytorch_itself():
    import torch

    norm = torch.nn.BatchNorm1d(4)
    model = small_model()
    model.helper = types.SimpleNamespace(norm=norm)

    def normalize(batch, logs):
        norm(torch.ones(3, 4) * 7)
        with torch.no_grad():
            norm.weight += 1

    before = {name: value.clone() for name, value in norm.state_dict().items()}
    count = keras.callbacks.LambdaCallback(on_train_batch_end=normalize)
    finder = LRFinder(None, 1e-4, 1.0, 10, stop=None, verbose=0)
    model.fit(*regression_data(), batch_size=8, verbose=0, callbacks=[count, finder])
    assert all(torch.equal(before[name], value) for name, value in norm.state_dict().items())


@pytest.mark.parametrize(
    "make", [lambda: keras.optimizers.Adam(0.1, amsgrad=True), lambda: keras.layers.Dense(2)]
)
def test_an_unbuilt_object_is_as_if_never_built(make):
    owner = make()
    names, at_first = set(vars(owner)), len(owner.variables)
    unbuilt = Unbuilt(owner)
    for _ in range(2):
        if isinstance(owner, keras.Layer):
            owner.build((None, 3))
        else:
            owner.build(small_model().trainable_variables)
        number = len(owner.variables)
        unbuilt.restore()
        assert not owner.built
        assert set(vars(owner)) == names
        assert len(owner.variables) == at_first < number
