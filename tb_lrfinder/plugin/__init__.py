"""TensorBoard plugin: the HTTP routes and the page of the LR Finder tab."""

from __future__ import annotations

from tb_lrfinder.plugin.plugin import LRFinderPlugin

__all__ = ["LRFinderPlugin"]
