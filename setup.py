"""Puts the page of the tab into the package, however it is built. Everything else is in pyproject.toml."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import Command, setup
from setuptools.command.build import build
from setuptools.command.sdist import sdist
from setuptools.errors import ExecError

import build_page


class BuildPage(Command):
    """Builds frontend/ into tb_lrfinder/plugin/static/, which is package data."""

    description = "build the page of the TensorBoard tab"
    user_options = []  # noqa: RUF012 (setuptools declares it so)
    editable_mode = False
    build_lib: str | None = None

    def initialize_options(self) -> None:
        pass

    def finalize_options(self) -> None:
        self.set_undefined_options("build", ("build_lib", "build_lib"))

    def run(self) -> None:
        try:
            build_page.build()
        except build_page.PageBuildError as error:
            raise ExecError(str(error)) from error
        if not self.editable_mode and self.build_lib:
            # build_py copies on top of what an earlier build left there, so that chunks
            # which no longer exist would find their way into the wheel.
            shutil.rmtree(Path(self.build_lib, "tb_lrfinder", "plugin", "static"), ignore_errors=True)

    def get_source_files(self) -> list[str]:
        return []  # MANIFEST.in names them

    def get_outputs(self) -> list[str]:
        return []  # build_py copies the page into the package

    def get_output_mapping(self) -> dict[str, str]:
        return {}


class BuildWithPage(build):
    sub_commands = [("build_page", None), *build.sub_commands]  # noqa: RUF012


class SdistWithPage(sdist):
    def run(self) -> None:
        # A source distribution carries the page, so that nobody who installs it needs Node.
        self.run_command("build_page")
        super().run()


setup(cmdclass={"build": BuildWithPage, "build_page": BuildPage, "sdist": SdistWithPage})
