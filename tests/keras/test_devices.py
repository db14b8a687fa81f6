"""Several devices and several processes: in processes of their own, because a backend divides its devices
once and for all."""

import json
import os
import socket
import subprocess
import sys

import pytest

from tb_lrfinder.storage.reader import read_log_dir
from tests.keras.backends import only_on_jax, only_on_tensorflow

TWO_LOGICAL_CPUS = """
import tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
on_all_devices = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope
"""

TWO_JAX_DEVICES = """
import contextlib, os
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
import keras
devices = keras.distribution.list_devices()
assert len(devices) == 2
keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
on_all_devices = contextlib.nullcontext
"""

# The twin that says what the losses must be is trained on all devices too: that a step on several devices
# has the loss of the whole batch is Keras' own promise, and its sums are taken in the same order.
SWEEP_AND_REPLAY = """
import keras
import numpy as np
from tb_lrfinder import LRFinder
from tests.keras.replay import batches_of, regression_data, replay, same_state, small_model, state_of

def layouts(model):
    return [str(getattr(variable.value, "sharding", "")) for variable in model.variables]

data = regression_data()
schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 3, 0.9)
with on_all_devices():
    model = small_model(keras.optimizers.Adam(schedule))
    twin = small_model()
model.fit(*data, verbose=0)
twin.fit(*data, verbose=0)
before, layouts_before = state_of(model), layouts(model)
for ramp in ((log_dir, 1e-4, 0.1, 12), (None, 1e-3, 0.2, 9)):  # the second with the trace of the first
    finder = LRFinder(*ramp, stop=None, verbose=0, validation_data=data)
    model.fit(*data, batch_size=16, epochs=2, shuffle=False, verbose=0, callbacks=[finder])
    assert same_state(before, state_of(model)), "not as before"
    assert layouts_before == layouts(model), "on other devices than before"
    assert model.optimizer._learning_rate is schedule
    assert "_lr_finder_train_function" in vars(model._loss_tracker), "traced anew"

    twin.set_weights(model.get_weights())
    theirs = [variable for variable in twin.optimizer.variables if variable.name != "learning_rate"]
    for mine, other in zip(model.optimizer.variables, theirs, strict=True):
        other.assign(mine.numpy())
    expected = replay(twin, batches_of(*data, epochs=2), finder.sweep.learning_rate)
    np.testing.assert_allclose(finder.sweep.loss, expected, rtol=1e-5)
    assert np.isfinite(finder.sweep.validation_loss).all()
print("the same")
"""


def run_python(code, **variables):
    environment = os.environ | variables
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=300,
    )
    return answer.stdout, answer.stderr


@pytest.mark.parametrize(
    "devices",
    [
        pytest.param(TWO_LOGICAL_CPUS, marks=only_on_tensorflow, id="MirroredStrategy"),
        pytest.param(TWO_JAX_DEVICES, marks=only_on_jax, id="DataParallel"),
    ],
)
def test_on_two_devices_the_loss_is_that_of_the_whole_batch_and_the_model_is_restored(devices, tmp_path):
    output, errors = run_python(f"log_dir = {str(tmp_path)!r}" + devices + SWEEP_AND_REPLAY)
    assert output.strip() == "the same", errors[-2000:]
    (recorded,) = read_log_dir(tmp_path)
    assert len(recorded.sweep) == 12


SWEEP_AND_TRAIN = """
import numpy as np
from tb_lrfinder import LRFinder
from tests.keras.replay import regression_data, small_model

data = regression_data(384)
with on_all_devices():
    model, twin = small_model("sgd"), small_model("sgd")
finder = LRFinder(None, 1e-4, 1.0, 30, stop=None, verbose=0, then="train")
arguments = {"batch_size": 32, "shuffle": False, "verbose": 0}
history = model.fit(*data, epochs=10, callbacks=[finder], **arguments)
twin.optimizer.learning_rate = finder.suggestion.learning_rate
twin.fit(*(array[6 * 32:] for array in data), epochs=1, **arguments)
twin.fit(*data, initial_epoch=3, epochs=10, **arguments)
for mine, other in zip([*model.variables, *model.optimizer.variables],
                       [*twin.variables, *twin.optimizer.variables], strict=True):
    np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-5, atol=1e-7)
assert np.isnan(history.history["loss"]).tolist() == [True] * 2 + [False] * 8
print("the same")
"""


