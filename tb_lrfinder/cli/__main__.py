"""`python -m tb_lrfinder.cli`, where the command itself is not on PATH."""

import sys

from tb_lrfinder.cli import main

sys.exit(main())
