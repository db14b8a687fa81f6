"""`tb-lrfinder import`: losses that were recorded elsewhere into a log directory."""

from __future__ import annotations

import argparse
import time
import uuid
from pathlib import Path

from tb_lrfinder.analysis.analyze import Analysis, analyze
from tb_lrfinder.analysis.curve import DEFAULT_DELTA_WINDOW, DEFAULT_SMOOTHING, Sweep
from tb_lrfinder.analysis.diagnosis import NON_FINITE_EARLY
from tb_lrfinder.cli import losses
from tb_lrfinder.cli.arguments import Commands, add_command, add_log_dir, positive
from tb_lrfinder.cli.terminal import counted, say
from tb_lrfinder.storage import schema
from tb_lrfinder.version import __version__


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "import",
        run,
        help="show losses that were recorded elsewhere in the tab",
        description="Write the losses of a sweep that PyTorch, fastai or anything else recorded to a log\n"
        "directory, as LRFinder would have. TensorBoard then shows it beside all others.",
        examples="""\
  tb-lrfinder import losses.csv logs                     as the run "losses"
  tb-lrfinder import losses.csv logs --run torch/adam --optimizer Adam --batch-size 64
  tensorboard --logdir logs""",
        more=losses.FORMAT,
    )
    losses.add_file(parser)
    add_log_dir(parser)
    parser.add_argument("--run", metavar="NAME", help="what the run is called (default: as the file)")
    parser.add_argument("--optimizer", metavar="NAME", help="shown with the run, such as Adam")
    parser.add_argument("--model", metavar="NAME", help="shown with the run")
    parser.add_argument("--batch-size", type=positive, metavar="N", help="shown with the run")


def run(arguments: argparse.Namespace) -> int:
    """Write the losses to a run directory of their own."""
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
            f"--run must be a name below the log directory, such as torch/adam. Received {run_name!r}."
        )
    log_dir, suggestion = _write(sweep, Path(arguments.log_dir) / run_name, config)
    print(suggestion)
    say(
        f"Wrote {counted(len(sweep), 'step')} to {log_dir}. To see them: "
        f"tensorboard --logdir {arguments.log_dir}, and open the tab LR Finder."
    )
    return 0


def _write(sweep: Sweep, log_dir: Path, config: schema.SweepConfig) -> tuple[str, str]:
    """Write the sweep; return where to, and what it suggests."""
    from tb_lrfinder.cli.log_dir import spare_tensorflow

    spare_tensorflow()
    from tb_lrfinder.storage.writer import write_sweep

    # Nobody has said how it ended, so the curve has to.
    reason = _stop_reason(analyze(sweep))
    analysis = analyze(sweep, stop_reason=reason)
    result = {"stop_reason": reason, "end_time": time.time(), "steps": len(sweep), **analysis.to_json()}
    written = write_sweep(log_dir, sweep, config, result)  # type: ignore[arg-type]
    return written, str(analysis.suggestion)


def _stop_reason(analysis: Analysis) -> str:
    if any(finding.code in ("never_finite", NON_FINITE_EARLY) for finding in analysis.diagnosis):
        return "non_finite"
    return "completed" if analysis.divergence_learning_rate is None else "diverged"
