"""Several devices: in a process of its own, because TensorFlow divides them once and for all."""

import subprocess
import sys

from tests.keras.backends import only_on_tensorflow

MIRRORED = """
import tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import numpy as np
from tb_lrfinder import LRFinder
from tests.keras.replay import batches_of, regression_data, replay, same_state, small_model, state_of

data = regression_data()
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = small_model()
model.fit(*data, verbose=0)
before = state_of(model)
finder = LRFinder(None, 1e-4, 0.1, 12, stop=None, verbose=0)
model.fit(*data, batch_size=16, epochs=2, shuffle=False, verbose=0, callbacks=[finder])
twin = small_model()
twin.fit(*data, verbose=0)
twin.set_weights(before[:4])
for mine, theirs in zip(twin.optimizer.variables, before[4:]):
    mine.assign(theirs)
expected = replay(twin, batches_of(*data, epochs=2), finder.sweep.learning_rate)
np.testing.assert_allclose(finder.sweep.loss, expected, rtol=1e-5)
assert same_state(before, state_of(model))
print("the same")
"""


@only_on_tensorflow
def test_a_mirrored_strategy_records_the_loss_of_the_whole_batch_and_is_restored():
    answer = subprocess.run([sys.executable, "-c", MIRRORED], capture_output=True, text=True, check=False)
    assert answer.stdout.strip() == "the same", answer.stderr[-2000:]
