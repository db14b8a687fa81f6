"""Models with several optimizers: all that the train step uses are ramped, or the one that is named."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from tb_lrfinder import LRFinder, find_lr
from tests.keras.backends import BACKEND, needs_multi_optimizer, only_on_tensorflow
from tests.keras.event_file import read_config
from tests.keras.replay import regression_data, same_state
from tests.keras.several_optimizers import KINDS, NAMES, RATES, Gan, everything, make, replay

if BACKEND == "jax":
    pytest.skip("`fit` carries the state of `model.optimizer` only", allow_module_level=True)

OPTIONS = {"start_lr": 1e-4, "end_lr": 0.5, "num_steps": 10, "stop": None, "monitor": "g_loss", "verbose": 0}
RATIO = RATES[0] / RATES[1]
COMPILED_REFERENCE = ("one compiled", "compiled under two names")
IN_SHORT = ("gan", "one compiled", "several critic updates", "dict")  # the others only differ in the name
kinds = pytest.mark.parametrize(
    ("kind", "built"),
    [
        *(
            pytest.param(kind, False, marks=[] if kind in IN_SHORT else pytest.mark.long, id=f"{kind}-False")
            for kind in KINDS
        ),
        ("gan", True),
        pytest.param("one compiled", True, marks=pytest.mark.long),
    ],
)


def sweep(model, log_dir=None, callbacks=(), **arguments):
    finder = LRFinder(log_dir, **OPTIONS | arguments)
    model.fit(
        *regression_data(), batch_size=8, shuffle=False, verbose=0, callbacks=[*callbacks, finder], epochs=2
    )
    return finder


def rates_of(*optimizers):
    return [float(each.learning_rate.numpy()) for each in optimizers]


def relative(kind, rates):
    """The learning rates of both optimizers, where `rates` are those of the reference."""
    return (rates * RATIO, rates) if kind in COMPILED_REFERENCE else (rates, rates / RATIO)


@kinds
def test_every_row_is_that_of_a_replay_with_both_ramps(kind, built):
    finder = sweep(make(kind, built)[0])
    assert finder.stop_reason == "completed"
    expected = replay(*make(kind, built), *relative(kind, finder.sweep.learning_rate), "g_loss")
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", ["several critic updates"])
def test_the_other_loss_too(kind):
    finder = sweep(make(kind)[0], monitor="d_loss")
    expected = replay(*make(kind), *relative(kind, finder.sweep.learning_rate), "d_loss")
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)


@pytest.mark.combinations
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("kind", ["gan", "compiled under two names", "attributes of sub-models"])
def test_a_named_optimizer_is_ramped_alone(kind, which):
    finder = sweep(make(kind)[0], optimizer=NAMES[kind][which])
    ramps = [np.full(10, rate) for rate in RATES]
    ramps[which] = finder.sweep.learning_rate
    assert finder.sweep.loss == pytest.approx(replay(*make(kind), *ramps, "g_loss"), rel=1e-6)


@pytest.mark.parametrize("options", [{"run_eagerly": True}, {"jit_compile": True}], ids=str)
@only_on_tensorflow
def test_eagerly_and_compiled_by_xla(options):
    finder = sweep(make("gan", **options)[0])
    expected = replay(*make("gan", **options), *relative("gan", finder.sweep.learning_rate), "g_loss")
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)


@only_on_tensorflow
def test_several_batches_an_execution():
    finder = sweep(make("gan", steps_per_execution=4)[0])
    expected = replay(*make("gan"), *relative("gan", finder.sweep.learning_rate), "g_loss")
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)


@kinds
def test_training_goes_on_as_if_there_had_been_no_sweep(kind, built):
    goes_on_as_without_a_sweep(kind, built, None)


@pytest.mark.parametrize("name", NAMES["gan"])
def test_training_goes_on_as_if_one_had_not_been_swept(name):
    goes_on_as_without_a_sweep("gan", False, name)


def goes_on_as_without_a_sweep(kind, built, name):
    model, optimizers = make(kind, built)
    before, were_built = everything(model, optimizers), [each.built for each in optimizers]
    keras.utils.set_random_seed(3)
    sweep(model, optimizer=name)
    assert same_state(before, everything(model, optimizers))
    assert [each.built for each in optimizers] == were_built
    twin, of_twin = make(kind, built)
    histories = []
    for each in (model, twin):
        keras.utils.set_random_seed(3)
        fit = each.fit(*regression_data(), batch_size=8, epochs=2, shuffle=False, verbose=0)
        histories.append(fit.history)
    assert histories[0] == histories[1]
    assert same_state(everything(model, optimizers), everything(twin, of_twin))


def test_the_ramp_of_epochs():
    finder = sweep(make("gan")[0], per="epoch", num_steps=2)
    rates = np.repeat(finder.sweep.learning_rate, 12)
    losses = replay(*make("gan"), rates, rates / RATIO, "g_loss")
    assert finder.sweep.loss == pytest.approx(losses.reshape(2, 12).mean(axis=1), rel=1e-5)


def test_a_model_that_is_kept_stays_as_the_ramps_have_left_it():
    model, optimizers = make("gan", built=True)
    finder = sweep(model, restore=False)
    twin, of_twin = make("gan", built=True)
    replay(twin, of_twin, *relative("gan", finder.sweep.learning_rate), "g_loss")
    for first, second in zip(model.weights, twin.weights, strict=True):
        assert first.numpy() == pytest.approx(second.numpy(), rel=1e-5)
    assert rates_of(*optimizers) == list(RATES)


class Counting(keras.Model):
    """Every batch adds the learning rate of an optimizer to its weight."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.dense.build((None, 4))
        self.first = self.add_weight((), "zeros", name="first")
        self.second = self.add_weight((), "zeros", name="second")
        self.compile()
        self.optimizer_of = {"first": keras.optimizers.SGD(0.3), "second": keras.optimizers.SGD(0.07)}

    def call(self, inputs):
        return self.dense(inputs)

    def train_step(self, data):
        one = keras.ops.convert_to_tensor(-1.0)
        for name, optimizer in self.optimizer_of.items():
            optimizer.apply([one], [getattr(self, name)])
        return {"loss": keras.ops.mean(data[0])}


