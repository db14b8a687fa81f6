"""The loss of a batch is recorded bit for bit if the train step has it, and refused otherwise."""

import warnings

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tests.keras.backends import BACKEND
from tests.keras.custom_steps import CustomStep
from tests.keras.replay import batches_of, regression_data, replay, same_state, state_of

ops = keras.ops


def sweep(model, samples=96, **finder):
    x, y = regression_data(samples)
    options = {"start_lr": 1e-3, "end_lr": 0.2, "num_steps": 12, "stop": None, "verbose": 0}
    finder = LRFinder(None, **options | finder)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0, callbacks=[finder])
    return finder


def expected(model, finder, name="loss", samples=96):
    """What a twin of the model says of each batch, its metrics being cleared before it."""
    x, y = regression_data(samples)
    return replay(model, batches_of(x, y, epochs=2), finder.sweep.learning_rate, name=name)


class Vae(CustomStep):
    """As in Keras' example: the tracker and what is returned have different names."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.total_loss_tracker = keras.metrics.Mean(name="total_loss")
        self.kl_loss_tracker = keras.metrics.Mean(name="kl_loss")

    @property
    def metrics(self):
        return [self.total_loss_tracker, self.kl_loss_tracker]

    def finish(self, loss, y, y_pred):
        self.total_loss_tracker.update_state(loss)
        self.kl_loss_tracker.update_state(0.25 * loss)
        return {"loss": self.total_loss_tracker.result(), "kl_loss": self.kl_loss_tracker.result()}


class Raw(CustomStep):
    """No metric: the step returns the loss of the batch."""

    def finish(self, loss, y, y_pred):
        return {"loss": loss}


class RawBesideMetrics(CustomStep):
    """The loss of the batch takes the place of a tracker that nobody has updated."""

    def __init__(self):
        super().__init__()
        self.other = keras.metrics.Mean(name="other")

    def finish(self, loss, y, y_pred):
        self.other.update_state(3 * loss)
        return {**self.get_metrics_result(), "loss": loss}


class PerToken(CustomStep):
    """A loss for each sample and token, of which some do not count: masked language modelling."""

    def __init__(self, weight_rank=2):
        super().__init__()
        self.own_loss = keras.metrics.Mean(name="loss")
        self.weight_rank = weight_rank

    @property
    def metrics(self):
        return [self.own_loss]

    def finish(self, loss, y, y_pred):
        y = ops.convert_to_tensor(y)  # train_on_batch on PyTorch gives arrays
        tokens = ops.square(y - y_pred) * ops.convert_to_tensor(np.float32([1, 2, 5]))
        weights = ops.cast(tokens > 0.5, "float32") if self.weight_rank == 2 else ops.abs(y)[:, 0]
        self.own_loss.update_state(tokens, sample_weight=weights)
        return {"loss": self.own_loss.result()}


@pytest.mark.parametrize("kind", [Vae, Raw, RawBesideMetrics], ids=lambda kind: kind.__name__)
def test_the_loss_is_that_of_the_batch_without_a_warning(kind):
    finder = sweep(kind())
    assert finder.sweep.loss == pytest.approx(expected(kind(), finder), rel=1e-6)


@pytest.mark.parametrize("name", ["total_loss", "kl_loss"])
def test_a_tracker_may_be_named_itself(name):
    finder = sweep(Vae(), monitor=name)
    total = expected(Vae(), finder)
    assert finder.sweep.loss == pytest.approx(total * {"total_loss": 1, "kl_loss": 0.25}[name], rel=1e-6)


@pytest.mark.parametrize("samples", [96, 90], ids=["whole", "partial last batch"])
@pytest.mark.parametrize("rank", [1, 2])
def test_the_weighted_mean_of_a_loss_for_each_token_is_that_of_keras(rank, samples):
    finder = sweep(PerToken(rank), samples)
    assert finder.sweep.loss == pytest.approx(expected(PerToken(rank), finder, samples=samples), rel=1e-6)


@pytest.mark.parametrize("kind", [Raw, Vae], ids=lambda kind: kind.__name__)
def test_an_epoch_has_the_mean_of_its_batches(kind):
    finder = sweep(kind(), per="epoch", num_steps=2)
    losses = expected_epochs(kind(), finder)
    assert finder.sweep.loss == pytest.approx(losses, rel=1e-5)


def expected_epochs(model, finder):
    x, y = regression_data()
    rates = np.repeat(finder.sweep.learning_rate, 6)
    return replay(model, batches_of(x, y, epochs=2), rates).reshape(2, 6).mean(axis=1)


class Distiller(CustomStep):
    """Its own trackers, and Keras' one, which nobody tells anything."""

    def __init__(self):
        super().__init__()
        self.student = keras.metrics.Mean(name="student_loss")
        self.distillation = keras.metrics.Mean(name="distillation_loss")
        self.rate = keras.metrics.Mean(name="rate")

    def finish(self, loss, y, y_pred):
        self.rate.update_state(1.0)
        self.student.update_state(loss)
        self.distillation.update_state(0.5 * loss)
        return self.get_metrics_result()


