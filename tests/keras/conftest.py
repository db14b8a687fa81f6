import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest


@pytest.fixture(autouse=True, scope="module")
def _without_earlier_garbage():
    """Keras collects garbage in `clear_session`, before each test: from now on only that of this file."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _seeded():
    """The same start for every test, whichever ran before it in this process."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    yield
    keras.config.set_dtype_policy("float32")
