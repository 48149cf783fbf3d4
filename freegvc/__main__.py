"""`python -m freegvc` is the command `freegvc`."""

import sys

from freegvc._cli.main import main

if __name__ == "__main__":
    sys.exit(main())
