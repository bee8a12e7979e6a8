"""Environment variables that remote markets follow."""

from __future__ import annotations

import os

#: Says who you are to every remote market that is opened without a token.
TOKEN = "LEARNWARE_TOKEN"

#: With "1" no connection is made; what was fetched before can still be used.
OFFLINE = "LEARNWARE_OFFLINE"

#: With "1" tokens may travel unencrypted, over http.
INSECURE = "LEARNWARE_INSECURE"


def is_on(name: str) -> bool:
    """Tell whether an environment variable switches something on."""
    return os.environ.get(name, "").strip().lower() not in ("", "0", "false", "no", "off")
