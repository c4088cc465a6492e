"""`python -m tekton` is the `tekton` command."""

import sys

from tekton.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
