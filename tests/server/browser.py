"""The browser that pages are looked at with, where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

#: Debian's; Playwright's own would have to be downloaded.
CHROMIUM = Path("/usr/bin/chromium")

#: For modules that need it; in CI they fail without it.
needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists() and "LEARNWARE_REQUIRE_BROWSER" not in os.environ, reason=f"there is no {CHROMIUM}"
)
