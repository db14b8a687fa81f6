"""Analysis of sweeps and trials. Depends only on NumPy, and not on files, HTTP or Keras."""
