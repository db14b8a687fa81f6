"""Trains a task at many learning rates and seeds in one compiled function.

What is compiled is a step of Keras' own layers, loss and optimizer. `tests/keras/test_lr_tasks_trainer.py`
compares it with `model.fit`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

os.environ["KERAS_BACKEND"] = "jax"

import jax  # after the backend is chosen
import jax.numpy as jnp
import keras

from .datasets import Data
from .networks import Network, losses, of_first_half, of_second_half

Floats = NDArray[np.float64]
State = tuple[list[Any], list[Any], list[Any], Any]  # weights, other variables, optimizer's, still finite

MOST_VALIDATED = 500
TUNING_STEPS, TUNING_BATCH, TUNING_RATE = 600, 32, 2e-3  # of the training before a network is tuned


@dataclass(frozen=True)
class Split:
    """What a task trains on and is validated with; both are whole batches where `whole`."""

    x: NDArray[Any]
    y: NDArray[Any]
    val_x: NDArray[Any]
    val_y: NDArray[Any]

    @classmethod
    def of(cls, data: Data, train: int, batch: int, whole: bool = False) -> Split:
        """At most a fourth for validation; chosen once for all seeds."""
        y = data.y[:, None] if data.y.ndim == 1 else data.y
        order = np.random.default_rng(0).permutation(len(data.x))
        count = min(MOST_VALIDATED, len(order) // 4)
        validated, rest = order[: count // batch * batch if whole else count], order[count:]
        trained = rest[: min(train, len(rest)) // batch * batch]
        if not len(trained):
            raise ValueError(f"{len(rest)} examples are less than a batch of {batch}.")
        return cls(data.x[trained], y[trained], data.x[validated], y[validated])


class Trainer:
    """One network on one data set, with one optimizer and one size of batches.

    Args:
        data: All inputs and targets.
        network: The network.
        optimizer: Returns a new optimizer.
        batch: Size of a batch.
        train: Number of training examples, at most.
        loss: Name of the loss; None for the data set's.
    """

    def __init__(
        self, data: Data, network: Network, optimizer: Any, batch: int, train: int, loss: str | None = None
    ) -> None:
        self.network, self.batch, self._new_optimizer = network, batch, optimizer
        self.loss_name = loss or network.loss
        self.pretrained: list[Any] | None = None
        data = network.prepare(self._pretrain(data))
        self.data, self.contrastive = data, self.loss_name == "contrastive"
        self.split = Split.of(data, train, batch, whole=self.contrastive)
        self.steps_per_epoch = len(self.split.x) // batch
        self.loss = losses(data, self.loss_name)
        self.model = self.new_model(0)
        self.optimizer = self.model.optimizer

    def _build(self, data: Data, seed: int) -> keras.Model:
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.Input(data.x.shape[1:], dtype=data.x.dtype)])
        for layer in self.network.make(data):
            model.add(layer)
        return model

    def _pretrain(self, data: Data) -> Data:
        """Train a network that is tuned, and return the data that are left for tuning."""
        if not self.network.tuned:
            return data
        self._train_on_first_half(of_first_half(data))
        return of_second_half(data)

    def _train_on_first_half(self, data: Data) -> None:
        model = self._build(data, 0)
        model.compile(keras.optimizers.Adam(TUNING_RATE), losses(data, self.loss_name))
        epochs = max(TUNING_STEPS * TUNING_BATCH // len(data.x), 1)
        model.fit(data.x, data.y, TUNING_BATCH, epochs, verbose=0)
        self.pretrained = [weight for layer in model.layers[:-1] for weight in layer.get_weights()]

    def new_model(self, seed: int) -> keras.Model:
        """A compiled model with the weights of this seed."""
        model = self._build(self.data, seed)
        if self.pretrained is not None:
            rest = list(self.pretrained)
            for layer in model.layers[:-1]:
                layer.set_weights([rest.pop(0) for _ in layer.get_weights()])
                layer.trainable = self.network.tuned != "last"
        model.compile(self._new_optimizer(), self.loss)
        model.optimizer.build(model.trainable_variables)
        return model

    @cached_property
    def _initial(self) -> dict[int, tuple[list[Any], list[Any], list[Any]]]:
        return {}

    def initial_state(self, seed: int) -> tuple[list[Any], list[Any], list[Any]]:
        """Weights, other variables and the optimizer's before a training with this seed."""
        if seed not in self._initial:
            model = self.new_model(seed)
            groups = (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
            self._initial[seed] = tuple([np.asarray(v.value) for v in group] for group in groups)  # type: ignore[assignment]
        return self._initial[seed]

    # One step, of one network.

    def _value(self, weights: Any, others: Any, x: Any, y: Any, training: bool) -> Any:
        y_pred, others, extra = self.model.stateless_call(
            weights, others, x, training=training, return_losses=True
        )
        return jnp.mean(self.loss(y, y_pred)) + sum(extra), others

    def _step(self, state: State, x: Any, y: Any, rate: Any) -> tuple[State, Any]:
        weights, others, slots, finite = state

        def loss(weights: Any) -> Any:
            return self._value(weights, others, x, y, True)

        (value, others), gradients = jax.value_and_grad(loss, has_aux=True)(weights)
        held = self.optimizer.learning_rate
        slots = [rate if v is held else slot for v, slot in zip(self.optimizer.variables, slots, strict=True)]
        weights, slots = self.optimizer.stateless_apply(slots, gradients, weights)
        return (weights, others, slots, finite & jnp.isfinite(value)), value

    def _validated(self, state: State) -> Any:
        x, y = self.split.val_x, self.split.val_y
        if not self.contrastive:
            return self._value(state[0], state[1], x, y, False)[0]
        size = self.batch  # its loss depends on it
        cuts = range(0, len(x), size)
        return sum(
            self._value(state[0], state[1], x[i : i + size], y[i : i + size], False)[0] for i in cuts
        ) / len(cuts)

    # Many steps, of many networks: an array's first axis is the seed, its second one the learning rate.

    @cached_property
    def _advance(self) -> Any:
        x, y = jnp.asarray(self.split.x), jnp.asarray(self.split.y)

        def stretch(step: Any, state: State, peak: Any, order: Any, shape: Any, start: Any, stop: Any) -> Any:
            """From one step to another; ends where nothing finite is left."""

            def more(carry: Any) -> Any:
                return (carry[0] < stop) & jnp.any(carry[1][3])

            def one(carry: Any) -> Any:
                at, state, total = carry
                taken = order[at]
                state, value = step(state, x[taken], y[taken], peak * shape[at])
                return at + 1, state, total + value

            zero = jnp.zeros_like(peak)
            _, state, total = jax.lax.while_loop(more, one, (start, state, zero))
            return state, total / (stop - start)

        def validated(state: State, train: Any, value: Any) -> Any:
            fine = state[3] & jnp.isfinite(value)
            return (*state[:3], fine), jnp.where(fine, train, jnp.nan), jnp.where(fine, value, jnp.nan)

        def together(state: State, peaks: Any, orders: Any, shape: Any, start: Any, stop: Any) -> Any:
            """All learning rates of a seed at once."""
            steps = jax.vmap(self._step, (0, None, None, 0))

            def of_seed(state: State, peaks: Any, order: Any) -> Any:
                state, train = stretch(steps, state, peaks, order, shape, start, stop)
                return validated(state, train, jax.vmap(self._validated)(state))

            # The seeds one after the other: they have different batches anyway.
            return jax.lax.map(lambda given: of_seed(*given), (state, peaks, orders))

        def single(state: State, peaks: Any, orders: Any, shape: Any, start: Any, stop: Any) -> Any:
            """One after the other; one that isn't finite ends at once."""

            def of_lane(state: State, peak: Any, order: Any) -> Any:
                state, train = stretch(self._step, state, peak, order, shape, start, stop)
                return validated(state, train, self._validated(state))

            def of_seed(given: Any) -> Any:
                state, peaks, order = given
                return jax.lax.map(lambda lane: of_lane(*lane, order), (state, peaks))

            return jax.lax.map(of_seed, (state, peaks, orders))

        return jax.jit(single if self.network.single else together, donate_argnums=0)

    def orders(self, steps: int, seeds: int, shuffle: bool = True) -> NDArray[np.int32]:
        """Which examples each step takes, (seeds, steps, batch): whole epochs, each in its own order."""
        count, epochs = len(self.split.x), -(-steps // self.steps_per_epoch)
        rows = []
        for seed in range(seeds):
            random = np.random.default_rng(seed)
            passes = [random.permutation(count) if shuffle else np.arange(count) for _ in range(epochs)]
            rows.append(np.concatenate(passes).reshape(-1, self.batch)[:steps])
        return np.array(rows, np.int32)

    def _stacked(self, rates: int, seeds: int) -> State:
        def stack(arrays: Any) -> Any:
            alike = np.stack(arrays)[:, None]
            return jnp.array(np.broadcast_to(alike, (seeds, rates, *alike.shape[2:])))

        states = [self.initial_state(seed) for seed in range(seeds)]
        weights, others, slots = (
            [stack(one) for one in zip(*group, strict=True)] for group in zip(*states, strict=True)
        )
        return weights, others, slots, jnp.ones((seeds, rates), bool)

    def train(
        self, peaks: Floats, shape: Floats, marks: NDArray[np.int64], seeds: int = 2, shuffle: bool = True
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Losses of trainings with the learning rates `peak * shape[step]`, after certain numbers of steps.

        Args:
            peaks: Learning rates.
            shape: What they are multiplied by at each step. Of one length for all calls, the steps after the
                last mark included: each other length is compiled anew.
            marks: After how many steps the losses are wanted, in ascending order.
            seeds: Trainings for each learning rate.
            shuffle: Whether the examples come in another order in each epoch.

        Returns:
            Validation losses and mean training losses since the last mark, both of shape
            (peaks, seeds, marks); NaN once a training is not finite.
        """
        order = jnp.asarray(self.orders(len(shape), seeds, shuffle))
        many = jnp.asarray(np.broadcast_to(peaks, (seeds, len(peaks))), np.float32)
        factors, state = jnp.asarray(shape, jnp.float32), self._stacked(len(peaks), seeds)
        trained, validated, start = [], [], 0
        for stop in marks.tolist():
            state, train, value = self._advance(state, many, order, factors, start, stop)
            trained.append(np.asarray(train).T)
            validated.append(np.asarray(value).T)
            start = stop
        return np.stack(validated, -1), np.stack(trained, -1)

    @cached_property
    def initial_loss(self) -> float:
        """Mean validation loss before training, over two seeds."""
        losses = []
        for seed in range(2):
            weights, others, slots = self.initial_state(seed)
            losses.append(float(jax.jit(self._validated)((weights, others, slots, True))))
        return float(np.mean(losses))

    def baseline(self) -> float:
        """The validation loss of the best constant that the training data tell of."""
        y, val_y = self.split.y, self.split.val_y
        if self.contrastive:
            return float(np.log(2 * self.batch - 1))
        if self.data.classes:
            shares = np.bincount(y.ravel(), minlength=self.data.classes) / y.size
            return float(-np.mean(np.log(np.maximum(shares[val_y.ravel()], 1e-7))))
        loss = keras.losses.get(self.loss_name or "mean_squared_error")
        means = []
        for constant in (np.mean(y, 0), np.median(y, 0)):
            alike = np.broadcast_to(constant, val_y.shape).astype(np.float32)
            means.append(float(np.mean(loss(val_y, alike))))
        return min(means)
