"""Runs the tests with all supported sets of versions, and writes the results to docs/versions.md.

    python .ci/matrix.py                    # all cells
    python .ci/matrix.py oldest newest      # selected cells
    python .ci/matrix.py --core oldest      # only the tests that depend on the versions most
    python .ci/matrix.py --list

Each cell has its own environment in `.venv-matrix/`, created with pip and reused by later runs. The Python of
a cell is searched on PATH and in pyenv. If it is missing, `--any-python` uses the interpreter that runs this
file, provided that the packages of the cell are available for it.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "versions.md"
# What another version of Keras, TensorFlow, TensorBoard or NumPy breaks first: private names, the train step,
# the event files. CI runs these with the oldest versions, `make matrix` runs all.
CORE = (
    "tests/keras/test_internals.py",
    "tests/keras/test_use.py",
    "tests/keras/test_true_losses.py",
    "tests/keras/test_custom_train_steps.py",
    "tests/test_analysis.py",
    "tests/test_curve.py",
    "tests/test_event_file_schema.py",
    "tests/test_writer.py",
)
SHOWN = ("tensorflow", "jax", "torch", "keras", "numpy", "tensorboard")


@dataclass(frozen=True)
class Cell:
    """A set of versions."""

    name: str
    python: str
    backend: str = "tensorflow"
    pins: tuple[str, ...] = ()
    constraints: str | None = None

    @property
    def tests(self) -> list[str]:
        """The tests to run: without TensorFlow only `tests/keras`; the examples only in the newest one."""
        if self.backend != "tensorflow":
            return ["tests/keras"]
        left_out = ["browser", "stress", "test_packaging.py", "test_docs.py"]
        if self.name != "newest":
            left_out.append("test_example*.py")
        return ["tests", *(f"--ignore-glob=tests/{name}" for name in left_out)]


CELLS = (
    Cell("oldest", "3.10", constraints=".ci/oldest.txt"),
    Cell("3.11-tensorflow", "3.11"),
    Cell("3.11-jax", "3.11", backend="jax"),
    # Pinned because the latest PyTorch pulls in gigabytes of CUDA packages; 2.13 has a CPU build.
    Cell("3.11-torch", "3.11", backend="torch", pins=("torch==2.13.*",)),
    Cell("3.12-tensorflow-2.19", "3.12", pins=("tensorflow==2.19.*", "setuptools<82")),
    Cell("newest", "3.13", pins=("tensorflow==2.21.*",)),
)


@dataclass(frozen=True)
class Outcome:
    """The test results of a cell."""

    cell: Cell
    python: str
    versions: dict[str, str]
    passed: int
    skipped: int
    failed: int
    seconds: float

    @property
    def row(self) -> str:
        """The row of the table in the docs."""
        versions = " | ".join(self.versions.get(name, "–") for name in SHOWN)
        return (
            f"| {self.cell.name} | {self.python} | {self.cell.backend} | {versions} "
            f"| {self.passed} | {self.skipped} | {self.failed} |"
        )


def python_of(version: str, any_python: bool) -> str:
    """Return the path of an interpreter of this version.

    Raises:
        SystemExit: If none is found.
    """
    candidates = [shutil.which(f"python{version}")]
    candidates += sorted(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")), reverse=True)
    for candidate in filter(None, candidates):
        asked = [candidate, "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False)
        if answer.stdout.strip() == version:
            return candidate
    if any_python:
        print(f"Python {version} was not found; using {sys.executable}.", file=sys.stderr)
        return sys.executable
    raise SystemExit(
        f"Python {version} was not found, neither as python{version} on PATH nor in pyenv. "
        "Install it, omit the cell, or pass --any-python."
    )


def environment_of(cell: Cell, python: str) -> Path:
    """Create or update the environment of a cell, and return its interpreter."""
    directory = ROOT / ".venv-matrix" / cell.name
    stamp = directory / "installed"
    if stamp.exists() and stamp.stat().st_mtime > (ROOT / "pyproject.toml").stat().st_mtime:
        return directory / "bin" / "python"
    if not (directory / "bin" / "python").exists():
        subprocess.run([python, "-m", "venv", directory], check=True)
    install = [str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet", "--editable"]
    install += [f".[{cell.backend},plot,test]", *cell.pins]
    if cell.constraints:
        install += ["--constraint", cell.constraints]
    subprocess.run(install, cwd=ROOT, check=True)
    stamp.touch()
    return directory / "bin" / "python"


def versions_of(python: Path) -> tuple[str, dict[str, str]]:
    """Return the versions of Python and of the packages in the table."""
    script = "import importlib.metadata as m, platform\nprint('python', platform.python_version())\n"
    script += "for d in m.distributions(): print(d.name, d.version)"
    lines = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True).stdout
    found = dict(line.split(" ", 1) for line in lines.splitlines())
    return found["python"], {name: found[name] for name in SHOWN if name in found}


def run(cell: Cell, any_python: bool, workers: int, core: bool) -> Outcome:
    """Run the tests of a cell, all of them or those in `CORE`."""
    print(f"\n=== {cell.name}: Python {cell.python}, {cell.backend} ===", flush=True)
    python = environment_of(cell, python_of(cell.python, any_python))
    version, packages = versions_of(python)
    print(", ".join(map(" ".join, {"Python": version, **packages}.items())), flush=True)
    report = ROOT / ".venv-matrix" / f"{cell.name}.xml"
    report.unlink(missing_ok=True)
    # Mixed old and new versions cause pages of deprecation warnings for each test.
    pytest = [str(python), "-m", "pytest", "-q", "--disable-warnings"]
    pytest += ["-n", str(workers), "--dist", "loadgroup"]
    started = time.monotonic()
    subprocess.run(
        [*pytest, f"--junit-xml={report}", *(("-m", "not long", *CORE) if core else cell.tests)],
        cwd=ROOT,
        check=False,
        env=os.environ | {"KERAS_BACKEND": cell.backend},
    )
    seconds = time.monotonic() - started
    if not report.exists():
        raise SystemExit(f"The tests of {cell.name} did not run.")
    suite = next(xml.etree.ElementTree.parse(report).iter("testsuite")).attrib
    failed = int(suite["failures"]) + int(suite["errors"])
    skipped = int(suite["skipped"])
    passed = int(suite["tests"]) - failed - skipped
    return Outcome(cell, version, packages, passed, skipped, failed, seconds)


def write_table(outcomes: list[Outcome]) -> None:
    """Update the rows of these cells in the docs; other rows are kept."""
    text = TABLE.read_text(encoding="utf-8")
    for outcome in outcomes:
        row = re.compile(rf"^\| {re.escape(outcome.cell.name)} \|.*$", re.MULTILINE)
        if not row.search(text):
            raise SystemExit(f"{TABLE} has no row for {outcome.cell.name}.")
        text = row.sub(lambda _, row=outcome.row: row, text)
    TABLE.write_text(text, encoding="utf-8")


def main() -> int:
    """Run the selected cells."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cells", nargs="*", metavar="CELL", help="names of cells (default: all)")
    parser.add_argument("--list", action="store_true", help="list the cells")
    parser.add_argument("--interpreter", metavar="CELL", help="print the path of its Python")
    parser.add_argument("--any-python", action="store_true", help="use this Python if another is missing")
    parser.add_argument("--core", action="store_true", help="run only the tests that depend on versions most")
    parser.add_argument("--write", action="store_true", help="update docs/versions.md")
    parser.add_argument("--workers", type=int, default=2, help="number of parallel tests (default: 2)")
    arguments = parser.parse_args()
    cells = {cell.name: cell for cell in CELLS}
    if arguments.core and arguments.write:
        parser.error("--write is for results of all tests; omit --core")
    if arguments.list:
        for cell in CELLS:
            print(*filter(None, [cell.name, cell.python, cell.backend, *cell.pins, cell.constraints]))
        return 0
    if arguments.interpreter:
        print(python_of(cells[arguments.interpreter].python, arguments.any_python))
        return 0
    unknown = set(arguments.cells) - set(cells)
    if unknown:
        parser.error(f"unknown cell {', '.join(sorted(unknown))}; available cells: {', '.join(cells)}")
    chosen = [cells[name] for name in arguments.cells] or list(CELLS)
    outcomes = [run(cell, arguments.any_python, arguments.workers, arguments.core) for cell in chosen]
    if arguments.write:
        write_table(outcomes)
    print()
    for outcome in outcomes:
        counts = dataclasses.asdict(outcome)
        print(
            f"{outcome.cell.name:22} Python {outcome.python:8} passed {counts['passed']:4}  "
            f"skipped {counts['skipped']:3}  failed {counts['failed']:3}  {outcome.seconds / 60:4.1f} min"
        )
    return int(any(outcome.failed for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
