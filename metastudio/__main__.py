"""`python -m metastudio`: the command line, and without arguments the studio."""

from __future__ import annotations

import sys

from metastudio.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
