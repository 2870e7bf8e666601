"""``python -m convdocs``: the command line."""

import sys

from convdocs.cli import main

if __name__ == "__main__":
    sys.exit(main())