@pytest.mark.parametrize(
    "devices",
    [
        pytest.param(TWO_LOGICAL_CPUS, marks=only_on_tensorflow, id="MirroredStrategy"),
        pytest.param(TWO_JAX_DEVICES, marks=only_on_jax, id="DataParallel"),
    ],
)
def test_on_two_devices_a_fit_trains_after_its_sweep(devices):
    output, errors = run_python(devices + SWEEP_AND_TRAIN)
    assert output.strip() == "the same", errors[-2000:]


# Each process feeds its own half of every batch; the loss and the gradients are those of the whole.
ONE_OF_TWO_PROCESSES = """
import json, os
import keras
rank = int(os.environ["RANK"])
address = os.environ["ADDRESS"]
keras.distribution.initialize(",".join([address] * 2), num_processes=2, process_id=rank)
devices = keras.distribution.list_devices()
distribution = keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)
keras.distribution.set_distribution(distribution)
from tb_lrfinder import LRFinder
from tests.keras.replay import regression_data, same_state, small_model, state_of

data = regression_data()
half = tuple(array[rank::2] for array in data)
model = small_model("sgd")
model.fit(*half, batch_size=8, shuffle=False, verbose=0)
before = state_of(model)
finder = LRFinder(os.environ["LOG_DIR"], 1e-3, 1e4, 60, validation_data=data)
model.fit(*half, batch_size=8, epochs=20, shuffle=False, verbose=0, callbacks=[finder])
print(json.dumps({
    "restored": same_state(before, state_of(model)),
    "losses": list(map(float, finder.sweep.loss)),
    "stop_reason": finder.stop_reason,
    "log_dir": finder.log_dir,
}))
"""


@only_on_jax
def test_of_two_processes_one_writes_and_both_stop_at_the_same_step(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ONE_OF_TWO_PROCESSES],
            env=os.environ | {"RANK": str(rank), "ADDRESS": address, "LOG_DIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        answers = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], answers[0][1][-2000:]
    spoken = [
        [line for line in output.splitlines() if not line.startswith("[Gloo]")] for output, _ in answers
    ]
    first, second = (json.loads(lines[-1]) for lines in spoken)
    assert first["restored"]
    assert second["restored"]
    assert first["stop_reason"] == second["stop_reason"] == "diverged"
    assert first["losses"] == second["losses"]  # to the last bit, so the same decision at the same step
    assert 5 < len(first["losses"]) < 60
    assert (first["log_dir"], second["log_dir"]) == (str(tmp_path), None)
    assert "LR Finder: " in spoken[0][0]
    assert len(spoken[1]) == 1, "the second process has nothing to say"
    (recorded,) = read_log_dir(tmp_path)
    assert len(recorded.sweep) == len(first["losses"])


ONE_OF_TWO_WORKERS = """
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
from tb_lrfinder import LRFinder
try:
    LRFinder()
except RuntimeError as error:
    print(error)
"""


@only_on_tensorflow
def test_several_tensorflow_workers_are_refused_at_once():
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ONE_OF_TWO_WORKERS],
            env=os.environ
            | {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": rank}})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        answers = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for output, errors in answers:
        assert "MultiWorkerMirroredStrategy with 2 workers" in output, errors[-2000:]
        assert "MirroredStrategy or on one device" in output


@pytest.mark.long
@only_on_tensorflow
def test_one_worker_alone_is_swept():
    output, errors = run_python(
        "log_dir = None\nimport tensorflow as tf\n"
        "on_all_devices = tf.distribute.MultiWorkerMirroredStrategy().scope\n" + SWEEP_AND_REPLAY
    )
    assert output.strip() == "the same", errors[-2000:]
