"""The example notebook, run from the first cell to the last in a kernel of its own."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tb_lrfinder.formatting import rate_text
from tb_lrfinder.storage.reader import read_log_dir
from tests.serving import TensorBoardServer

pytestmark = pytest.mark.xdist_group("notebook")  # which is run once

NOTEBOOK = Path(__file__).resolve().parent.parent / "examples" / "lr_finder.ipynb"


@dataclass
class Executed:
    """The notebook with its outputs, where it ran, and the TensorBoard that it started."""

    notebook: nbformat.NotebookNode
    work: Path
    server: TensorBoardServer


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    work = tmp_path_factory.mktemp("notebook")
    # %tensorboard says in the directory for temporary files what it has started, and reuses what is there.
    (work / "tmp").mkdir()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    where = {"metadata": {"path": str(work)}}
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where)
    # As in an activated environment: the command `tensorboard` is found beside this Python.
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with client.setup_kernel(env=os.environ | {"TMPDIR": str(work / "tmp"), "PATH": tools}):
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
        (about,) = (work / "tmp" / ".tensorboard-info").iterdir()
        port = json.loads(about.read_text())["port"]
        yield Executed(notebook, work, TensorBoardServer(f"http://localhost:{port}/", work))
    # The kernel takes its TensorBoard with it.
    assert not list((work / "tmp" / ".tensorboard-info").iterdir())


def outputs(notebook, kind):
    return [
        output["data"][kind]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if kind in output.get("data", {})
    ]


def test_the_finder_shows_its_curve_and_its_answer(executed):
    html = outputs(executed.notebook, "text/html")[0]
    recorded = read_log_dir(str(executed.work / "logs"))
    suggested = {
        one.run: one.result["suggestion"]["learning_rate"] for one in recorded if one.kind == "sweep"
    }
    assert set(suggested) == {"adam", "rmsprop", "sgd"}
    assert f"<b>{rate_text(suggested['adam'])}</b>" in html
    assert "<svg" in html
    assert "Written to logs" in html


def test_the_suggestion_trains_the_model(executed):
    (said,) = [text for text in outputs(executed.notebook, "text/plain") if text.startswith("{'accuracy'")]
    assert float(said.split(":")[1].split(",")[0]) > 0.85


def test_tensorboard_in_the_notebook_has_the_tab(executed):
    assert any("tensorboard-frame" in html for html in outputs(executed.notebook, "text/html"))
    runs = executed.server.wait_for_runs(6, status="finished")
    assert {run["run"] for run in runs if run["kind"] == "sweep"} == {"adam", "rmsprop", "sgd"}
    assert len([run for run in runs if run["run"].startswith("trials/")]) == 3
    assert executed.server.get("data/plugins_listing").json()["lr_finder"]["enabled"] is True


def test_the_file_is_kept_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
