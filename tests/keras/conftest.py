import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest

# `clear_session` collects garbage. What the imports have created is never garbage: without it a
# collection takes microseconds, with it a fifth of a second before each of a thousand tests.
gc.collect()
gc.freeze()


@pytest.fixture(autouse=True)
def _seeded():
    """The same start for every test, whichever ran before it in this process."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    yield
    keras.config.set_dtype_policy("float32")
