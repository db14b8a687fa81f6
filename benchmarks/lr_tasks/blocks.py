"""Layers of the networks, where Keras has none or where its own are slow in many copies."""

from __future__ import annotations

from itertools import product
from typing import Any

import keras
import numpy as np
from keras import layers, ops


class Convolution(layers.Layer):
    """A convolution in one or two dimensions, as a product of patches and a matrix.

    It computes what Keras' own do. But XLA makes one grouped convolution of those of many networks, which
    takes four times as long on a CPU.
    """

    def __init__(
        self,
        filters: int,
        size: int = 3,
        stride: int = 1,
        dilation: int = 1,
        same: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.filters, self.size, self.stride, self.dilation = filters, size, stride, dilation
        self.same, self.use_bias = same, bias

    def build(self, shape: Any) -> None:
        """Weights of shape (size, ..., channels, filters), as Keras keeps them."""
        places = (self.size,) * (len(shape) - 2)
        self.kernel = self.add_weight(shape=(*places, shape[-1], self.filters), initializer="glorot_uniform")
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.filters,), initializer="zeros")

    def call(self, x: Any) -> Any:
        """Looks at each patch."""
        reach = self.dilation * (self.size - 1)
        sides = x.shape[1:-1]
        if self.same:
            before = reach // 2
            x = ops.pad(x, [(0, 0), *[(before, reach - before)] * len(sides), (0, 0)])
        else:
            sides = tuple(side - reach for side in sides)
        parts = []
        for offset in product(range(0, reach + 1, self.dilation), repeat=len(sides)):
            cut = tuple(
                slice(start, start + side, self.stride) for start, side in zip(offset, sides, strict=True)
            )
            parts.append(x[(slice(None), *cut)])
        patches = ops.concatenate(parts, -1)
        y = ops.matmul(patches, ops.reshape(self.kernel, (-1, self.filters)))
        return y + self.bias if self.use_bias else y


class Pool(layers.Layer):
    """The greatest of each two or two by two; a row or column too many is left out."""

    def call(self, x: Any) -> Any:
        """Has a gradient that is cheaper than that of Keras' pooling in many copies."""
        for axis in range(1, len(x.shape) - 1):
            side = x.shape[axis] // 2
            x = ops.take(x, np.arange(2 * side), axis) if x.shape[axis] % 2 else x
            x = ops.max(ops.reshape(x, (-1, *x.shape[1:axis], side, 2, *x.shape[axis + 1 :])), axis + 1)
        return x


class Residual(layers.Layer):
    """What some layers add to their input."""

    def __init__(self, *inner: Any, project: Any = None) -> None:
        super().__init__()
        self.inner, self.project = list(inner), project

    def call(self, x: Any, training: bool | None = None) -> Any:
        """The input is projected where its shape would not fit."""
        y = x
        for layer in self.inner:
            takes = isinstance(layer, (layers.BatchNormalization, layers.Dropout, Residual))
            y = layer(y, training=training) if takes else layer(y)
        return y + (x if self.project is None else self.project(x))


