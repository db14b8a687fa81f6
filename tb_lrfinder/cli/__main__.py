"""Entry point of `python -m tb_lrfinder.cli`, for environments without the command on `PATH`."""

import sys

from tb_lrfinder.cli import main

sys.exit(main())
