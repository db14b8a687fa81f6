"""Trains a pre-trained network further, at many learning rates in one compiled function."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from benchmarks.lr_tasks import networks
from benchmarks.lr_tasks.datasets import Data
from benchmarks.lr_tasks.networks import losses
from benchmarks.lr_tasks.optimizers import optimizer
from benchmarks.lr_tasks.trainer import Trainer

from .datasets import data
from .declare import Task

PRETRAINING_STEPS, PRETRAINING_BATCH, PRETRAINING_RATE = 1500, 32, 2e-3

NETWORKS = {
    "mlp": networks.mlp(64, 32),
    "mlp_two": networks.mlp(64, 32),
    "mlp_tanh": networks.mlp(48, 24, act="tanh"),
    "residual": networks.residual_mlp(32, 3),
    "mlp_layernorm": networks.mlp(64, 48, norm="layer", act="gelu"),
    "mlp_batchnorm": networks.mlp(64, 32, norm="batch"),
    "mlp_dropout": networks.mlp(96, 48, dropout=0.2),
    "convnet": networks.convnet(8, 12, dense=32),
    "vit": networks.vision_transformer(24, 4),
    "gru": networks.recurrent("GRU", 16),
    "language_letters": networks.last_letters(48),
    "language_transformer": networks.transformer(24, each=True),
}


class FineTuner(Trainer):
    """The network of a task after its pre-training.

    Args:
        task: The task.
        random_labels: Whether an untrained network gets random labels instead: a control, of which nothing
            can be learned.
    """

    def __init__(self, task: Task, random_labels: bool = False) -> None:
        self._mode, self._random_labels = task.mode, random_labels
        before, tuned_on = data(task.family, task.mode)
        self._before = before
        super().__init__(
            tuned_on, NETWORKS[task.network], lambda: optimizer(task.optimizer), task.batch, task.train
        )

    def _pretrain(self, data: Data) -> Data:
        if self._random_labels:
            return Data(data.x, np.random.default_rng(0).permutation(data.y), data.classes, data.tokens)
        model = self._build(self._before, 0)
        model.compile(keras.optimizers.Adam(PRETRAINING_RATE), losses(self._before, self.loss_name))
        epochs = max(PRETRAINING_STEPS * PRETRAINING_BATCH // len(self._before.x), 1)
        model.fit(self._before.x, self._before.y, PRETRAINING_BATCH, epochs, verbose=0)
        self.pretrained = [layer.get_weights() for layer in model.layers]
        return data

    def new_model(self, seed: int) -> Any:
        """A compiled model with the pre-trained weights; a new head is that of the seed."""
        model = self._build(self.data, seed)
        if self.pretrained is not None:
            backbone = model.layers if self._mode in ("continued", "shifted") else model.layers[:-1]
            for layer, weights in zip(backbone, self.pretrained, strict=False):
                layer.set_weights(weights)
                layer.trainable = self._mode != "frozen"
        model.compile(self._new_optimizer(), self.loss)
        model.optimizer.build(model.trainable_variables)
        return model
