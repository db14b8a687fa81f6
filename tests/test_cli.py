"""`tb-lrfinder report`, `tb-lrfinder export`, and the common behavior of all subcommands."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
import pty
import resource
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tb_lrfinder.analysis.analyze import analyze
from tb_lrfinder.cli.output import open_output
from tb_lrfinder.formatting import rate_text
from tb_lrfinder.plugin.download import download
from tb_lrfinder.plugin.request_params import DownloadParams
from tb_lrfinder.storage.reader import read_log_dir
from tb_lrfinder.storage.writer import SweepWriter, TrialWriter
from tb_lrfinder.version import __version__
from tests.command_line import COMMAND, ENVIRON, a_sweep, command, write, write_losses


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """A sweep with a suggestion, and one without."""
    root = tmp_path_factory.mktemp("logs")
    write(root / "good" / "adam", a_sweep(), optimizer="Adam")
    write(root / "flat", a_sweep(descends=False), optimizer="SGD")
    return root


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    """A trial with validation data, a diverged trial without them, and a sweep."""
    root = tmp_path_factory.mktemp("trials")
    write(root / "sweep", a_sweep())
    good = TrialWriter(root / "0.01", {"id": "t", "learning_rate": 0.01, "epochs": 2, "optimizer": "Adam"})
    good.add(0, 0.01, 0.9, {"validation_loss": 0.8, "accuracy": 0.5})
    good.add(1, 0.01, 0.25, {"validation_loss": 0.5, "accuracy": 0.75})
    good.close({"stop_reason": "completed", "epochs": 2})
    bad = TrialWriter(root / "10", {"id": "u", "learning_rate": 10.0, "epochs": 2})
    bad.add(0, 10.0, math.nan, {})
    bad.close({"stop_reason": "diverged", "epochs": 1})
    return root


@pytest.fixture
def losses(tmp_path):
    return write_losses(tmp_path / "losses.csv")


class TestReport:
    def test_a_table_with_what_each_sweep_says(self, logs):
        said = command("report", logs)
        assert said.stderr == ""
        lines = said.stdout.splitlines()
        suggestion = analyze(a_sweep()).suggestion
        good = next(line for line in lines if line.startswith("good/adam"))
        assert good.split()[:5] == [
            "good/adam",
            "Adam",
            "finished",
            "100/100",
            rate_text(suggestion.learning_rate),
        ]
        flat = next(line for line in lines if line.startswith("flat "))
        assert flat.split()[1:] == ["SGD", "finished", "100/100", "-", "-", "-", "no_descent", "(severe)"]
        assert "  severe: The loss does not decrease" in said.stdout
        assert "\x1b" not in said.stdout

    def test_json_is_what_the_http_api_answers_without_rows(self, logs):
        sweeps = {
            sweep["run"]: sweep for sweep in json.loads(command("report", logs, "--json").stdout)["sweeps"]
        }
        assert list(sweeps) == ["flat", "good/adam"]
        analysis = analyze(a_sweep(), stop_reason="completed")
        good = sweeps["good/adam"]
        assert good["suggestion"] == analysis.suggestion.to_json()
        assert set(good["suggestions"]) == set(analysis.suggestions)
        assert good["config"]["optimizer"] == "Adam"
        assert "columns" not in good
        assert sweeps["flat"]["diagnosis"][0]["severity"] == "severe"

    def test_trials_say_what_they_ended_with(self, trials):
        lines = command("report", trials, "--strict").stdout.splitlines()
        row = {line.split()[0]: line.split()[1:] for line in lines if line}
        assert row["0.01"] == ["Adam", "finished", "2/2", "0.01", "0.25", "0.5", "0.25"]
        assert row["10"] == ["-", "diverged", "1/2", "10", "nan", "-", "-"]
        assert row["sweep"][1] == "finished"
        answered = json.loads(command("report", trials, "--json").stdout)
        assert [sweep["run"] for sweep in answered["sweeps"]] == ["sweep"]
        assert [trial["final"]["loss"] for trial in answered["trials"]] == [0.25, "NaN"]

    def test_trials_alone(self, trials):
        assert "SWEEP" not in command("report", trials / "0.01").stdout

    def test_strict_is_for_ci(self, logs, tmp_path):
        command("report", logs, "--strict", code=1)
        command("report", logs / "good", "--strict")
        assert json.loads(command("report", logs, "--strict", "--json", code=1).stdout)["sweeps"]

    def test_strict_with_a_run_that_cannot_be_read(self, tmp_path):
        write(tmp_path / "good", a_sweep())
        SweepWriter(tmp_path / "odd", {"num_steps": "many"}).close({})
        said = command("report", tmp_path, "--strict", code=1).stdout
        assert "failed" in next(line for line in said.splitlines() if line.startswith("odd "))
        assert "'num_steps' must be an integer, got str" in said

    def test_a_sweep_that_still_runs(self, tmp_path):
        write(tmp_path / "live", a_sweep(), result=False)
        (sweep,) = json.loads(command("report", tmp_path, "--json").stdout)["sweeps"]
        assert sweep["status"] == "running"
        assert sweep["suggestion"]["learning_rate"] == pytest.approx(
            analyze(a_sweep()).suggestion.learning_rate, rel=1e-3
        )

    def test_names_in_a_log_directory_cannot_command_the_terminal(self, tmp_path):
        write(tmp_path / "a\x1b[2Jb", a_sweep(descends=False), optimizer="\x1b]0;title\x07SGD")
        said = command("report", tmp_path).stdout
        assert "\x1b" not in said
        assert "\x07" not in said
        assert "a\N{REPLACEMENT CHARACTER}[2Jb" in said

    def test_errors_say_what_to_do(self, tmp_path):
        nothing = command("report", tmp_path, code=2).stderr
        assert "No sweep or trial found in" in nothing
        assert "LRFinder(" in nothing
        assert "No such directory" in command("report", tmp_path / "none", code=2).stderr
        (tmp_path / "file").touch()
        assert "tb-lrfinder suggest" in command("report", tmp_path / "file", code=2).stderr


class TestExport:
    def test_csv_has_every_row_at_full_precision(self, logs):
        rows = list(csv.DictReader(io.StringIO(command("export", logs).stdout)))
        assert [row["run"] for row in rows] == ["flat"] * 100 + ["good/adam"] * 100
        for recorded in read_log_dir(str(logs)):
            mine = [row for row in rows if row["run"] == recorded.run]
            for name, column in recorded.sweep.columns().items():
                np.testing.assert_array_equal([float(row[name]) for row in mine], column)

    def test_csv_of_sweeps_and_trials(self, trials):
        rows = list(csv.DictReader(io.StringIO(command("export", trials).stdout)))
        assert [row["kind"] for row in rows] == ["trial"] * 3 + ["sweep"] * 100
        assert (rows[1]["epoch"], rows[1]["accuracy"], rows[1]["step"]) == ("1", "0.75", "")
        assert (rows[2]["run"], rows[2]["loss"], rows[2]["accuracy"]) == ("10", "nan", "")
        assert (rows[3]["step"], rows[3]["epoch"]) == ("0", "")

    def test_one_kind_alone(self, trials, logs):
        header, *rows = command("export", trials, "--kind", "trial", "--run", "0.01").stdout.splitlines()
        assert header == "run,kind,epoch,learning_rate,loss,validation_loss,accuracy"
        assert len(rows) == 2
        json_of_trials = json.loads(command("export", trials, "--kind", "trial", "--format", "json").stdout)
        assert [len(json_of_trials[kind]) for kind in ("sweeps", "trials")] == [0, 2]
        assert (
            "No trial found in the log directory" in command("export", logs, "--kind", "trial", code=2).stderr
        )

    def test_json_to_a_file_by_its_name(self, logs, tmp_path):
        said = command("export", logs, "--output", tmp_path / "out.json", "--run", "flat")
        assert said.stdout == ""
        assert "100 rows from 1 run" in said.stderr
        (sweep,) = json.loads((tmp_path / "out.json").read_text())["sweeps"]
        assert sweep["run"] == "flat"
        assert sweep["config"]["optimizer"] == "SGD"
        assert len(sweep["columns"]["loss"]) == 100
        assert sweep["columns"]["validation_loss"] == ["NaN"] * 100

    def test_an_unknown_run(self, logs):
        said = command("export", logs, "--run", "adam", code=2).stderr
        assert "No sweep or trial found in the run 'adam'. Available runs: 'flat', 'good/adam'" in said

    def test_an_output_that_cannot_be_written(self, logs, tmp_path):
        assert "no/out.csv" in command("export", logs, "-o", tmp_path / "no" / "out.csv", code=2).stderr

    def test_names_are_no_formulas_for_a_spreadsheet(self, tmp_path):
        write(tmp_path / "=1+2", a_sweep())
        trial = TrialWriter(tmp_path / "-1.5e-3", {"learning_rate": 0.1})
        trial.add(0, 0.1, -1.5e-3, {"@SUM(A1)": -math.inf, "a;=b": 1.0, "+1": 2.0, "a-b": 3.0})
        trial.close({"stop_reason": "completed", "epochs": 1})
        header, *rows = csv.reader(io.StringIO(command("export", tmp_path).stdout))
        assert {row[0] for row in rows} == {"'=1+2", "-1.5e-3"}
        names = ["'@SUM(A1)", "a;'=b", "+1", "a-b"]
        assert [name for name in header if name in names] == names
        (row,) = (row for row in rows if row[1] == "trial")
        cells = [row[header.index(name)] for name in ["loss", *names]]
        assert cells == [repr(float(np.float32(-1.5e-3))), "-inf", "1.0", "2.0", "3.0"]
        recorded = next(one for one in read_log_dir(str(tmp_path)) if one.kind == "trial")
        downloaded = download(recorded, DownloadParams(recorded.run, "csv")).text
        assert downloaded.splitlines()[0].endswith(",'@SUM(A1),a;'=b,+1,a-b")

    def test_a_metric_called_run_is_a_column_of_its_own(self, tmp_path):
        trial = TrialWriter(tmp_path / "a", {"learning_rate": 0.1})
        trial.add(0, 0.1, 1.0, {"run": 7.0, "kind": 8.0, "metric_run": 9.0})
        trial.close({"stop_reason": "completed", "epochs": 1})
        (row,) = csv.DictReader(io.StringIO(command("export", tmp_path).stdout))
        assert (row["run"], row["kind"]) == ("a", "trial")
        assert (row["metric_metric_run"], row["metric_kind"], row["metric_run"]) == ("7.0", "8.0", "9.0")

    def test_an_output_is_whole_or_what_it_was(self, logs, tmp_path):
        out = tmp_path / "out.csv"
        out.write_text("before")
        out.chmod(0o640)
        done = subprocess.run(
            [*COMMAND, "export", str(logs), "-o", str(out)],
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)),
            capture_output=True,
            text=True,
            env={name: value for name, value in ENVIRON.items() if not name.startswith("COVERAGE")},
            check=False,
        )
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done
        assert out.read_text() == "before"
        stopped = contextlib.ExitStack()
        stopped.enter_context(open_output(str(out))).write("half")
        assert stopped.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None) is False
        assert out.read_text() == "before"
        assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
        command("export", logs, "-o", out)
        assert len(out.read_text().splitlines()) == 201
        assert out.stat().st_mode & 0o777 == 0o640

    def test_an_output_that_is_a_link_or_no_file(self, logs, tmp_path):
        (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
        command("export", logs, "-o", tmp_path / "link.csv")
        assert (tmp_path / "link.csv").is_symlink()
        assert len((tmp_path / "real.csv").read_text().splitlines()) == 201
        assert command("export", logs, "-o", "/dev/stdout").stdout == (tmp_path / "real.csv").read_text()
        command("export", logs, "-o", "/dev/null")
        assert not Path("/dev/null").is_file()

    def test_a_reader_that_has_seen_enough(self, logs):
        process = subprocess.Popen(
            [*COMMAND, "export", str(logs)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRON
        )
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


class TestTerminals:
    @pytest.mark.parametrize(
        ("environ", "reported", "exported"),
        [
            ({"PYTHONIOENCODING": "ascii"}, b"gr\\xf6\\xdfe ", "größe"),
            (  # Python cannot decode the bytes of a name either
                {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
                rb"gr\udcc3\udcb6\udcc3\udc9fe ",
                r"gr\udcc3\udcb6\udcc3\udc9fe",
            ),
        ],
        ids=["encoding", "locale"],
    )
    def test_unencodable_names_are_escaped(self, tmp_path, environ, reported, exported):
        write(tmp_path / "größe", a_sweep(descends=False))
        write(tmp_path / "bytes", a_sweep())
        (tmp_path / "bytes").rename(tmp_path / os.fsdecode(b"bytes\xff"))  # invalid in any encoding

        def said(*arguments):
            done = subprocess.run(
                [*COMMAND, *arguments], capture_output=True, env=ENVIRON | environ, cwd=tmp_path, check=False
            )
            assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done
            return done.stdout

        assert reported in said("report", ".")
        rows = said("export", ".")
        assert f"{exported},sweep".encode() in rows  # files do not depend on the terminal
        assert said("export", ".", "-o", "/dev/stdout") == rows
        said("export", ".", "-o", "rows.csv")
        assert (tmp_path / "rows.csv").read_bytes() == rows

    @pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            ("report {logs}", 0),
            ("report {logs} --strict", 1),
            ("export {logs} -o {out}.csv", 0),
            ("import {losses} {out}", 0),
            ("suggest {losses}", 0),
            ("suggest nothing.csv", 2),
            ("--help", 0),
            ("--version", 0),
        ],
    )
    def test_a_closed_stream_prints_no_traceback(self, logs, losses, tmp_path, arguments, code, closed):
        named = arguments.format(logs=logs, losses=losses, out=tmp_path / "out")
        done = in_a_shell(f"{named} {closed}")
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done
        if closed == "2>&-":
            assert "Wrote" not in done.stdout

    def test_export_to_a_closed_stream_is_an_error(self, logs):
        done = in_a_shell(f"export {logs} >&-")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done
        assert "Standard output is closed" in done.stderr

    def test_a_closed_standard_input_is_an_error(self):
        done = in_a_shell("suggest - <&-")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done
        assert "Standard input is closed" in done.stderr

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="requires /dev/full")
    @pytest.mark.parametrize("arguments", ["report {logs}", "export {logs}", "report {logs} --json"])
    def test_a_full_disk_is_a_one_line_error(self, logs, arguments):
        done = in_a_shell(f"{arguments.format(logs=logs)} >/dev/full")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done
        assert "No space left" in done.stderr

    @pytest.mark.parametrize("arguments", ["--help", "report {logs}", "report {logs} 2>&1", "nothing 2>&1"])
    def test_a_closed_pipe_prints_nothing(self, logs, arguments):
        done = in_a_shell(f"{arguments.format(logs=logs)} | true")
        assert done.stderr.replace("argument COMMAND", "") == "", done


def in_a_shell(arguments):
    """Run the command in a shell, with redirections."""
    return subprocess.run(
        ["bash", "-c", f"{shlex.join(COMMAND)} {arguments}"],
        capture_output=True,
        text=True,
        env=ENVIRON,
        check=False,
    )


def test_ctrl_c_prints_no_traceback():
    process = subprocess.Popen(
        [*COMMAND, "suggest", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Processes in the background of a shell ignore Ctrl-C, possibly these tests.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads yet
    )
    process.stdin.write(b"lr,loss\n")
    process.stdin.flush()
    time.sleep(3)  # until it waits for input
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == 130


def test_version_and_help():
    assert command("--version").stdout == f"tb_lrfinder {__version__}\n"
    overview = command("--help").stdout
    for name in ("demo", "report", "export", "suggest", "import"):
        assert f"tb-lrfinder {name}" in overview
        assert "examples:" in command(name, "--help").stdout
    assert "exit codes:" in overview
    assert "report" in command("reprot", code=2).stderr
    assert "must be an integer of at least 2" in command("demo", "--num-steps", "1", code=2).stderr


def test_the_sweeps_of_the_demo_are_reported(tmp_path):
    said = command("demo", "--log-dir", tmp_path / "logs", "--num-steps", 12)
    assert f"tensorboard --logdir {tmp_path / 'logs'}" in said.stdout
    sweeps = json.loads(command("report", tmp_path / "logs", "--json").stdout)["sweeps"]
    assert [sweep["run"] for sweep in sweeps] == ["digits/adam", "digits/sgd"]
    assert [sweep["config"]["optimizer"] for sweep in sweeps] == ["Adam", "SGD"]


def test_neither_keras_nor_tensorflow_is_imported(logs, losses, tmp_path):
    code = (
        "import sys; from tb_lrfinder.cli import main\n"
        f"logs, losses, out = {str(logs)!r}, {str(losses)!r}, {str(tmp_path / 'out')!r}\n"
        "main(['report', logs]); main(['export', logs, '-o', out + '.csv'])\n"
        "main(['suggest', losses]); main(['import', losses, out])\n"
        "print(sorted({'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def in_a_terminal(*arguments, **environ):
    """Run the command with a terminal as standard output and error; return what it prints."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=terminal, stderr=terminal, env=ENVIRON | environ
    )
    os.close(terminal)
    printed = b""
    while True:
        try:
            part = os.read(controller, 65536)
        except OSError:  # on Linux: the other end is closed
            break
        if not part:
            break
        printed += part
    os.close(controller)
    process.wait(60)
    return printed.decode()


def test_colors_on_a_terminal_that_supports_them(logs):
    assert "\x1b[31msevere\x1b[0m: The loss" in in_a_terminal("report", logs)
    assert "\x1b" not in in_a_terminal("report", logs, NO_COLOR="1")
    assert "\x1b" not in in_a_terminal("report", logs, TERM="dumb")


def test_progress(monkeypatch, capsys):
    from tb_lrfinder.cli import terminal

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    progress = terminal.Progress("Reading runs")
    progress(1, 3)
    assert capsys.readouterr().err == ""  # not in the first moments
    monkeypatch.setattr(terminal, "_PROGRESS_DELAY_SECONDS", 0.0)
    progress(2, 3)
    assert capsys.readouterr().err.endswith("Reading runs: 2 of 3")
    progress(3, 3)
    assert capsys.readouterr().err == f"\r{' ' * len('Reading runs: 2 of 3')}\r"  # cleared


def test_progress_is_only_shown_on_terminals(monkeypatch, capsys):
    from tb_lrfinder.cli import terminal

    monkeypatch.setattr(terminal, "_PROGRESS_DELAY_SECONDS", 0.0)
    terminal.Progress("Reading runs")(1, 3)
    assert capsys.readouterr().err == ""
