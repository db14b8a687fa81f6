"""A model with a custom `train_step`, for all backends."""

from __future__ import annotations

import keras

from tests.keras.backends import BACKEND


class CustomStep(keras.Model):
    """The network of `small_model`, with the same weights and a custom `train_step` as in Keras' guides.

    Subclasses define the loss and the logs of the step.
    """

    def __init__(self, optimizer="sgd", **compile_arguments):
        keras.utils.set_random_seed(7)
        super().__init__()
        self.hidden = keras.layers.Dense(8, activation="tanh")
        self.out = keras.layers.Dense(1)
        self.compile(optimizer, "mse", **compile_arguments)

    def call(self, inputs):
        return self.out(self.hidden(inputs))

    def loss_of(self, x, y, y_pred):
        return self.compute_loss(x=x, y=y, y_pred=y_pred)

    def finish(self, loss, y, y_pred):
        """Update the metrics, and return the logs."""
        raise NotImplementedError

    def trained_by(self):
        """The optimizer of the step; None updates the weights without one."""
        return self.optimizer

    def train_step(self, *arguments):
        return {"tensorflow": self._tensorflow, "torch": self._torch, "jax": self._jax}[BACKEND](*arguments)

    def _tensorflow(self, data):
        import tensorflow as tf

        x, y = data[:2]  # train_on_batch has a third, the sample weights
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.loss_of(x, y, y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        if self.trained_by() is None:
            for variable, gradient in zip(self.trainable_variables, gradients, strict=True):
                variable.assign_sub(0.01 * gradient)
        else:
            self.trained_by().apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return self.finish(loss, y, y_pred)

    def _torch(self, data):
        import torch

        x, y = data[:2]  # train_on_batch has a third, the sample weights
        self.zero_grad()
        y_pred = self(x, training=True)
        loss = self.loss_of(x, y, y_pred)
        loss.backward()
        gradients = [variable.value.grad for variable in self.trainable_variables]
        with torch.no_grad():
            if self.trained_by() is None:
                for variable, gradient in zip(self.trainable_variables, gradients, strict=True):
                    variable.assign_sub(0.01 * gradient)
            else:
                self.trained_by().apply(gradients, self.trainable_variables)
        return self.finish(loss.detach(), y, y_pred.detach())

    def _jax(self, state, data):
        import jax

        x, y = data[:2]  # train_on_batch has a third, the sample weights
        trainable, non_trainable, optimizer, metrics = state

        def loss_and_updates(trainable):
            y_pred, updated = self.stateless_call(trainable, non_trainable, x)
            return self.loss_of(x, y, y_pred), (y_pred, updated)

        gradient = jax.value_and_grad(loss_and_updates, has_aux=True)
        (loss, (y_pred, non_trainable)), gradients = gradient(trainable)
        if self.trained_by() is None:
            trainable = [variable - 0.01 * one for variable, one in zip(trainable, gradients, strict=True)]
        else:
            trainable, optimizer = self.trained_by().stateless_apply(optimizer, gradients, trainable)
        mapping = list(zip(self.metrics_variables, metrics, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            logs = self.finish(loss, y, y_pred)
        metrics = [scope.get_current_value(variable) for variable in self.metrics_variables]
        return logs, (trainable, non_trainable, optimizer, metrics)
