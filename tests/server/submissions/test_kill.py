"""Kill -9 at any moment, of whoever accepts uploads and of whoever verifies them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from learnware.testing import make_learnware
from tests.market.forks import needs_fork

pytestmark = needs_fork


def rounds(n_rounds: int, folder: Path, root: Path) -> int:
    files = [make_learnware(f"Number {number}").save(folder / f"{number}.zip") for number in range(3)]
    command = [
        sys.executable,
        "-m",
        "tests.server.submissions.kill",
        str(n_rounds),
        str(folder / "market"),
        *map(str, files),
    ]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_what_is_acknowledged_comes_to_its_end(tmp_path: Path, root: Path) -> None:
    rounds(3, tmp_path, root)


@pytest.mark.slow
def test_fifty_times(tmp_path: Path, root: Path) -> None:
    # The kills must have hit what they are meant to hit.
    assert rounds(50, tmp_path, root) >= 5
