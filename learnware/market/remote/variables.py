"""Environment variables that remote markets follow, and the folder that they name."""

from __future__ import annotations

import os
import sys
from pathlib import Path

#: Says who you are to every remote market that is opened without a token.
TOKEN = "LEARNWARE_TOKEN"

#: With "1" no connection is made; what was fetched before can still be used.
OFFLINE = "LEARNWARE_OFFLINE"

#: With "1" tokens may travel unencrypted, over http.
INSECURE = "LEARNWARE_INSECURE"

#: Where everything lies that can be made or fetched again.
CACHE = "LEARNWARE_CACHE"


def is_on(name: str) -> bool:
    """Tell whether an environment variable switches something on."""
    return os.environ.get(name, "").strip().lower() not in ("", "0", "false", "no", "off")


def cache_folder() -> Path:
    """Return the folder that installed environments lie in too; the market may not ask the runtime for it."""
    said = os.environ.get(CACHE)
    if said:
        return Path(said).absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "learnware"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "learnware"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "learnware"
