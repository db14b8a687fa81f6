"""The private attributes of Keras that the package relies on: one test each, for new versions of Keras."""

import ast
from pathlib import Path

import keras
import numpy as np
import pytest

import tb_lrfinder
from tb_lrfinder import LRFinder
from tb_lrfinder.keras import internals
from tests.keras.backends import only_on_jax
from tests.keras.replay import regression_data, small_model


@pytest.mark.parametrize("name", internals.NEEDED["model"])
def test_models_have_it(name):
    assert hasattr(small_model(), name)


def test_a_missing_module_is_named_before_a_sweep(monkeypatch):
    monkeypatch.setattr(internals, "_GLOBAL_STATE", "keras.src.backend.common.moved")
    with pytest.raises(RuntimeError, match=r"lacks keras\.src\.backend\.common\.moved\. Supported versions"):
        small_model().fit(*regression_data(8), verbose=0, callbacks=[LRFinder(None, verbose=0)])


@only_on_jax
@pytest.mark.parametrize("name", internals.NEEDED_ON_JAX)
def test_models_on_jax_have_it(name):
    assert hasattr(small_model(), name)


def test_a_backup_is_recognized_and_knows_its_epoch(tmp_path):
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup", save_freq=1, delete_checkpoint=False)
    assert backup._current_epoch == 0
    assert not internals.has_backup(backup)
    small_model().fit(*regression_data(8), verbose=0, callbacks=[backup])
    assert internals.has_backup(backup)


@only_on_jax
def test_on_jax_fit_keeps_the_state_that_is_replaced():
    states = []

    class Comparing(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            internals.sync(self.model)
            states.append(dict(self.model._jax_state))
            internals.keep_variables(self.model)
            states.append(dict(self.model._jax_state))

    small_model().fit(*regression_data(8), verbose=0, callbacks=[Comparing()])
    before, after = states
    assert list(before) == list(after)
    for name, values in before.items():
        assert all(np.array_equal(a, b) for a, b in zip(values, after[name], strict=True))


@only_on_jax
def test_on_jax_the_step_is_compiled_by_the_method_that_is_overridden():
    model = small_model()
    steps = []

    def noting(step):
        steps.append(step)
        return step

    with internals.step_function_replaced(model, noting):
        model.make_train_function(force=True)
    assert len(steps) == 1
    assert "_make_function" not in vars(model)


@pytest.mark.parametrize("name", internals.NEEDED["optimizer"])
def test_optimizers_have_it(name):
    assert hasattr(keras.optimizers.SGD(), name)


def test_optimizers_read_the_learning_rate_with_the_overridden_method():
    optimizer = keras.optimizers.SGD(0.5)
    object.__setattr__(optimizer, "_get_current_learning_rate", lambda: 0.125)
    assert optimizer.learning_rate == 0.125


def test_the_loss_tracker_is_a_mean_whose_update_can_be_overridden():
    model = small_model()
    assert type(model._loss_tracker).update_state is keras.metrics.Mean.update_state
    seen = []
    update = model._loss_tracker.update_state
    object.__setattr__(
        model._loss_tracker,
        "update_state",
        lambda values, sample_weight=None: seen.append(update(values, sample_weight)),
    )
    model.run_eagerly = True
    model.train_on_batch(*regression_data(8))
    assert len(seen) == 1


def test_fit_makes_its_train_function_before_it_calls_any_callback():
    model = small_model()
    order = []
    original = model.make_train_function
    object.__setattr__(model, "make_train_function", lambda: order.append("make") or original())
    spy = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: order.append("begin"))
    model.fit(*regression_data(8), verbose=0, callbacks=[spy])
    assert order == ["make", "begin"]


def test_the_list_of_callbacks_is_found_and_keeps_its_thread():
    found = []

    class Asks(keras.callbacks.Callback):
        def set_model(self, model):
            super().set_model(model)
            found.append(internals.callback_list(self))

    first, second = Asks(), keras.callbacks.Callback()
    small_model().fit(*regression_data(8), verbose=0, callbacks=[first, second])
    (callbacks,) = found
    assert callbacks.callbacks[:2] == [first, second]
    assert hasattr(callbacks, "_async_train")
    callbacks._async_train = True  # as for a callback outside a list, where the backend allows threads
    internals.call_in_this_thread(callbacks)
    assert not callbacks._async_train
    first.set_model(small_model())  # not by a list: there is none to find
    assert found[1] is None


