"""`tb-lrfinder import`: add losses that were recorded elsewhere to a log directory."""

from __future__ import annotations

import argparse
import time
import uuid
from pathlib import Path
from typing import Final

from tb_lrfinder.analysis.analyze import Analysis, analyze
from tb_lrfinder.analysis.curve import DEFAULT_DELTA_WINDOW, DEFAULT_SMOOTHING, Sweep
from tb_lrfinder.analysis.diagnosis import NON_FINITE_EARLY
from tb_lrfinder.checks import check_integer
from tb_lrfinder.cli import losses
from tb_lrfinder.cli.arguments import Commands, add_command, add_log_dir, checked
from tb_lrfinder.cli.terminal import pluralize, print_stderr
from tb_lrfinder.storage import schema
from tb_lrfinder.version import __version__

_MAX_BATCH_SIZE: Final = 2**53  # above, JavaScript cannot represent every integer


def add_to(commands: Commands) -> None:
    """Add the subcommand to the parser."""
    parser = add_command(
        commands,
        "import",
        run,
        help="add losses that were recorded elsewhere to the LR Finder tab",
        description="Write the losses of a sweep that was recorded by PyTorch, fastai or another tool to a\n"
        "log directory, in the format of LRFinder. TensorBoard then shows it next to the other sweeps.",
        examples="""\
  tb-lrfinder import losses.csv logs                     as the run "losses"
  tb-lrfinder import losses.csv logs --run torch/adam --optimizer Adam --batch-size 64
  tensorboard --logdir logs""",
        more=losses.FORMAT,
    )
    losses.add_file(parser)
    add_log_dir(parser)
    parser.add_argument("--run", metavar="NAME", help="name of the run (default: name of the file)")
    parser.add_argument("--optimizer", metavar="NAME", help="optimizer to display, such as Adam")
    parser.add_argument("--model", metavar="NAME", help="model to display")
    parser.add_argument(
        "--batch-size",
        type=checked(check_integer, "--batch-size", at_least=1, at_most=_MAX_BATCH_SIZE),
        metavar="N",
        help="batch size to display",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the losses to a new run directory."""
    sweep = losses.read(arguments.file)
    name = losses.file_name(arguments.file)
    config: schema.SweepConfig = {
        "id": uuid.uuid4().hex[:16],
        "start_time": time.time(),
        "start_lr": float(sweep.learning_rate[0]),
        "end_lr": float(sweep.learning_rate[-1]),
        "num_steps": len(sweep),
        "delta_window": DEFAULT_DELTA_WINDOW,
        "smoothing": DEFAULT_SMOOTHING,
        "imported_from": name,
        "versions": {"tb_lrfinder": __version__},
    }
    for key in ("optimizer", "model", "batch_size"):
        if getattr(arguments, key) is not None:
            config[key] = getattr(arguments, key)
    run_name = arguments.run or Path(name).stem
    if Path(run_name).is_absolute() or ".." in Path(run_name).parts:
        raise ValueError(
            "--run must be a relative name within the log directory, such as torch/adam. "
            f"Received: {run_name!r}"
        )
    log_dir, suggestion = _write(sweep, arguments.log_dir, run_name, config)
    print(suggestion)
    print_stderr(
        f"Wrote {pluralize(len(sweep), 'step')} to {log_dir}. To view the sweep, run "
        f"`tensorboard --logdir {arguments.log_dir}` and open the LR Finder tab."
    )
    return 0


def _write(sweep: Sweep, log_dir: str, run_name: str, config: schema.SweepConfig) -> tuple[str, str]:
    """Write the sweep; return its run directory and its suggestion as text."""
    from tb_lrfinder.cli.log_dir import avoid_tensorflow_import, run_directory

    avoid_tensorflow_import(log_dir)
    from tb_lrfinder.storage.writer import write_sweep

    # The file does not say how the sweep ended, so it is derived from the curve.
    reason = _stop_reason(analyze(sweep))
    analysis = analyze(sweep, stop_reason=reason)
    result = {"stop_reason": reason, "end_time": time.time(), "steps": len(sweep), **analysis.to_json()}
    written = write_sweep(run_directory(log_dir, run_name), sweep, config, result)  # type: ignore[arg-type]
    return written, str(analysis.suggestion)


def _stop_reason(analysis: Analysis) -> str:
    if any(finding.code in ("never_finite", NON_FINITE_EARLY) for finding in analysis.diagnosis):
        return "non_finite"
    return "completed" if analysis.divergence_learning_rate is None else "diverged"
