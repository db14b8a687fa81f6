"""The TensorBoard plugin: its routes, and the page that it serves."""

from __future__ import annotations

from tb_lrfinder.plugin.plugin import LRFinderPlugin

__all__ = ["LRFinderPlugin"]
