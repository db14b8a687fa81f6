"""The command `tb-lrfinder`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tb_lrfinder.version import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(arguments))
    except (ImportError, OSError, ValueError) as error:
        print(f"tb-lrfinder: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tb-lrfinder",
        description="Learning-rate range tests for Keras, shown in TensorBoard.",
        epilog="To see the sweeps: tensorboard --logdir logs, and open the tab LR Finder.",
    )
    parser.add_argument("--version", action="version", version=f"tb_lrfinder {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    demo = commands.add_parser(
        "demo",
        help="run real range tests of a small ConvNet",
        description="Sweep the learning rate of a small ConvNet on handwritten digits, with SGD and Adam.",
    )
    demo.add_argument(
        "--log-dir", default="logs", metavar="DIR", help="where the event files go (default: logs)"
    )
    demo.add_argument(
        "--dataset",
        choices=("digits", "mnist"),
        default="digits",
        help="digits comes with scikit-learn, mnist is downloaded by Keras (default: digits)",
    )
    demo.add_argument(
        "--num-steps",
        type=_positive,
        default=100,
        metavar="N",
        help="learning rates in a sweep (default: 100)",
    )
    demo.set_defaults(command=_demo)
    return parser


def _demo(arguments: argparse.Namespace) -> int:
    from tb_lrfinder import demo

    demo.run(arguments.log_dir, arguments.dataset, arguments.num_steps)
    print(f"\nTo see the sweeps: tensorboard --logdir {arguments.log_dir}, and open the tab LR Finder.")
    return 0


def _positive(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return value


if __name__ == "__main__":
    sys.exit(main())
