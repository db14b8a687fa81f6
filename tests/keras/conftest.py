import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest


@pytest.fixture(autouse=True)
def _seeded():
    """The same start for every test, whichever ran before it in this process."""
    keras.backend.clear_session()
    # It collects garbage: what is left is never garbage, and would be searched again before each of a
    # thousand tests, for up to a second.
    gc.freeze()
    keras.utils.set_random_seed(1)
    yield
    keras.config.set_dtype_policy("float32")
