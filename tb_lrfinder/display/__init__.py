"""Display of a sweep outside of TensorBoard: in notebooks, and with matplotlib."""
