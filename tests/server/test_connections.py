"""Connections that are slow, wrong or many: each is given up, and others are answered meanwhile."""

from __future__ import annotations

import io
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from learnware.bundle import Learnware
from learnware.errors import LimitExceeded, NotAllowed, NotAuthenticated
from learnware.limits import LIMITS
from learnware.market.remote import RemoteMarket
from learnware.market.remote.address import Address
from learnware.market.remote.session import Call, Session
from learnware.server import bodies, connections
from learnware.testing import make_learnware
from tests.server.running import RunningDock

LARGE = 20 * 2**20
_ANSWER = re.compile(rb"(?is).*?content-length: (\d+)\r\n.*?\r\n\r\n")
FORGED = "lw_" + "A" * 43


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningDock]:
    with RunningDock(tmp_path / "market") as running:
        yield running


def connected(running: RunningDock) -> socket.socket:
    parts = urlsplit(running.url)
    return socket.create_connection((parts.hostname, parts.port), timeout=10)


def head(method: str, path: str, **fields: Any) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        *(f"{n.replace('_', '-')}: {v}" for n, v in fields.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def answer(connection: socket.socket) -> str:
    """Return one whole answer, or what came of it until the other side closed."""
    told = b""
    while not (whole := _ANSWER.match(told)) or len(told) - whole.end() < int(whole[1]):
        try:
            piece = connection.recv(2**16)
        except ConnectionResetError:
            break
        if not piece:
            break
        told += piece
    return told.decode("latin-1")


def seconds_to_close(connection: socket.socket) -> float:
    start = time.monotonic()
    while answer(connection):
        pass
    return time.monotonic() - start


@pytest.mark.parametrize("sent", [b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"])
def test_who_sends_no_head_is_given_up(running: RunningDock, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    with closing(connected(running)) as connection:
        connection.sendall(sent)
        assert seconds_to_close(connection) < 3.0


def test_nor_is_there_more_time_after_an_answer(running: RunningDock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    with closing(connected(running)) as connection:
        for _ in range(3):
            connection.sendall(head("GET", "/healthz"))
            assert "200 OK" in answer(connection)
        connection.sendall(b"GET /hea")
        assert seconds_to_close(connection) < 3.0


def test_who_reads_nothing_is_given_up(running: RunningDock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READING_SECONDS", 0.3)
    learnware_id = running.dock.market.submit(make_learnware())
    path, _ = running.dock.store.file(learnware_id)
    large = path.read_bytes() + bytes(LARGE)
    monkeypatch.setattr(running.dock, "file", lambda *_: (path, ""))
    monkeypatch.setattr("learnware.server.dock.verified.Verified.check", lambda *_: None)
    path.chmod(0o644)
    path.write_bytes(large)
    with closing(connected(running)) as connection:
        connection.sendall(head("GET", f"/api/v1/learnwares/{learnware_id}/bundle"))
        time.sleep(1.0)
        n_bytes = 0
        with suppress(ConnectionResetError):
            while piece := connection.recv(2**20):
                n_bytes += len(piece)
        assert n_bytes < len(large)


def test_a_body_that_dribbles_is_given_up(running: RunningDock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_PATIENCE_SECONDS", 0.3)
    bearer = f"Bearer {running.token()}"
    for length in ({"Content_Length": 10_000}, {"Transfer_Encoding": "chunked"}):
        with closing(connected(running)) as connection:
            connection.sendall(head("POST", "/api/v1/learnwares", Authorization=bearer, **length))
            connection.sendall(b"1\r\nx\r\n")
            assert " 503 " in answer(connection)
    assert list((running.dock.incoming.dock / "incoming").iterdir()) == []


def test_a_body_that_breaks_off_leaves_nothing(running: RunningDock, caplog: pytest.LogCaptureFixture) -> None:
    bearer = f"Bearer {running.token()}"
    with closing(connected(running)) as connection:
        connection.sendall(head("POST", "/api/v1/learnwares", Authorization=bearer, Content_Length=10_000) + b"PK")
        time.sleep(0.2)
    folder = running.dock.incoming.dock / "incoming"
    end = time.monotonic() + 5
    while list(folder.iterdir()) and time.monotonic() < end:
        time.sleep(0.05)
    assert list(folder.iterdir()) == []
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\x16\x03\x01" * 20,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: y\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 100_000,
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"G\r\n\r\n" * 100,
    ],
)
def test_garbage_is_refused(running: RunningDock, garbage: bytes) -> None:
    with closing(connected(running)) as connection:
        connection.sendall(garbage)
        assert answer(connection).startswith("HTTP/1.1 4")
    assert requests.get(f"{running.url}/healthz", timeout=5).ok


def test_garbage_behind_a_request_is_refused_too(running: RunningDock) -> None:
    with closing(connected(running)) as connection:
        connection.sendall(head("GET", "/healthz") * 3 + b"\x00\x01\r\n\r\n")
        told = ""
        while piece := answer(connection):
            told += piece
        assert (told.count("200 OK"), told.count("400 Bad")) == (3, 1)


def test_long_addresses_and_many_parameters(running: RunningDock) -> None:
    many = "&".join(f"limit={i}" for i in range(1_500))
    assert requests.get(f"{running.url}/api/v1/learnwares?{many}", timeout=5).status_code in (200, 422)
    for path in ("/api/v1/learnwares/" + "x" * 10_000, "/api/v1/learnwares?cursor=" + "y" * 10_000):
        assert requests.get(running.url + path, timeout=5).status_code in (404, 422)
    # What has come at once is read, which is 256 KiB at most.
    with suppress(requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        assert requests.get(running.url + "/" + "x" * 400_000, timeout=5).status_code == 400
    assert requests.get(f"{running.url}/healthz", timeout=5).ok


@pytest.mark.parametrize("n_bytes", [LARGE, 2**62])
def test_what_is_announced_as_too_large_is_not_waited_for(running: RunningDock, n_bytes: int) -> None:
    if n_bytes == LARGE:
        path, fields = "/api/v1/search", {}
    else:
        path, fields = "/api/v1/learnwares", {"Authorization": f"Bearer {running.token()}"}
    with closing(connected(running)) as connection:
        connection.sendall(head("POST", path, Content_Length=n_bytes, **fields) + b"{")
        assert " 413 " in answer(connection)


def test_a_body_without_an_end_is_refused(running: RunningDock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learnware.server.dock.intake.LIMITS", {**LIMITS, "upload-bytes": 2**20})
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    piece = b"10000\r\n" + b"x" * 2**16 + b"\r\n"
    with closing(connected(running)) as connection:
        bearer = f"Bearer {running.token()}"
        connection.sendall(
            head("POST", "/api/v1/learnwares", Authorization=bearer, Transfer_Encoding="chunked") + 32 * piece
        )
        assert " 413 " in answer(connection)
        # What follows is read for a moment and then no more.
        start = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - start < 5.0:
                connection.sendall(piece)
                time.sleep(0.005)
        assert time.monotonic() - start < 5.0


@pytest.mark.parametrize(
    ("token", "expected"),
    [(None, NotAuthenticated), (FORGED, NotAuthenticated), ("reading", NotAllowed), ("too large", LimitExceeded)],
)
def test_whoever_is_refused_early_hears_why(
    running: RunningDock, monkeypatch: pytest.MonkeyPatch, token: str | None, expected: type[Exception]
) -> None:
    if token == "too large":
        monkeypatch.setattr(bodies, "LIMITS", {**LIMITS, "upload-bytes": 2**20})
    known = {"reading": running.token("ada", "read"), "too large": running.token()}
    # A client that reads nothing before it has sent everything, as requests does.
    session = Session(Address.read(running.url), known.get(token or "", token))
    with closing(session), pytest.raises(expected):
        session.answer(Call("POST", "/learnwares", reader=lambda: io.BytesIO(bytes(LARGE))))


def test_a_remote_market_hears_why(running: RunningDock, monkeypatch: pytest.MonkeyPatch) -> None:
    padded = make_learnware().to_bytes() + bytes(LARGE)
    monkeypatch.setattr(Learnware, "to_bytes", lambda _: padded)
    with closing(RemoteMarket(running.url, token=FORGED)) as market, pytest.raises(NotAuthenticated):
        market.submit(make_learnware())


def test_the_answer_comes_before_the_body_has_ended(running: RunningDock) -> None:
    with closing(connected(running)) as connection:
        connection.sendall(head("POST", "/api/v1/learnwares", Authorization=f"Bearer {FORGED}", Content_Length=LARGE))
        assert " 401 " in answer(connection)
        connection.sendall(bytes(LARGE))
        # And the connection can be used again.
        connection.sendall(head("GET", "/healthz"))
        assert "200 OK" in answer(connection)


def test_many_idle_connections_hinder_nobody(running: RunningDock) -> None:
    running.dock.market.submit(make_learnware())
    content = {"specification": json.loads(make_learnware().specification.to_json())}
    requests.post(f"{running.url}/api/v1/search", json=content, timeout=10).raise_for_status()
    beginnings = (b"", b"GET / HTTP/1.1\r\nX: ", head("POST", "/api/v1/search", Content_Length=1000) + b"{")
    with ExitStack() as stack:
        for number in range(200):
            stack.enter_context(closing(connected(running))).sendall(beginnings[number % 3])
        start = time.monotonic()
        found = requests.post(f"{running.url}/api/v1/search", json=content, timeout=10)
        assert (found.status_code, time.monotonic() - start < 2.0) == (200, True)


def test_an_answer_does_not_wait_for_its_second_half(running: RunningDock) -> None:
    # Where it does, each takes 40 ms: Nagle's algorithm waits for an acknowledgement that is delayed.
    with requests.Session() as session:
        times = []
        for _ in range(20):
            start = time.monotonic()
            session.get(f"{running.url}/api/v1/limits", timeout=5).raise_for_status()
            times.append(time.monotonic() - start)
    assert min(times) < 0.03
    assert running._listener.proto == socket.IPPROTO_TCP
