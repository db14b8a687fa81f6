"""docs/models.md: each mark in its tables names a test that runs on the backend."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BACKENDS = ("tensorflow", "jax", "torch")
ONLY_ON = {
    "only_on_tensorflow": {"tensorflow"},
    "only_on_jax": {"jax"},
    "several_batches_an_execution": {"tensorflow", "jax"},
    "averaged_weights": {"tensorflow", "torch"},
}
"""The marks of tests/keras/backends.py."""


def rows():
    """Model or feature, the mark for each backend, and the tests."""
    for line in (ROOT / "docs" / "models.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and "::" in cells[4]:
            yield pytest.param(
                dict(zip(BACKENDS, cells[1:4], strict=True)), re.findall("`(.+?)`", cells[4]), id=cells[0]
            )


def backends_of(node_id):
    """The backends on which a test runs, as its file says."""
    file, *names = node_id.split("::")
    tree = ast.parse((ROOT / "tests" / "keras" / file).read_text())
    found = {backend for backend in BACKENDS if not _is_skipped(tree.body, backend)}
    body = tree.body
    for name in names:
        (definition,) = (node for node in body if getattr(node, "name", None) == name)
        body = definition.body
        for decorator in definition.decorator_list:
            if isinstance(decorator, ast.Name):
                found &= ONLY_ON.get(decorator.id, found)
    return found


def _is_skipped(statements, backend):
    """Whether `pytest.skip` is called for a backend, outside of tests."""
    for statement in statements:
        if isinstance(statement, ast.If) and "BACKEND" in ast.unparse(statement.test):
            applies = eval(ast.unparse(statement.test), {"BACKEND": backend})
            if _is_skipped(statement.body if applies else statement.orelse, backend):
                return True
        elif isinstance(statement, ast.Expr) and ast.unparse(statement).startswith("pytest.skip("):
            return True
    return False


@pytest.mark.parametrize(("marks", "tests"), list(rows()))
def test_each_mark_is_shown_by_a_test(marks, tests):
    assert set(marks.values()) <= {"✓", "error", "not in Keras"}
    shown = set().union(*map(backends_of, tests))
    assert shown >= {backend for backend, mark in marks.items() if mark != "not in Keras"}


def test_the_tables_are_read():
    assert len(list(rows())) > 25
    assert backends_of("test_several_optimizers.py::test_eagerly_and_compiled_by_xla") == {"tensorflow"}
    assert backends_of("test_custom_train_steps.py::test_monitor_names_the_loss") == {"tensorflow", "torch"}
