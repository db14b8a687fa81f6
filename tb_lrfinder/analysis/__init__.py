"""The numbers: what a sweep's rows say. NumPy only; knows nothing of files, HTTP or Keras."""
