"""The networks of the tasks: layers for a data set, and what they learn from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from keras import layers

from .blocks import (
    Attention,
    Columns,
    Convolution,
    Gated,
    Mixer,
    Patches,
    Places,
    Pool,
    Residual,
    Sample,
    Twice,
    contrastive,
)
from .datasets import Data

Layers = list[Any]


@dataclass(frozen=True)
class Network:
    """How a data set is learnt.

    Args:
        make: Returns new layers for a data set.
        prepare: Makes other inputs or targets of a data set: those of an autoencoder, say.
        loss: Name of the loss; None for that of the data set.
        single: Whether copies of the network are trained one after the other, which suits convolutions better
            than all at once.
        tuned: For a network that was trained on half of the classes: "all" of its layers learn the others,
            or only the "last".
    """

    make: Callable[[Data], Layers]
    prepare: Callable[[Data], Data] = lambda data: data
    loss: str | None = None
    single: bool = False
    tuned: str = ""


def end(data: Data, probabilities: bool = False) -> Layers:
    """The last layer: logits (or probabilities) of classes, or numbers."""
    if data.classes:
        return [layers.Dense(data.classes, "softmax" if probabilities else None)]
    return [layers.Dense(data.y.shape[1] if data.y.ndim > 1 else 1)]


def _embedded(data: Data, width: int) -> Layers:
    return [layers.Embedding(data.tokens, width)] if data.tokens else []


def mlp(
    *units: int, act: str = "relu", norm: str = "", dropout: float = 0.0, probabilities: bool = False
) -> Network:
    """Dense layers."""

    def make(data: Data) -> Layers:
        stack: Layers = []
        if data.tokens:
            stack += _embedded(data, 8)
        if data.tokens or data.x.ndim > 2:
            stack += [layers.Flatten()]
        for width in units:
            stack += [layers.Dense(width, use_bias=norm != "batch")]
            stack += [layers.BatchNormalization()] * (norm == "batch")
            stack += [layers.LayerNormalization()] * (norm == "layer")
            stack += [layers.Activation(act)]
            stack += [layers.Dropout(dropout, seed=5)] if dropout else []
        return stack + end(data, probabilities)

    return Network(make, loss="probabilities" if probabilities else None)


def residual_mlp(width: int, blocks: int, norm: str = "layer") -> Network:
    def make(data: Data) -> Layers:
        stack: Layers = [layers.Flatten(), layers.Dense(width)]
        for _ in range(blocks):
            first = [layers.LayerNormalization()] if norm == "layer" else []
            stack.append(Residual(*first, layers.Dense(width, "relu"), layers.Dense(width)))
        return stack + end(data)

    return Network(make)


def gated(width: int) -> Network:
    return Network(lambda data: [Gated(width), layers.LayerNormalization(), Gated(width), *end(data)])


def column_transformer(width: int) -> Network:
    """A transformer over the columns of a table."""
    return Network(
        lambda data: [
            Columns(width),
            Attention(width),
            Residual(layers.LayerNormalization(), layers.Dense(2 * width, "gelu"), layers.Dense(width)),
            layers.GlobalAveragePooling1D(),
            *end(data),
        ]
    )


def convnet(*filters: int, norm: str = "", dense: int = 0, dropout: float = 0.0) -> Network:
    """Convolutions, each followed by pooling."""

    def make(data: Data) -> Layers:
        stack: Layers = _embedded(data, 8)
        for count in filters:
            stack += [Convolution(count, bias=not norm)]
            stack += [layers.BatchNormalization()] * (norm == "batch") + [layers.ReLU(), Pool()]
        stack += [layers.Flatten()]
        stack += [layers.Dense(dense, "relu")] if dense else []
        stack += [layers.Dropout(dropout, seed=5)] if dropout else []
        return stack + end(data)

    return Network(make, single=True)


def resnet(width: int, blocks: int, norm: bool = True) -> Network:
    def make(data: Data) -> Layers:
        stack: Layers = [*_embedded(data, 8), Convolution(width, stride=2), layers.ReLU()]
        for _ in range(blocks):
            one: Layers = [Convolution(width, bias=not norm)]
            one += [layers.BatchNormalization()] * norm + [layers.ReLU(), Convolution(width, bias=not norm)]
            stack += [Residual(*one, *[layers.BatchNormalization()] * norm), layers.ReLU()]
        pool = layers.GlobalAveragePooling2D() if data.x.ndim == 4 else layers.GlobalAveragePooling1D()
        return [*stack, pool, *end(data)]

    return Network(make, single=True)


def dilated(width: int) -> Network:
    """Convolutions over time that see farther from layer to layer."""

    def make(data: Data) -> Layers:
        stack: Layers = [*_embedded(data, 8), Convolution(width)]
        for reach in (1, 2, 4):
            stack.append(Residual(layers.ReLU(), Convolution(width, dilation=reach)))
        return [*stack, layers.GlobalAveragePooling1D(), *end(data)]

    return Network(make, single=True)


def vision_transformer(width: int, patch: int, blocks: int = 1) -> Network:
    def make(data: Data) -> Layers:
        stack: Layers = [Patches(patch), layers.Dense(width), Places()]
        for _ in range(blocks):
            inner = [layers.LayerNormalization(), layers.Dense(2 * width, "gelu"), layers.Dense(width)]
            stack += [Attention(width), Residual(*inner)]
        return [*stack, layers.LayerNormalization(), layers.GlobalAveragePooling1D(), *end(data)]

    return Network(make)


def mixer(width: int, patch: int) -> Network:
    def make(data: Data) -> Layers:
        places = (data.x.shape[1] // patch) * (data.x.shape[2] // patch)
        stack = [Patches(patch), layers.Dense(width), Mixer(places, width), Mixer(places, width)]
        return [*stack, layers.GlobalAveragePooling1D(), *end(data)]

    return Network(make)


def recurrent(kind: str, units: int, each: bool = False, both_ways: bool = False) -> Network:
    """`each`: an answer for each step, as language models give."""

    def make(data: Data) -> Layers:
        cell = getattr(layers, kind)(units, return_sequences=each)
        cell = layers.Bidirectional(cell) if both_ways else cell
        return [*_embedded(data, 12), cell, *end(data)]

    return Network(make)


def transformer(width: int, blocks: int = 1, each: bool = False, post_norm: bool = False) -> Network:
    def make(data: Data) -> Layers:
        stack: Layers = _embedded(data, width) or [layers.Dense(width)]
        stack += [Places()]
        for _ in range(blocks):
            stack.append(Attention(width, causal=each, post_norm=post_norm))
            inner: Layers = [layers.Dense(2 * width, "gelu"), layers.Dense(width)]
            if post_norm:
                stack += [Residual(*inner), layers.LayerNormalization()]
            else:
                stack += [Residual(layers.LayerNormalization(), *inner)]
        stack += [] if each else [layers.GlobalAveragePooling1D()]
        return stack + end(data)

    return Network(make)


def last_letters(width: int, before: int = 4) -> Network:
    """Predicts each character from the few before it."""
    return Network(
        lambda data: [
            layers.Embedding(data.tokens, 12),
            layers.ZeroPadding1D((before - 1, 0)),
            Convolution(width, before, same=False),
            layers.Activation("tanh"),
            *end(data),
        ]
    )


def bag(width: int, dense: int = 0) -> Network:
    return Network(
        lambda data: [
            layers.Embedding(data.tokens, width),
            layers.GlobalAveragePooling1D(),
            *([layers.Dense(dense, "relu")] if dense else []),
            *end(data),
        ]
    )


def _themselves(noise: float = 0.0) -> Callable[[Data], Data]:
    def prepare(data: Data) -> Data:
        flat = data.x.reshape(len(data.x), -1)
        noisy = flat + noise * np.random.default_rng(7).normal(size=flat.shape)
        return Data(noisy.astype(np.float32), flat)

    return prepare


def autoencoder(*units: int, act: str = "relu", noise: float = 0.0) -> Network:
    return replace(mlp(*units, act=act), prepare=_themselves(noise))


def variational(units: int, latent: int, weight: float) -> Network:
    """A variational autoencoder. The divergence is weighted, since the loss is a mean over the pixels."""
    return Network(
        lambda data: [
            layers.Dense(units, "relu"),
            layers.Dense(2 * latent),
            Sample(weight),
            layers.Dense(units, "relu"),
            *end(data),
        ],
        _themselves(),
    )


def _two_halves(data: Data) -> Data:
    """The left and the right half of each picture, the right one mirrored."""
    half = data.x.shape[2] // 2
    x = np.stack([data.x[:, :, :half], data.x[:, :, ::-1][:, :, :half]], 1)
    return Data(x, np.zeros(len(x), np.float32))


def halves(width: int, convolution: bool = False) -> Network:
    """Learns which halves of pictures belong together."""

    def make(data: Data) -> Layers:
        first = [Convolution(8, stride=2), layers.ReLU()] if convolution else []
        return [Twice(*first, layers.Flatten(), layers.Dense(width, "relu"), layers.Dense(16))]

    return Network(make, _two_halves, "contrastive", single=convolution)


def tuned(network: Network, which: str) -> Network:
    """A network that was trained on the first half of the classes, for the others."""
    return replace(network, tuned=which)


def of_first_half(data: Data) -> Data:
    """What a network is trained on before it is tuned."""
    some = data.y < data.classes // 2
    return Data(data.x[some], data.y[some], data.classes // 2, data.tokens)


def of_second_half(data: Data) -> Data:
    """What a trained network is tuned to."""
    some, first = data.y >= data.classes // 2, data.classes // 2
    return Data(data.x[some], (data.y[some] - first).astype(np.int32), data.classes - first, data.tokens)


def losses(data: Data, name: str | None) -> Any:
    """The Keras loss for a data set."""
    if name == "contrastive":
        return contrastive
    if data.classes:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=name != "probabilities")
    return keras.losses.get(name or "mean_squared_error")