def test_the_batch_size_is_found():
    sizes = []
    model = small_model()
    spy = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: sizes.append(internals.batch_size_of_fit(model))
    )
    model.fit(*regression_data(8), batch_size=4, verbose=0, callbacks=[spy])
    assert sizes == [4]
    assert internals.batch_size_of_fit(model) is None


def test_the_global_seed_generator_is_found_and_restored():
    keras.random.uniform(())
    generator = internals.global_seed_generator()
    state = generator.state.numpy()
    keras.random.uniform(())
    assert not np.array_equal(state, generator.state.numpy())
    internals.set_global_seed_generator(None)
    assert internals.global_seed_generator() is None
    internals.set_global_seed_generator(generator)
    assert internals.global_seed_generator() is generator


def test_a_keras_that_lacks_one_is_named_with_those_that_have_it(monkeypatch):
    monkeypatch.setitem(internals.NEEDED, "optimizer", ("_get_current_learning_rate", "_gone"))
    model = small_model()
    with pytest.raises(
        RuntimeError, match=r"which lacks optimizer\._gone\. Supported versions: Keras 3\.7 to"
    ) as error:
        model.fit(*regression_data(), verbose=0, callbacks=[LRFinder()])
    assert keras.__version__ in str(error.value)
    assert not {"train_step", "make_train_function"} & set(vars(model))


def test_a_backend_that_is_not_supported_is_named(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    with pytest.raises(RuntimeError, match="the active backend is 'openvino'"):
        small_model().fit(*regression_data(), verbose=0, callbacks=[LRFinder()])


def private_names_of_keras():
    """The private attributes of the Keras objects that a sweep or a trial handles."""
    model = small_model()
    model.fit(*regression_data(8), verbose=0)
    callbacks = keras.callbacks.CallbackList([keras.callbacks.Callback()], model=model)
    owners = [
        *(model, model.layers[0], model.optimizer, keras.optimizers.LossScaleOptimizer(model.optimizer)),
        *(
            callbacks,
            callbacks.callbacks[0],
            model.weights[0],
            keras.metrics.Mean(),
            keras.losses.MeanSquaredError(),
        ),
        *(keras.random.SeedGenerator(0), keras.optimizers.schedules.CosineDecay(0.1, 1)),
    ]
    if hasattr(keras.optimizers, "MultiOptimizer"):
        owners.append(
            keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(keras.optimizers.SGD(), {}))
        )
    names = {name for owner in owners for name in (*dir(owner), *vars(owner))}
    names |= {name for needed in internals.NEEDED.values() for name in needed} | {*internals.NEEDED_ON_JAX}
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def private_names_in(source, names):
    """The names that a module uses: as attributes of other objects, or as strings.

    An attribute of `self` counts in subclasses of Keras classes only; others may use the same name.
    """
    tree = ast.parse(source)
    of_keras = ("keras", "CopyableFinder", "LRTrial")
    own = {
        id(node)
        for kind in ast.walk(tree)
        if isinstance(kind, ast.ClassDef)
        and not any(word in ast.unparse(base) for base in kind.bases for word in of_keras)
        for node in ast.walk(kind)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"
    }
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in own:
            used.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            used.add(node.value)
    return used & names


def test_no_other_module_names_a_private_attribute_of_keras():
    names = private_names_of_keras()
    assert {"_iterations", "_get_current_learning_rate", "_model", "_value", "_async_train"} <= names
    package = Path(tb_lrfinder.__file__).parent / "keras"  # nothing else imports Keras
    used = {
        str(path.relative_to(package)): private
        for path in sorted(package.rglob("*.py"))
        if path.name != "internals.py" and (private := private_names_in(path.read_text("utf-8"), names))
    }
    assert not used
    assert private_names_in("getattr(optimizer, '_iterations', None)", names) == {"_iterations"}
    assert private_names_in("callback._model = None", names) == {"_model"}
    assert private_names_in("class A(keras.Model):\n  def f(self): self._metrics", names) == {"_metrics"}
    assert not private_names_in("class A:\n  def f(self): self._metrics", names)
