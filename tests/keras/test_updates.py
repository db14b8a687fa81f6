"""A sweep in which the optimizer does not train the model is an error and has no suggestion."""

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder
from tb_lrfinder.storage.reader import read_log_dir
from tests.keras.backends import BACKEND, only_on_jax
from tests.keras.custom_steps import CustomStep
from tests.keras.replay import regression_data, same_state, small_model, state_of


def sweep(model, log_dir=None, finder=None, **arguments):
    x, y = regression_data()
    options = {"num_steps": 12, "start_lr": 1e-3, "end_lr": 0.2, "stop": None, "verbose": 0}
    finder = finder or LRFinder(log_dir, **options | arguments)
    model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0, callbacks=[finder])
    return finder


def sweep_cut_short(model, **arguments):
    """By data of unknown length that end."""
    x, y = regression_data()
    options = {"num_steps": 100, "start_lr": 1e-3, "end_lr": 0.2, "stop": None, "verbose": 0}
    finder = LRFinder(None, **options | arguments)
    batches = ((x[start : start + 16], y[start : start + 16]) for start in range(0, 96, 16))
    model.fit(batches, verbose=0, callbacks=[finder])
    return finder


class Gan(CustomStep):
    """As the Keras examples write it: `compile` is given no optimizer, and makes one that nobody uses."""

    def __init__(self, **arguments):
        super().__init__()
        self.compile(**arguments)
        self.d_optimizer = keras.optimizers.SGD(0.01)

    def compile(self, *arguments, **options):
        super().compile(loss="mse")

    def trained_by(self):
        return None if BACKEND == "jax" else self.d_optimizer  # whose state a pure step would have to carry

    def finish(self, loss, y, y_pred):
        return {"loss": loss}


class GanThatLogsTheRate(Gan):
    """The learning rate is asked for, and trains nothing."""

    def finish(self, loss, y, y_pred):
        return {"loss": loss, "lr": keras.ops.convert_to_tensor(self.optimizer.learning_rate)}


class NoPart(CustomStep):
    """The loss does not depend on the weights."""

    def loss_of(self, x, y, y_pred):
        return super().loss_of(x, y, 0 * y_pred)

    def finish(self, loss, y, y_pred):
        return {"loss": loss}


AT_ONCE = r"`model\.optimizer`, RMSprop '\w+', which the train step of Gan does not use\."
AT_THE_END = r"RMSprop '\w+', which the train step of \w+ does not call: its `iterations` stayed at 0\."
WHAT_TO_DO = r" (Updated instead|The model also has): `d_optimizer` \(SGD\)\. " + (
    "Pass the optimizer to sweep to `compile`"
    if BACKEND == "jax"
    else r"Pass LRFinder\(\.\.\., optimizer='d_optimizer'\) to sweep that one alone, or"
)
REFUSED = {
    # On the other backends, the optimizer that trains is swept: see test_several_optimizers.py.
    **({Gan: AT_ONCE + WHAT_TO_DO} if BACKEND == "jax" else {}),
    GanThatLogsTheRate: AT_THE_END + WHAT_TO_DO,
    NoPart: "No weight of NoPart has changed during the sweep. Either all gradients are 0: check that the",
}


@pytest.mark.combinations
@pytest.mark.parametrize("restore", [True, False], ids=["restore", "keep"])
@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.__name__)
def test_an_optimizer_that_does_not_train_the_model_is_refused(kind, restore, tmp_path):
    model = kind()
    model(regression_data()[0])
    model.optimizer.build(model.trainable_variables)
    before = state_of(model)
    finder = LRFinder(tmp_path / "run", 1e-3, 0.2, num_steps=12, stop=None, restore=restore, verbose=0)
    with pytest.raises(RuntimeError, match=REFUSED[kind]):
        sweep(model, finder=finder)
    if restore:
        assert same_state(before, state_of(model))
    assert not {"train_step", "make_train_function"} & set(vars(model))
    assert finder.stop_reason in ("refused", "failed")
    assert finder.suggestion.learning_rate is None
    (run,) = read_log_dir(str(tmp_path))
    assert run.status() == "failed"
    assert run.result["suggestion"]["learning_rate"] is None
    assert "RuntimeError" in run.result["message"]
    if kind is GanThatLogsTheRate and BACKEND == "jax":
        return  # in a pure step, without the finder, the variables of the optimizer are empty
    x, y = regression_data()
    model.fit(x, y, verbose=0)


@only_on_jax
def test_only_the_optimizer_whose_state_fit_carries_can_be_named():
    with pytest.raises(ValueError, match=r"only carries the state of `model\.optimizer`.*='d_optimizer'"):
        sweep(Gan(), optimizer="d_optimizer")
    with pytest.raises(RuntimeError, match=REFUSED[Gan]):
        sweep(Gan(), optimizer="optimizer")


def test_also_where_the_training_ends_before_the_ramp():
    with pytest.raises(RuntimeError, match="GanThatLogsTheRate does not call"):
        sweep_cut_short(GanThatLogsTheRate())


def test_the_ramp_of_epochs_too():
    with pytest.raises(RuntimeError, match="GanThatLogsTheRate does not call"):
        sweep(GanThatLogsTheRate(), per="epoch", num_steps=2)


def test_a_model_without_trainable_weights_is_refused():
    model = small_model()
    model.trainable = False
    model.compile("sgd", "mse")
    with pytest.raises(RuntimeError, match="The model has no trainable weights: set `trainable = True`"):
        sweep(model)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=4),
        # Every gradient of the first steps overflows: they are skipped, until the scale has come down.
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=2.0**127),
    ],
    ids=["accumulation", "loss scale"],
)
def test_batches_without_an_update_are_part_of_a_sweep(optimizer):
    assert sweep(small_model(optimizer()), num_steps=3).stop_reason == "completed"


@pytest.mark.filterwarnings("ignore:The learning-rate sweep is incomplete")
def test_learning_rates_that_round_to_nothing_are_no_error_in_an_incomplete_sweep():
    finder = sweep_cut_short(small_model("sgd"), start_lr=1e-30)
    assert finder.stop_reason == "incomplete"
    model = small_model("sgd")
    for layer in model.layers:
        layer.bias.assign(np.ones(layer.bias.shape))  # to 0, a tiny number can be added
    with pytest.raises(RuntimeError, match="larger `end_lr`"):
        sweep(model, start_lr=1e-30, end_lr=1e-20)


def test_weights_that_are_frozen_in_part_are_no_error():
    model = small_model("sgd")
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    assert np.isfinite(sweep(model).sweep.loss).all()


def test_a_sweep_whose_loss_is_nan_says_that():
    x, y = regression_data()
    finder = LRFinder(None, num_steps=6, verbose=0)
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))
    small_model(optimizer).fit(x, y * np.nan, batch_size=16, verbose=0, callbacks=[finder])
    assert finder.stop_reason == "non_finite"