class Spy(keras.callbacks.Callback):
    """The weights after each batch."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_train_batch_end(self, batch, logs=None):
        self.weights.append((self.model.first.numpy().item(), self.model.second.numpy().item()))


@pytest.mark.parametrize("name", [None, "optimizer_of['first']", "optimizer_of['second']"])
def test_the_rates_that_act(name):
    spy = Spy()
    finder = sweep(Counting(), callbacks=[spy], monitor="loss", optimizer=name)
    rates = finder.sweep.learning_rate
    own = [np.float32(0.3), np.float32(0.07)]
    acting = [np.full(10, own[0]), np.full(10, own[1])]
    if name is None:
        acting = [rates, rates * (float(own[1]) / float(own[0]))]
    else:
        acting["second" in name] = rates
    expected = np.cumsum(np.transpose(acting).astype(np.float32), axis=0, dtype=np.float32)
    assert np.array(spy.weights[:10]) == pytest.approx(expected, rel=1e-6)


@pytest.fixture
def suggests(monkeypatch):
    """A suggestion of 0.02, whatever the losses are."""
    suggestion = property(
        lambda finder: {
            rule: replace(each, learning_rate=0.02)
            for rule, each in finder._outcome.analysis.suggestions.items()
        }
    )
    monkeypatch.setattr(LRFinder, "suggestions", suggestion)


@pytest.mark.parametrize("kind", ["gan", "one compiled", "attributes of sub-models"])
def test_apply_sets_all_optimizers_with_their_ratio(kind, suggests):
    model, optimizers = make(kind)
    finder = sweep(model)
    compiled = rates_of(model.optimizer)
    assert finder.apply() == pytest.approx(0.02)
    assert rates_of(*optimizers) == pytest.approx(list(relative(kind, np.float64(0.02))))
    if kind != "one compiled":  # where it is the second of them
        assert rates_of(model.optimizer) == compiled
    assert finder.apply() == pytest.approx(0.02)


@pytest.mark.parametrize("which", [0, 1])
def test_apply_sets_the_named_optimizer_alone(which, suggests):
    model, optimizers = make("dict")
    finder = sweep(model, optimizer=NAMES["dict"][which])
    assert finder.apply() == pytest.approx(0.02)
    expected = list(RATES)
    expected[which] = 0.02
    assert rates_of(*optimizers) == pytest.approx(expected)


def test_apply_after_the_model_was_compiled_without_the_optimizer(suggests):
    model, _ = make("dict")
    finder = sweep(model)
    model.optimizers = {"d": keras.optimizers.SGD(0.1)}
    with pytest.raises(ValueError, match=r"InADict no longer has the optimizer \"optimizers\['g'\]\""):
        finder.apply()


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("gan", None, "Adam+SGD"),
        ("one compiled", None, "SGD+Adam"),
        ("dict", "optimizers['g']", "SGD"),
        ("compiled under two names", None, "SGD+Adam"),
        ("attributes of sub-models", None, "Adam+SGD"),
    ],
)
def test_the_event_file_describes_the_optimizers_that_are_swept(kind, name, expected, tmp_path):
    config = read_config(sweep(make(kind)[0], tmp_path / "run", optimizer=name).log_dir)
    assert config["optimizer"] == expected
    assert ("momentum" in config["optimizer_settings"]) == expected.startswith("SGD")


def test_the_summary_names_the_optimizers(capsys):
    sweep(make("gan")[0], verbose=1)
    assert (
        "learning rates are those of `d_optimizer`; `g_optimizer` keeps its ratio" in capsys.readouterr().out
    )
    sweep(make("gan")[0], verbose=1, optimizer="g_optimizer")
    assert "learning rates are those of `g_optimizer`." in capsys.readouterr().out


@pytest.mark.parametrize("name", ["discriminator", "optimizers", "d", "g_optimizer.x"])
def test_a_name_that_the_model_does_not_have(name):
    model, optimizers = make("gan")
    before = everything(model, optimizers)
    with pytest.raises(ValueError, match="`optimizer` must be the name of an optimizer of Gan: ") as caught:
        sweep(model, optimizer=name)
    assert "'optimizer' (RMSprop), 'd_optimizer' (Adam), 'g_optimizer' (SGD)" in str(caught.value)
    assert str(caught.value).endswith(f"Received: optimizer={name!r}")
    assert same_state(before, everything(model, optimizers))
    model.fit(*regression_data(), verbose=0)


def test_a_named_optimizer_that_the_step_does_not_use():
    model, optimizers = make("gan")
    before = everything(model, optimizers)
    with pytest.raises(
        RuntimeError, match=r"learning rate of `model.optimizer`, RMSprop .*`d_optimizer` \(Adam\)"
    ):
        sweep(model, optimizer="optimizer")
    assert same_state(before, everything(model, optimizers))
    model.fit(*regression_data(), verbose=0)


class LogsUnusedRate(Gan):
    """Reads the learning rate of the unused optimizer, so that its use cannot be known before."""

    def train_step(self, data):
        return super().train_step(data) | {"lr": keras.ops.convert_to_tensor(self.optimizer.learning_rate)}


def test_a_reference_that_trains_nothing_is_an_error_with_a_way_out():
    model, optimizers = make(LogsUnusedRate)
    before = everything(model, optimizers)
    with pytest.raises(RuntimeError, match=r"Pass LRFinder\(\.\.\., optimizer='d_optimizer'\)"):
        sweep(model)
    assert same_state(before, everything(model, optimizers))
    assert sweep(model, optimizer="d_optimizer").stop_reason == "completed"


class Lazy(Gan):
    """The first batch creates the second optimizer."""

    def compile(self, d_optimizer, g_optimizer, **arguments):
        super().compile(d_optimizer, None, **arguments)

    def train_step(self, data):
        if self.g_optimizer is None:
            self.g_optimizer = keras.optimizers.SGD(0.01)
        return super().train_step(data)


def test_an_optimizer_that_the_first_batch_creates_is_refused_by_name():
    model, _ = make(Lazy)
    weights = [weight.numpy() for weight in model.weights]
    with (
        pytest.warns(RuntimeWarning, match="has created"),
        pytest.raises(RuntimeError, match=r"batch of the sweep has created `g_optimizer` \(SGD\)"),
    ):
        sweep(model)
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(weights, model.weights, strict=True))
    model.fit(*regression_data(), verbose=0)


class LazyLater(Gan):
    """A later batch creates another optimizer."""

    batches = 0

    def train_step(self, data):
        self.batches += 1
        if self.batches == 5:
            self.g_optimizer = keras.optimizers.SGD(0.01)
        return super().train_step(data)


def test_an_optimizer_that_a_later_batch_creates_is_refused_at_the_end():
    model, _ = make(LazyLater, run_eagerly=True)
    # Under the name of an optimizer that was swept, but another object.
    with pytest.raises(RuntimeError, match=r"batch of the sweep has created `g_optimizer` \(SGD\)"):
        sweep(model)


def test_find_lr_takes_the_name_too():
    finder = find_lr(
        make("gan")[0], *regression_data(), optimizer="g_optimizer", batch_size=8, shuffle=False, **OPTIONS
    )
    expected = replay(*make("gan"), np.full(10, RATES[0]), finder.sweep.learning_rate, "g_loss")
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)


def test_the_same_optimizer_under_two_names_is_one():
    def shared():
        one = keras.optimizers.SGD(0.1)
        return one, one

    model, optimizers = make("gan", optimizers=shared)
    optimizers[0].build([*model.discriminator.trainable_weights, *model.generator.trainable_weights])
    twin, of_twin = make("gan", optimizers=shared)
    of_twin[0].build([*twin.discriminator.trainable_weights, *twin.generator.trainable_weights])
    rates = sweep(model).sweep
    assert rates.loss == pytest.approx(
        replay(twin, of_twin, rates.learning_rate, rates.learning_rate, "g_loss"), rel=1e-6
    )


def test_loss_scaling_of_one_of_them():
    def scaled():
        return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.25)), keras.optimizers.SGD(0.0625)

    finder = sweep(make("gan", optimizers=scaled)[0])
    expected = replay(*make("gan", optimizers=scaled), *relative("gan", finder.sweep.learning_rate), "g_loss")
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-5)


def test_gradient_accumulation_holds_the_rate_of_all_for_an_update():
    def accumulating():
        return keras.optimizers.SGD(0.25, gradient_accumulation_steps=2), keras.optimizers.SGD(0.0625)

    finder = sweep(make("gan", optimizers=accumulating)[0])
    rates = np.repeat(finder.sweep.learning_rate, 2)
    losses = replay(*make("gan", optimizers=accumulating), rates, rates / RATIO, "g_loss")
    assert finder.sweep.loss == pytest.approx(losses.reshape(-1, 2).mean(axis=1), rel=1e-6)


@needs_multi_optimizer
def test_a_multi_optimizer_among_them():
    def parts():
        default, other = keras.optimizers.SGD(0.25), keras.optimizers.SGD(0.125)
        return keras.optimizers.MultiOptimizer(
            keras.optimizers.OptimizerMap(default, {".*bias": other})
        ), keras.optimizers.SGD(0.0625)

    finder = sweep(make("gan", optimizers=parts)[0])
    twin, (multi, second) = make("gan", optimizers=parts)
    other, default = multi.optimizers
    losses = []
    for start, rate in zip(range(0, 80, 8), finder.sweep.learning_rate, strict=True):
        default.learning_rate, other.learning_rate = rate, rate / 2
        second.learning_rate = rate / 4
        x, y = (each[start : start + 8] for each in regression_data())
        losses.append(twin.train_on_batch(x, y, return_dict=True)["g_loss"])
    assert finder.sweep.loss == pytest.approx(losses, rel=1e-6)


def test_schedules_are_overridden_and_keep_their_ratio():
    def scheduled():
        decay = keras.optimizers.schedules.ExponentialDecay(0.25, 5, 0.5)
        return keras.optimizers.SGD(decay), keras.optimizers.SGD(0.0625)

    finder = sweep(make("gan", optimizers=scheduled)[0])
    expected = replay(*make("gan", optimizers=lambda: (keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))),
                      *relative("gan", finder.sweep.learning_rate), "g_loss")  # fmt: skip
    assert finder.sweep.loss == pytest.approx(expected, rel=1e-6)