class Gated(layers.Layer):
    """A gated linear unit."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.value, self.gate = layers.Dense(units), layers.Dense(units, "sigmoid")

    def call(self, x: Any) -> Any:
        """One half of it says how much of the other goes on."""
        return self.value(x) * self.gate(x)


class Attention(layers.Layer):
    """Self-attention, after a normalization, and added to its input."""

    def __init__(self, width: int, heads: int = 2, causal: bool = False, post_norm: bool = False) -> None:
        super().__init__()
        self.norm = layers.LayerNormalization()
        self.attend = layers.MultiHeadAttention(heads, width // heads)
        self.causal, self.post_norm = causal, post_norm

    def call(self, x: Any) -> Any:
        """With `post_norm`, the sum is normalized, as in the first transformers."""
        if self.post_norm:
            return self.norm(x + self.attend(x, x, use_causal_mask=self.causal))
        y = self.norm(x)
        return x + self.attend(y, y, use_causal_mask=self.causal)


class Mixer(layers.Layer):
    """Mixes places, then channels."""

    def __init__(self, places: int, width: int) -> None:
        super().__init__()
        self.norms = [layers.LayerNormalization(), layers.LayerNormalization()]
        self.across = [layers.Dense(places, "gelu"), layers.Dense(places)]
        self.within = [layers.Dense(2 * width, "gelu"), layers.Dense(width)]

    def call(self, x: Any) -> Any:
        """Both are added to the input."""
        y = ops.swapaxes(self.norms[0](x), 1, 2)
        x = x + ops.swapaxes(self.across[1](self.across[0](y)), 1, 2)
        return x + self.within[1](self.within[0](self.norms[1](x)))


class Places(layers.Layer):
    """Adds a vector of its own to each place of a sequence."""

    def build(self, shape: Any) -> None:
        """One vector for each place."""
        self.vectors = self.add_weight(shape=tuple(shape[1:]), initializer="uniform")

    def call(self, x: Any) -> Any:
        """The same for each sequence."""
        return x + self.vectors


class Patches(layers.Layer):
    """Cuts pictures into square patches: a sequence of flat vectors."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def call(self, x: Any) -> Any:
        """Sides must be multiples of the size."""
        rows, columns, channels = x.shape[1] // self.size, x.shape[2] // self.size, x.shape[3]
        x = x[:, : rows * self.size, : columns * self.size]
        x = ops.reshape(x, (-1, rows, self.size, columns, self.size, channels))
        return ops.reshape(
            ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, rows * columns, self.size**2 * channels)
        )


class Columns(layers.Layer):
    """Makes a vector of each number of a table."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def build(self, shape: Any) -> None:
        """A direction and an origin for each column."""
        self.direction = self.add_weight(shape=(shape[-1], self.width), initializer="glorot_uniform")
        self.origin = self.add_weight(shape=(shape[-1], self.width), initializer="glorot_uniform")

    def call(self, x: Any) -> Any:
        """A sequence as long as the table has columns."""
        return x[..., None] * self.direction + self.origin


class Sample(layers.Layer):
    """Draws from a normal distribution, given by means and log variances, and adds its divergence."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight, self.seeds = weight, keras.random.SeedGenerator(3)

    def call(self, x: Any, training: bool | None = None) -> Any:
        """The means themselves when not training."""
        mean, log_variance = ops.split(x, 2, -1)
        divergence = ops.mean(ops.sum(mean**2 + ops.exp(log_variance) - log_variance - 1, -1)) / 2
        self.add_loss(self.weight * divergence)
        if not training:
            return mean
        return mean + ops.exp(log_variance / 2) * keras.random.normal(ops.shape(mean), seed=self.seeds)


class Twice(layers.Layer):
    """Sends both views through the same layers: from (batch, 2, ...) to (batch, 2, width), of length 1."""

    def __init__(self, *inner: Any) -> None:
        super().__init__()
        self.inner = list(inner)

    def call(self, x: Any) -> Any:
        """All views are one batch in between."""
        views = ops.reshape(x, (-1, *x.shape[2:]))
        for layer in self.inner:
            views = layer(views)
        return ops.reshape(ops.normalize(views, -1), (-1, 2, views.shape[-1]))


def contrastive(y_true: Any, y_pred: Any) -> Any:
    """Which of the batch's other views belongs to this one? SimCLR's loss at a temperature of .2."""
    count = y_pred.shape[0]
    views = ops.concatenate([y_pred[:, 0], y_pred[:, 1]], 0)
    alike = ops.matmul(views, ops.transpose(views)) / 0.2 - 1e9 * ops.eye(2 * count)
    partner = np.roll(np.arange(2 * count), count)
    losses = ops.sparse_categorical_crossentropy(partner, alike, from_logits=True)
    return (losses[:count] + losses[count:]) / 2
