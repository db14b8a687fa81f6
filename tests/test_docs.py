"""Every code block of README.md and docs/ is run, or says why it is not.

The Python blocks of a page run one after the other in one namespace, so that a block may go on with an
earlier one. It has what readers have, see `given()`: a model, data, a finder that has swept. Of shell blocks,
`tb-lrfinder` is run; what installs, builds or serves is checked for being there at all. A block that is not
run has a line `<!-- not run: REASON -->` before it.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

import tb_lrfinder

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    "README.md",
    "tb_lrfinder/plugin/http_api.md",
    *(f"docs/{page.name}" for page in sorted(ROOT.glob("docs/*.md"))),
]
FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>.+?) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass
class Block:
    """A code block of a page."""

    language: str
    code: str
    line: int
    reason: str | None


def blocks_of(page):
    text = (ROOT / page).read_text()
    found = [
        Block(match["language"], match["code"], text[: match.start("code")].count("\n") + 1, match["reason"])
        for match in FENCE.finditer(text)
    ]
    assert len(found) * 2 == len(re.findall(r"^```", text, re.MULTILINE)), (
        f"{page} has a fence that is not understood"
    )
    return found


# One worker runs them all, and imports Keras once.
pytestmark = pytest.mark.xdist_group("docs")

WITH_CODE = [page for page in PAGES if blocks_of(page)]


@pytest.fixture(scope="module")
def data():
    import numpy as np

    rng = np.random.default_rng(1)
    x = rng.normal(size=(320, 8)).astype("float32")
    return x, (x @ rng.normal(size=(8, 1))).astype("float32")


@pytest.fixture
def given(data, tmp_path, monkeypatch):
    """What readers have before the first line, in a directory with a sweep in it."""
    import keras

    from tb_lrfinder import LRFinder

    monkeypatch.chdir(tmp_path)
    x, y = data

    def make_model(optimizer="adam", learning_rate=None):
        keras.utils.set_random_seed(1)
        model = keras.Sequential(
            [keras.Input((8,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)]
        )
        model.compile(optimizer, "mse")
        if learning_rate is not None:
            model.optimizer.learning_rate = learning_rate
        return model

    model = make_model()
    finder = LRFinder("logs/adam", verbose=0)
    model.fit(x, y, epochs=10, verbose=0, callbacks=[finder])
    rows = zip(finder.sweep.learning_rate, finder.sweep.loss, strict=True)
    Path("losses.csv").write_text("lr,loss\n" + "".join(f"{rate},{loss}\n" for rate, loss in rows))
    return {"model": model, "x": x, "y": y, "finder": finder, "make_model": make_model, "validation": (x, y)}


@pytest.mark.parametrize("page", WITH_CODE)
def test_code_of_the_page_runs(page, given):
    namespace = {"__name__": "__main__", **given}
    for block in blocks_of(page):
        if block.reason is not None:
            continue
        try:
            RUNNERS[block.language](block.code, namespace)
        except BaseException as error:
            raise AssertionError(f"{page}, line {block.line}: {type(error).__name__}: {error}") from error


def run_python(code, namespace):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # such as one about a directory that was there before
        exec(compile(code, "<block>", "exec"), namespace)


def run_shell(code, namespace):
    for line in code.splitlines():
        words = shlex.split(line, comments=True)
        if words:
            SHELL[words[0]](words, line)


def run_command_line(words, line):
    if words[1] == "demo":  # trains for longer than all else here; tests/browser runs it
        return
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = line.replace("tb-lrfinder", f"{shlex.quote(sys.executable)} -m tb_lrfinder.cli", 1)
    done = subprocess.run(command, shell=True, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line}\n{done.stderr}"


def check_install(words, line):
    """Its extras are there. What is installed is up to the packages' index."""
    project = (ROOT / "pyproject.toml").read_text()
    for extras in re.findall(r"\[([\w,]+)\]", line):
        for extra in extras.split(","):
            assert re.search(rf"^{extra} = \[", project, re.MULTILINE), f"there is no extra {extra!r}"


def check_make(words, line):
    makefile = (ROOT / "Makefile").read_text()
    for target in words[1:]:
        assert re.search(rf"^(\S+ )*{target}( \S+)*:", makefile, re.MULTILINE), (
            f"there is no target {target!r}"
        )


def check_python(words, line):
    if words[1] == "-c":
        run_python(words[2], {})
    elif words[1:3] == ["-m", "pytest"]:
        assert (ROOT / words[3]).is_file()
    else:
        assert (ROOT / words[1]).is_file()


