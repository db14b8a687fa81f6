"""Models whose train step uses several optimizers, on TensorFlow and PyTorch."""

from __future__ import annotations

import keras
import numpy as np

from tests.keras.backends import BACKEND
from tests.keras.replay import batches_of, regression_data


def network(name, outputs=1):
    layers = [keras.Input((4,)), keras.layers.Dense(3, activation="tanh"), keras.layers.Dense(outputs)]
    return keras.Sequential(layers, name=name)


def update(optimizer, networks, loss_of):
    """One update of `networks`; returns the loss before it."""
    weights = [weight for each in networks for weight in each.trainable_weights]
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = loss_of()
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss
    import torch

    for each in networks:
        each.zero_grad()
    loss = loss_of()
    loss.backward()
    with torch.no_grad():
        optimizer.apply([weight.value.grad for weight in weights], weights)
    return loss.detach()


def gradient_of(network, inputs):
    """The gradient of the outputs of a network, which can be differentiated again."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = network(inputs)
        return tape.gradient(outputs, inputs)
    import torch

    inputs = inputs.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(network(inputs).sum(), inputs, create_graph=True)
    return gradient


def mean_square(value):
    return keras.ops.mean(keras.ops.square(value))


class Gan(keras.Model):
    """As the examples of Keras write it: `compile` makes a default optimizer that no step uses."""

    def __init__(self):
        super().__init__()
        self.discriminator, self.generator = network("discriminator"), network("generator", 4)

    if BACKEND == "torch":  # whose `fit` builds every model

        def call(self, inputs):
            return self.discriminator(self.generator(inputs))

    def compile(self, d_optimizer, g_optimizer, **arguments):
        super().compile(**arguments)
        self.d_optimizer = d_optimizer
        self.g_optimizer = g_optimizer

    def update_discriminator(self, optimizer, x):
        def loss_of():
            fakes = keras.ops.stop_gradient(self.generator(x, training=True))
            return mean_square(self.discriminator(x) - 1) + mean_square(self.discriminator(fakes))

        return update(optimizer, [self.discriminator], loss_of)

    def update_generator(self, optimizer, x):
        return update(
            optimizer, [self.generator], lambda: mean_square(self.discriminator(self.generator(x)) - 1)
        )

    def train_step(self, data):
        x = data[0]
        d_loss = self.update_discriminator(self.d_optimizer, x)
        return {"d_loss": d_loss, "g_loss": self.update_generator(self.g_optimizer, x)}


class Wgan(Gan):
    """Several updates of the critic per batch, with a gradient penalty at random points."""

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator(3)

    def update_discriminator(self, optimizer, x):
        x = keras.ops.convert_to_tensor(x)

        def loss_of():
            fakes = keras.ops.stop_gradient(self.generator(x, training=True))
            share = keras.random.uniform((keras.ops.shape(x)[0], 1), seed=self.seeds)
            gradient = gradient_of(self.discriminator, share * x + (1 - share) * fakes)
            norm = keras.ops.sqrt(keras.ops.sum(keras.ops.square(gradient), axis=1) + 1e-12)
            difference = keras.ops.mean(self.discriminator(fakes) - self.discriminator(x))
            return difference + mean_square(norm - 1)

        return update(optimizer, [self.discriminator], loss_of)

    def train_step(self, data):
        x = data[0]
        for _ in range(3):
            d_loss = self.update_discriminator(self.d_optimizer, x)
        return {"d_loss": d_loss, "g_loss": self.update_generator(self.g_optimizer, x)}


class InADict(Gan):
    def compile(self, d_optimizer, g_optimizer, **arguments):
        keras.Model.compile(self, **arguments)
        self.optimizers = {"d": d_optimizer, "g": g_optimizer}

    def train_step(self, data):
        x = data[0]
        d_loss = self.update_discriminator(self.optimizers["d"], x)
        return {"d_loss": d_loss, "g_loss": self.update_generator(self.optimizers["g"], x)}


class InAList(InADict):
    def compile(self, *optimizers, **arguments):
        keras.Model.compile(self, **arguments)
        self.optimizers = list(optimizers)

    def train_step(self, data):
        x = data[0]
        d_loss = self.update_discriminator(self.optimizers[0], x)
        return {"d_loss": d_loss, "g_loss": self.update_generator(self.optimizers[1], x)}


class OneCompiled(Gan):
    """The generator is trained by the optimizer of `compile`."""

    def compile(self, d_optimizer, g_optimizer, **arguments):
        keras.Model.compile(self, g_optimizer, **arguments)
        self.d_optimizer = d_optimizer

    def train_step(self, data):
        x = data[0]
        d_loss = self.update_discriminator(self.d_optimizer, x)
        return {"d_loss": d_loss, "g_loss": self.update_generator(self.optimizer, x)}


class CompiledUnderTwoNames(Gan):
    """The optimizer of `compile` is an attribute, too, and the step uses that."""

    def compile(self, d_optimizer, g_optimizer, **arguments):
        keras.Model.compile(self, g_optimizer, **arguments)
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer

    def train_step(self, data):
        return self.decorated_step(data)

    if BACKEND == "tensorflow":
        import tensorflow as tf

        @tf.function
        def decorated_step(self, data):
            return Gan.train_step(self, data)
    else:

        def decorated_step(self, data):
            return super().train_step(data)


class InNetworks(Gan):
    """The optimizers are attributes of the networks."""

    def compile(self, d_optimizer, g_optimizer, **arguments):
        keras.Model.compile(self, **arguments)
        self.discriminator.own_optimizer, self.generator.own_optimizer = d_optimizer, g_optimizer

    def train_step(self, data):
        x = data[0]
        d_loss = self.update_discriminator(self.discriminator.own_optimizer, x)
        return {"d_loss": d_loss, "g_loss": self.update_generator(self.generator.own_optimizer, x)}


class CompiledNetworks(Gan):
    """Both networks are compiled, and the step uses their optimizers."""

    def compile(self, d_optimizer, g_optimizer, **arguments):
        keras.Model.compile(self, **arguments)
        self.discriminator.compile(d_optimizer)
        self.generator.compile(g_optimizer)

    def train_step(self, data):
        x, discriminator = data[0], self.discriminator
        d_loss = self.update_discriminator(discriminator.optimizer, x)
        return {"d_loss": d_loss, "g_loss": self.update_generator(self.generator.optimizer, x)}


class Contrastive(keras.Model):
    """As SimCLR: an encoder with a projection head, and a linear probe on the encoder."""

    def __init__(self):
        super().__init__()
        self.encoder, self.projection, self.probe = (
            network("encoder", 4),
            network("projection"),
            network("probe"),
        )

    if BACKEND == "torch":

        def call(self, inputs):
            return self.probe(self.encoder(inputs))

    def compile(self, contrastive_optimizer, probe_optimizer, **arguments):
        super().compile(**arguments)
        self.contrastive_optimizer = contrastive_optimizer
        self.probe_optimizer = probe_optimizer

    def train_step(self, data):
        x, y = (keras.ops.convert_to_tensor(each) for each in data[:2])
        loss = update(
            self.contrastive_optimizer,
            [self.encoder, self.projection],
            lambda: mean_square(self.projection(self.encoder(x)) - self.projection(self.encoder(-x)) - 1),
        )
        encoded = keras.ops.stop_gradient(self.encoder(x))
        p_loss = update(self.probe_optimizer, [self.probe], lambda: mean_square(self.probe(encoded) - y))
        return {"d_loss": loss, "g_loss": p_loss}


KINDS = {
    "gan": Gan,
    "several critic updates": Wgan,
    "contrastive": Contrastive,
    "dict": InADict,
    "list": InAList,
    "one compiled": OneCompiled,
    "compiled under two names": CompiledUnderTwoNames,
    "attributes of sub-models": InNetworks,
    "compiled networks": CompiledNetworks,
}
NAMES = {
    "gan": ("d_optimizer", "g_optimizer"),
    "several critic updates": ("d_optimizer", "g_optimizer"),
    "contrastive": ("contrastive_optimizer", "probe_optimizer"),
    "dict": ("optimizers['d']", "optimizers['g']"),
    "list": ("optimizers[0]", "optimizers[1]"),
    "one compiled": ("d_optimizer", "optimizer"),
    "compiled under two names": ("d_optimizer", "g_optimizer"),
    "attributes of sub-models": ("discriminator.own_optimizer", "generator.own_optimizer"),
    "compiled networks": ("discriminator.optimizer", "generator.optimizer"),
}
RATES = (0.25, 0.0625)
"""Learning rates of the two optimizers, whose ratio is exact in float32."""


def make(kind, built=False, optimizers=None, **arguments):
    """A model of the kind, with the same weights each time; its two optimizers are in `own`."""
    keras.utils.set_random_seed(7)
    model = (KINDS[kind] if isinstance(kind, str) else kind)()
    first, second = (
        optimizers()
        if optimizers
        else (keras.optimizers.Adam(RATES[0]), keras.optimizers.SGD(RATES[1], momentum=0.9))
    )
    model.compile(first, second, **arguments)
    if built:
        one, two = (
            ([model.encoder, model.projection], [model.probe])
            if isinstance(model, Contrastive)
            else ([model.discriminator], [model.generator])
        )
        first.build([weight for each in one for weight in each.trainable_weights])
        second.build([weight for each in two for weight in each.trainable_weights])
    if BACKEND == "torch" and not model.optimizer.built:  # as `fit` does before it calls any callback
        model.optimizer.build(model.trainable_variables)
    return model, (first, second)


def everything(model, optimizers):
    """Every number that training may change."""
    variables = {id(v): v for each in (model, model.optimizer, *optimizers) for v in each.variables}
    return [np.array(variable.numpy()) for variable in variables.values()]


def replay(model, optimizers, first_rates, second_rates, name, batch_size=8):
    """Train a twin with float learning rates batch by batch; return the losses."""
    first, second = optimizers
    losses = []
    batches = batches_of(*regression_data(), batch_size=batch_size, epochs=4)
    for (x, y, _), one, two in zip(batches, first_rates, second_rates, strict=False):
        first.learning_rate, second.learning_rate = float(one), float(two)
        losses.append(model.train_on_batch(x, y, return_dict=True)[name])
    return np.array(losses)
