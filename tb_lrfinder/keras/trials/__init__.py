"""Training runs at fixed learning rates: `LRTrial` and `run_trials`."""
