"""`python -m resdsl` is the command `resdsl`."""

import sys

from resdsl.cli import main

if __name__ == "__main__":
    sys.exit(main())