class Sum(Vae):
    """A sum of running means, which is one itself."""

    def finish(self, loss, y, y_pred):
        super().finish(loss, y, y_pred)
        return {"loss": self.total_loss_tracker.result() + self.kl_loss_tracker.result()}


class Smoothed(CustomStep):
    """A metric that is no mean of the values that it is told."""

    def __init__(self):
        super().__init__()
        self.sum = keras.metrics.Sum(name="loss")

    @property
    def metrics(self):
        return [self.sum]

    def finish(self, loss, y, y_pred):
        self.sum.update_state(loss)
        return {"loss": self.sum.result()}


class Accuracy(CustomStep):
    """No loss at all, and a metric of y_true and y_pred."""

    def __init__(self):
        super().__init__(metrics=["mae"])

    def finish(self, loss, y, y_pred):
        self._compile_metrics.update_state(y, y_pred)
        return {"mae": self.get_metrics_result()["mae"]}


class OnlyAccuracies(CustomStep):
    """As a trainer that reports no loss: a mean of its own, and a value."""

    def __init__(self):
        super().__init__()
        self.probe_accuracy = keras.metrics.Mean(name="probe_acc")

    def finish(self, loss, y, y_pred):
        self.probe_accuracy.update_state(0 * loss)
        return {"top5_accuracy": 0 * loss, "probe_acc": self.probe_accuracy.result(), "learning_rate": 1.0}


class OtherName(CustomStep):
    def finish(self, loss, y, y_pred):
        return {"accuracy": 0 * loss, "my_loss": loss}


class OtherTracker(CustomStep):
    """A tracker of its own, and Keras' one, which is not updated."""

    def __init__(self):
        super().__init__()
        self.student = keras.metrics.Mean(name="student_loss")

    def finish(self, loss, y, y_pred):
        self.student.update_state(loss)
        return self.get_metrics_result()


class TwoNames(CustomStep):
    def finish(self, loss, y, y_pred):
        return {"accuracy": 0 * loss, "d_loss": loss, "g_loss": 2 * loss}


class ForEachSample(CustomStep):
    def finish(self, loss, y, y_pred):
        return {"loss": ops.square(y - y_pred)[:, 0]}


class NoDictionary(CustomStep):
    def finish(self, loss, y, y_pred):
        return [loss]


