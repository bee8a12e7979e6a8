"""``python -m learnware`` is the command ``learnware``."""

from __future__ import annotations

import sys

from learnware.cli import main

if __name__ == "__main__":
    sys.exit(main())
