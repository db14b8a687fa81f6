"""`tb-lrfinder suggest` and `tb-lrfinder import`: losses that were recorded elsewhere."""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.analysis.suggestion import suggest
from tb_lrfinder.formatting import rate_text
from tb_lrfinder.storage import schema
from tb_lrfinder.storage.reader import read_log_dir
from tests.command_line import COMMAND, ENVIRON, a_sweep, command, write_losses


@pytest.fixture
def losses(tmp_path):
    return write_losses(tmp_path / "losses.csv")


class TestSuggest:
    def test_suggestion_and_other_rules(self, losses):
        said = command("suggest", losses).stdout
        suggestion = analyze(a_sweep()).suggestion
        assert f"Suggested learning rate: {rate_text(suggestion.learning_rate)} (mid_descent)" in said
        assert f"one-cycle peak  {rate_text(suggestion.ranges.one_cycle_max)}" in said
        assert "valley" in said

    def test_diagnosis(self, tmp_path):
        sweep = a_sweep()
        rows = zip(sweep.learning_rate[:60], sweep.loss[:60], strict=True)  # to the middle of the descent
        (tmp_path / "half.csv").write_text("".join(f"{rate},{loss}\n" for rate, loss in rows))
        said = command("suggest", tmp_path / "half.csv").stdout
        assert "  mild: The loss is still decreasing at the end" in said

    def test_an_already_trained_model(self, tmp_path):
        rates = np.geomspace(1e-7, 10, 100)
        losses = 0.4 + 3 * np.maximum(np.log10(rates / 1e-3), 0)
        rows = zip(rates, losses, strict=True)
        (tmp_path / "trained.csv").write_text("".join(f"{rate},{loss}\n" for rate, loss in rows))
        said = command("suggest", tmp_path / "trained.csv").stdout
        assert (
            f"Suggested learning rate: {rate_text(suggest(rates, losses).learning_rate)} (mid_descent)"
            in said
        )
        assert "one-cycle" not in said
        assert "  mild: The loss did not decrease at any learning rate, but increased from" in said

    def test_json_with_settings(self, losses):
        said = command("suggest", losses, "--json", "--smoothing", 0.5, "--skip-start", 7, "--skip-end", 3)
        expected = analyze(a_sweep(), smoothing=0.5, skip_start=7, skip_end=3).to_json()
        assert json.loads(said.stdout) == json.loads(json.dumps(expected))

    def test_standard_input(self, losses):
        assert command("suggest", "-", stdin=losses.read_text()).stdout == command("suggest", losses).stdout
        said = command("suggest", "-", stdin="lr,loss\n1,tensor(2)\n", code=2).stderr
        assert "stdin, line 2: the loss is 'tensor(2)'" in said

    def test_no_suggestion(self, tmp_path):
        (tmp_path / "short.csv").write_text("1e-3,2\n1e-2,1\n")
        said = command("suggest", tmp_path / "short.csv", code=1).stdout
        assert said.startswith("No suggestion.\n")
        assert "Too few steps" in said

    def test_utf_16_as_spreadsheets_write_it(self, losses):
        before = command("suggest", losses).stdout
        losses.write_bytes(losses.read_text().replace(",", "\t").encode("utf-16"))
        assert command("suggest", losses).stdout == before

    def test_missing_and_binary_files(self, tmp_path):
        assert "No such file" in command("suggest", tmp_path / "no.csv", code=2).stderr
        (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\xff\x00")
        assert "is not a text file" in command("suggest", tmp_path / "a.png", code=2).stderr

    @pytest.mark.parametrize(
        "option", [("--smoothing", "-1"), ("--smoothing", "3"), ("--smoothing", "x"), ("--skip-end", "1.5")]
    )
    def test_invalid_options_are_named(self, losses, option):
        said = command("suggest", losses, *option, code=2).stderr
        assert f"argument {option[0]}" in said
        assert f"Received: {option[0]}=" in said


class TestImport:
    def test_an_imported_run_is_read_like_any_other(self, losses, tmp_path):
        said = command("import", losses, tmp_path / "logs", "--optimizer", "AdamW", "--batch-size", 64)
        assert "learning rate" in said.stdout.lower()
        assert f"tensorboard --logdir {tmp_path / 'logs'}" in said.stderr
        (recorded,) = read_log_dir(str(tmp_path / "logs"))
        assert (recorded.run, recorded.status()) == ("losses", "finished")
        assert recorded.config["optimizer"] == "AdamW"
        assert recorded.config["batch_size"] == 64
        assert recorded.config["imported_from"] == "losses.csv"
        assert "model" not in recorded.config
        np.testing.assert_array_equal(recorded.sweep.learning_rate, a_sweep().learning_rate)
        np.testing.assert_allclose(recorded.sweep.loss, a_sweep().loss, rtol=1e-6)
        assert recorded.result["stop_reason"] == "diverged"
        assert recorded.result["suggestion"] == analyze(a_sweep()).suggestion.to_json()

    def test_a_second_run_is_written_next_to_the_first(self, losses, tmp_path):
        for _ in range(2):
            said = command("import", losses, tmp_path / "logs", "--run", "torch/adam")
        assert str(Path("torch", "adam", "2")) in said.stderr
        assert [one.run for one in read_log_dir(str(tmp_path / "logs"))] == ["torch/adam", "torch/adam/2"]

    def test_a_url_as_log_directory(self, losses):
        pytest.importorskip("fsspec")
        code = (
            "import fsspec; from tb_lrfinder.cli import main\n"
            f"assert main(['import', {str(losses)!r}, 'memory://logs/']) == 0\n"
            "print(*fsspec.filesystem('memory').ls('/logs/losses', detail=False))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1].endswith(schema.EVENT_FILE_SUFFIX)
        assert "to memory://logs/losses." in done.stderr

    def test_nan_in_the_losses_is_not_a_completed_sweep(self, tmp_path):
        rates = np.geomspace(1e-5, 1, 60)
        text = "".join(f"{rate},{'2.3' if step < 20 else 'nan'}\n" for step, rate in enumerate(rates))
        command("import", "-", "logs", stdin=text, cwd=tmp_path)
        (recorded,) = read_log_dir(str(tmp_path / "logs"))
        assert recorded.result["stop_reason"] == "non_finite"
        assert recorded.result["diagnosis"][0]["code"] == "non_finite_early"

    def test_validation_losses_and_gaps_are_kept(self, tmp_path):
        text = "lr,loss,val_loss\n" + "".join(f"{10 ** (i / 10)!r},{3 - i / 10},{i}\n" for i in range(15))
        said = command("import", "-", "logs", stdin=text + "1e9,nan,\n", cwd=tmp_path)
        assert "logs" in said.stderr
        (recorded,) = read_log_dir(str(tmp_path / "logs"))
        assert recorded.run == "stdin"
        assert recorded.sweep.validation_loss[3] == 3
        assert math.isnan(recorded.sweep.loss[-1])
        assert math.isnan(recorded.sweep.validation_loss[-1])

    def test_a_full_disk_is_an_error(self, losses, tmp_path):
        done = subprocess.run(
            [*COMMAND, "import", str(losses), str(tmp_path / "logs")],
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)),
            capture_output=True,
            text=True,
            # The limit holds for the files of whoever measures coverage, too.
            env={name: value for name, value in ENVIRON.items() if not name.startswith("COVERAGE")},
            check=False,
        )
        assert done.returncode == 2, done
        # TensorBoard's own thread has a word to say before.
        assert "Could not write the sweep to" in done.stderr.splitlines()[-1]
        assert "finder.sweep" not in done.stderr

    def test_values_that_the_reader_rejects_are_rejected(self, losses, tmp_path):
        for rate in ("1e-50", "1e39"):
            rows = [f"{rate},2", "1e-3,2"] if rate == "1e-50" else ["1e-3,2", f"{rate},2"]
            losses.write_text("\n".join(["lr,loss", *rows]))
            line = 2 + rows.index(f"{rate},2")
            said = command("import", losses, tmp_path / "logs", code=2).stderr
            assert f"line {line}: the learning rate must be positive and finite" in said
            assert f"got {float(rate):g}" in said
        assert "--batch-size" in command("import", losses, "logs", "--batch-size", "9" * 400, code=2).stderr
        assert not (tmp_path / "logs").exists()

    def test_nothing_is_written_after_an_error(self, losses, tmp_path):
        losses.write_text("lr,loss\n1,2\nx,2\n")
        assert "line 3" in command("import", losses, tmp_path / "logs", code=2).stderr
        losses.write_text("1,2\n2,2\n")
        said = command("import", losses, tmp_path / "logs", "--run", "../up", code=2).stderr
        assert "--run must be a relative name within the log directory" in said
        assert not (tmp_path / "logs").exists()
        assert "is a file" in command("import", losses, losses, code=2).stderr
