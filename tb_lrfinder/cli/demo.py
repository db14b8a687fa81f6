"""`tb-lrfinder demo`: real range tests of a small network."""

from __future__ import annotations

import argparse

from tb_lrfinder.cli.arguments import Commands, add_command, positive
from tb_lrfinder.cli.terminal import say


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    demo = add_command(
        commands,
        "demo",
        run,
        help="run real range tests of a small ConvNet",
        description="Sweep the learning rate of a small ConvNet on handwritten digits, with SGD and Adam.\n"
        "Needs Keras and, for the digits, scikit-learn: pip install 'tb_lrfinder[tensorflow,demo]'",
        examples="""\
  tb-lrfinder demo && tensorboard --logdir logs
  tb-lrfinder demo --dataset mnist --num-steps 300 --log-dir /tmp/demo""",
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
        type=positive,
        default=100,
        metavar="N",
        help="learning rates in a sweep (default: 100)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the sweeps."""
    from tb_lrfinder import demo

    say("Loading Keras, and sweeping the learning rate with SGD and with Adam; some ten seconds ...")
    demo.run(arguments.log_dir, arguments.dataset, arguments.num_steps)
    print(f"\nTo see the sweeps: tensorboard --logdir {arguments.log_dir}, and open the tab LR Finder.")
    return 0