REFUSED = {
    Distiller: r"Distiller returns is the mean of a metric that the step does not update.* "
    r"Pass LRFinder\(\.\.\., monitor='student_loss'\), or one of 'distillation_loss'\.",
    Sum: r"Sum returns may be computed from running means.*monitor='total_loss'\), or one of 'kl_",
    Smoothed: "Smoothed returns is the running result of Sum 'loss'.* Call `update_state",
    Accuracy: r"Accuracy, which returns 'mae'\. Received: monitor='loss'\. Call `update_state",
    OnlyAccuracies: r"returns 'top5_accuracy', 'probe_acc', 'learning_rate'\. .* Call `update_state",
    TwoNames: r"returns 'accuracy', 'd_loss', 'g_loss'\. Received: monitor='loss'\. Pass .*monitor='d_",
    ForEachSample: r"The loss 'loss' of ForEachSample must be one number.*shape \(",
    NoDictionary: "NoDictionary must return a dictionary of losses and metrics. Received: list",
}


@pytest.mark.combinations
@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("jit_compile", [False, True], ids=["", "jit"])
def test_what_is_not_the_loss_of_a_batch_is_refused_with_the_name_to_pass(kind, jit_compile):
    if jit_compile and BACKEND != "tensorflow":
        pytest.skip("the default on JAX, and another kind of compiler on PyTorch")
    model = kind()
    if BACKEND == "tensorflow":
        model.jit_compile = jit_compile
    model(regression_data()[0])
    model.optimizer.build(model.trainable_variables)
    before = state_of(model)
    with pytest.raises((TypeError, ValueError), match=REFUSED[kind]):
        sweep(model)
    assert same_state(before, state_of(model))
    assert not {"train_step", "make_train_function"} & set(vars(model))
    for metric in model.metrics:
        assert not {"update_state", "result"} & set(vars(metric))


def test_the_suggested_monitor_is_right():
    finder = sweep(Distiller(), monitor="student_loss")
    assert finder.sweep.loss == pytest.approx(expected(Distiller(), finder, "student_loss"), rel=1e-6)


@pytest.mark.combinations
@pytest.mark.parametrize("length", [{}, {"per": "epoch", "num_steps": 2}], ids=["batches", "epochs"])
@pytest.mark.parametrize(("kind", "name"), [(OtherName, "my_loss"), (OtherTracker, "student_loss")])
def test_the_only_loss_may_have_another_name(kind, name, length):
    finder = sweep(kind(), **length)
    per_batch = 6 if length else 1
    x, y = regression_data()
    rates = np.repeat(finder.sweep.learning_rate, per_batch)
    losses = replay(kind(), batches_of(x, y, epochs=2), rates, name=name).reshape(-1, per_batch).mean(axis=1)
    assert finder.sweep.loss == pytest.approx(losses, rel=1e-5)


def test_a_name_that_is_passed_is_not_replaced():
    with pytest.raises(ValueError, match="Received: monitor='losss'"):
        sweep(OtherName(), monitor="losss")


@pytest.mark.skipif(BACKEND == "jax", reason="a pure step makes no variables")
@pytest.mark.parametrize("steps_per_execution", [1, 2] if BACKEND == "tensorflow" else [1])
def test_variables_that_a_refused_step_creates_are_initialized(steps_per_execution):
    """TensorFlow initialises what a step makes, here another optimizer's, once it is traced to its end."""

    class Two(Distiller):
        def __init__(self):
            super().__init__()
            self.second = keras.optimizers.Adam(1e-3)

        def trained_by(self):
            # In turn, in one step: the second one is not built before.
            return _Both(self.optimizer, self.second)

    model = Two()
    model.steps_per_execution = steps_per_execution
    with pytest.raises(ValueError, match="monitor='student_loss'"):
        sweep(model)
    x, y = regression_data()
    history = model.fit(x, y, epochs=2, verbose=0).history
    assert np.isfinite(history["student_loss"]).all()
    assert sweep(model, monitor="student_loss").stop_reason == "completed"


class _Both:
    def __init__(self, *optimizers):
        self._optimizers = optimizers

    def apply_gradients(self, pairs):
        gradients, variables = zip(*pairs, strict=True)
        self.apply(gradients, variables)

    def apply(self, gradients, variables):
        for optimizer in self._optimizers:
            optimizer.apply(list(gradients), list(variables))
