"""setuptools' build backend, which also asks for Node where the page must be built and there is none.

setuptools documents this way of stating requirements that depend on the machine: a backend in the source
tree that passes everything on to `setuptools.build_meta`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

import build_page

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

_Settings = Mapping[str, Any] | None


def get_requires_for_build_wheel(config_settings: _Settings = None) -> list[str]:
    """What a wheel's build needs on this machine, besides setuptools."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *build_page.requirements()]


def get_requires_for_build_editable(config_settings: _Settings = None) -> list[str]:
    """What an editable install needs on this machine, besides setuptools."""
    return [*build_meta.get_requires_for_build_editable(config_settings), *build_page.requirements()]


def get_requires_for_build_sdist(config_settings: _Settings = None) -> list[str]:
    """What a source distribution's build needs on this machine, besides setuptools."""
    return [*build_meta.get_requires_for_build_sdist(config_settings), *build_page.requirements()]
