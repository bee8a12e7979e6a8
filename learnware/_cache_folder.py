"""Where everything lies that can be made or fetched again: environments of models, and learnwares of remote markets."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder that LEARNWARE_CACHE or LEARNWARE_HOME names, else ``learnware`` in the platform's own."""
    said = os.environ.get("LEARNWARE_CACHE") or os.environ.get("LEARNWARE_HOME")
    if said:
        return Path(said).absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "learnware"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "learnware"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "learnware"
