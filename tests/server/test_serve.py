"""The command that starts a dock, as a process of its own."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from learnware.cli import main


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "learnware", "serve", str(tmp_path / "market"), "--port", "0", "--workers", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    assert found is not None
    assert "dock add-user" in process.stdout.readline()
    with urllib.request.urlopen(f"{found[0]}/healthz") as answer:
        assert json.load(answer) == {"status": "ok"}
    process.send_signal(signal.SIGTERM)
    _, wrong = process.communicate(timeout=30)
    assert (process.returncode, wrong) == (0, "")
    assert (tmp_path / "market" / "dock").stat().st_mode & 0o777 == 0o700


def test_what_is_unsafe_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(tmp_path / "market"), "--host", "0.0.0.0"]) == 2
    assert "--public-url" in capsys.readouterr().err
    assert not (tmp_path / "market").exists()


def test_a_port_that_is_taken_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", str(tmp_path / "market"), "--port", str(port)]) == 2
    assert f"127.0.0.1:{port}" in capsys.readouterr().err