def check_tensorboard(words, line):
    from tensorboard import default
    from tensorboard.program import TensorBoard

    TensorBoard(plugins=default.get_plugins()).configure(words)  # which ends the process where one is wrong


def parse_json(code, namespace):
    json.loads(code)


SHELL = {
    "tb-lrfinder": run_command_line,
    "pip": check_install,
    "make": check_make,
    "python": check_python,
    "tensorboard": check_tensorboard,
    "export": lambda words, line: None,
}
RUNNERS = {"python": run_python, "sh": run_shell, "json": parse_json}


def documented():
    """What the reference page shows, by name."""
    names = re.findall(r"^::: (\S+)$", (ROOT / "docs" / "reference.md").read_text(), re.MULTILINE)
    for name in names:
        found = importlib.import_module("tb_lrfinder")
        for number, part in enumerate(name.split(".")[1:], 2):
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module(".".join(name.split(".")[:number]))
            found = getattr(found, part)
        yield name, found


def test_examples_of_docstrings_run(given):
    import numpy as np

    x, y = given["x"], given["y"]
    given |= {"np": np, "x_val": x[:32], "y_val": y[:32], "steps": 300, "sweep": given["finder"].sweep}
    ran = []
    for name, found in documented():
        for code in re.findall(
            r"^```python\n(.*?)^```$", inspect.getdoc(found) or "", re.DOTALL | re.MULTILINE
        ):
            if "[...]" in code:  # the layers of somebody's model
                continue
            namespace = {"keras": importlib.import_module("keras"), "tb_lrfinder": tb_lrfinder, **given}
            namespace |= {public: getattr(tb_lrfinder, public) for public in tb_lrfinder.__all__}
            namespace.setdefault(name.rpartition(".")[2], found)
            try:
                run_python(code, namespace)
            except Exception as error:
                raise AssertionError(f"{name}: {type(error).__name__}: {error}\n{code}") from error
            ran.append(name)
    assert len(ran) >= 10, ran


def test_what_is_not_run_says_why():
    """Few blocks, and reasons that are sentences' worth."""
    reasons = [block.reason for page in PAGES for block in blocks_of(page) if block.reason is not None]
    assert all(len(reason.split()) >= 3 for reason in reasons)
    run = sum(block.reason is None for page in PAGES for block in blocks_of(page))
    assert run > 3 * len(reasons)


def test_pages_and_their_build(tmp_path):
    """`mkdocs build --strict`: no dead link, no name without a docstring, nothing from another host."""
    pytest.importorskip("mkdocs", reason="the extra `docs` is not installed, as with other versions' tests")
    environ = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for page in tmp_path.glob("*.html"):
        markup = page.read_text()
        fetched = re.findall(
            r"""<(?:script|link|img|iframe)[^>]*?(?:src|href)=["']?(https?:[^"'\s>]+)""", markup
        )
        assert not fetched, f"{page.name} fetches {fetched}"
    curves = (tmp_path / "reading_the_curve.html").read_text()
    assert curves.count("<svg role=img") + curves.count('<svg role="img"') == 7
    assert "<!-- curve" not in curves
    reference = (tmp_path / "reference.html").read_text()
    for name in ("LRFinder", "find_lr", "LRTrial", "suggest", "Suggestion", "Divergence", "read_log_dir"):
        assert re.search(rf'id="?tb_lrfinder\.[\w.]*{name}"?', reference), name


def string_literals():
    """All strings in the package; `{}` stands for what an f-string formats."""
    for path in (ROOT / "tb_lrfinder").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_messages_quoted_for_troubleshooting_exist():
    """A message at the start of a line is quoted as it is; numbers are examples, and `…` leaves text out."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    quoted = re.findall(r"^(?:- )?\*(?!\*)([^*]+)\*", page, re.MULTILINE)
    assert len(quoted) >= 8
    literals = [re.sub(r"\d+", "{}", literal) for literal in string_literals()]
    for message in quoted:
        parts = re.sub(r"\d+", "{}", " ".join(message.split())).split("…")
        pattern = re.compile(".*".join(re.escape(part.strip()) for part in parts), re.DOTALL)
        assert any(pattern.search(literal) for literal in literals), message


def test_public_names_are_in_the_reference():
    reference = (ROOT / "docs" / "reference.md").read_text()
    for name in set(tb_lrfinder.__all__) - {"RULES", "__version__"}:
        assert f"::: tb_lrfinder.{name}\n" in reference, name
