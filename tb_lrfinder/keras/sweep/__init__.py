"""The range test inside `model.fit`: `LRFinder` and `find_lr`."""
