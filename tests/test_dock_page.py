"""What the page on docks shows in a shell does what the page says."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi import FastAPI

from learnware.cli import main
from learnware.limits import LIMITS
from learnware.market import LocalMarket
from learnware.server.api import PREFIX, api_router
from learnware.server.database import open_database

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "dock.md").read_text(encoding="utf-8")
LEARNWARE = [sys.executable, "-m", "learnware"]


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Do what the page does first, in a folder of its own, and return the address."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEARNWARE_CACHE", str(tmp_path / "cache"))
    command = [*LEARNWARE, "serve", "market", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().split()[-1]
        finally:
            server.terminate()


@pytest.mark.skipif(not shutil.which("bash") or not shutil.which("curl"), reason="needs bash and curl")
def test_the_session_of_the_page_runs(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("password").write_text("correct horse battery\n")
    lines = re.findall(r"^\$ (.+)$", PAGE, re.MULTILINE)
    assert lines[:2] == ['pip install "learnware[server]"', "learnware serve market"]
    assert len(lines) >= 15
    printed = []
    for line in lines[2:]:
        command = line.replace("http://127.0.0.1:8000", address)
        name, _, rest = command.removeprefix("export ").partition("=$(")
        # Commands of ours without a process for each, which would take as long as all else.
        if line.startswith("export"):
            printed.append(capsys.readouterr().out)
            assert main(shlex.split(rest.removesuffix(")"))[1:]) == 0, line
            monkeypatch.setenv(name, capsys.readouterr().out.strip())
        elif line.startswith("learnware"):
            # Nobody is there to type a password.
            more = ["--password-file", "password"] if "add-user" in line else []
            assert main([*shlex.split(command)[1:], *more]) == 0, line
        else:
            script = command.replace("curl ", "curl --fail-with-body ").replace("python ", f"{sys.executable} ")
            done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{line}\n{done.stderr}\n{done.stdout}"
            printed.append(done.stdout)
    printed.append(capsys.readouterr().out)
    for expected in ("verdict: match", '"verdict":"match"', '"state":"pending"'):
        assert any(expected in text for text in printed), expected
    with LocalMarket.in_folder("market-again") as market:
        assert len(market) >= 1
    with closing(open_database(Path("market-again"))) as database:
        assert database.rows("SELECT name, role FROM users") == [("ada", "admin"), ("bob", "user")]


def test_the_page_tells_the_limits_in_force() -> None:
    mib, gib = 2**20, 2**30
    for row in (
        f"| learnware file | {LIMITS['upload-bytes'] // mib} MiB |",
        f"| search, with its specification | {LIMITS['search-bytes'] // mib} MiB |",
        f"| any other body | {LIMITS['request-bytes'] // mib} MiB |",
        "| learnwares of an account; their files together | "
        f"{LIMITS['learnwares-per-user']}; {LIMITS['user-bytes'] // gib} GiB |",
        f"| its submissions that wait; in an hour | {LIMITS['waiting-per-user']}; {LIMITS['uploads-per-hour']} |",
        "| wrong passwords for an account from an address; from an address; for an account | "
        f"{LIMITS['logins-per-minute']} in a minute; {4 * LIMITS['logins-per-minute']}; "
        f"{20 * LIMITS['logins-per-minute']} in an hour |",
        f"| lists and pages of learnwares | {10 * LIMITS['searches-per-minute']} in a minute |",
        f"| points of a specification that is searched with | {LIMITS['market-points']} |",
        "| specifications of searches that have an address of their own, together | "
        f"{LIMITS['queries-bytes'] // mib} MiB for {LIMITS['query-days']} days; the oldest go first |",
        "| searches from an address; with an account | "
        f"{LIMITS['searches-per-minute']} in a minute; {10 * LIMITS['searches-per-minute']} |",
    ):
        assert row in PAGE, row
    proxies = [(ROOT / "deploy" / name).read_text(encoding="utf-8") for name in ("nginx.conf", "Caddyfile")]
    megabytes = LIMITS["upload-bytes"] // mib
    assert f"client_max_body_size {megabytes}m;" in proxies[0]
    assert f"max_size {megabytes}MiB" in proxies[1]
    assert f"max_size {megabytes}MiB" in PAGE


def test_the_page_knows_every_route_and_no_other() -> None:
    told = set()
    for row in re.findall(r"^\| (`(?:GET|POST|PUT|PATCH|DELETE)[^|]+) \|", PAGE, re.MULTILINE):
        parts = [part.split(" ") for part in re.findall(r"`([^`]+)`", row)]
        for number, (method, *path) in enumerate(parts):
            # "`GET`, `POST /users`": one without a path has that of the next.
            told.add((method, re.sub("[A-Z]+", "{}", (path or parts[number + 1][1:])[0])))
    app = FastAPI()
    app.include_router(api_router())
    there = {
        (method.upper(), re.sub(r"{\w+}", "{}", path.removeprefix(PREFIX)))
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }
    assert told == there
