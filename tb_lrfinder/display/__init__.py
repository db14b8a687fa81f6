"""A sweep shown outside of TensorBoard: in a notebook, and with matplotlib."""
