"""A dock of a few lines, which keeps every byte it got and can be told to fail."""

from __future__ import annotations

import io
import json
import re
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from learnware.bundle import Learnware
from learnware.errors import LearnwareError, NotAuthenticated
from learnware.market import LocalMarket
from learnware.market.wire import problem_of, result_to_wire, revision_to_wire
from learnware.specification import Specification

#: Gets a request, and returns whether it has answered it; it is used up then.
Fault = Callable[["Handler"], bool]


class FakeDock:
    """The routes of a dock over a market in this process.

    Parameters
    ----------
    folder : Path, optional
        Default: a market in memory.
    token : str, optional
        What requests must bring.
    polls : int, default=0
        So many times a submission is not finished yet when it is asked for.
    """

    def __init__(self, folder: Path | None = None, *, token: str | None = None, polls: int = 0) -> None:
        self.market = LocalMarket.in_memory() if folder is None else LocalMarket.in_folder(folder)
        self.token, self.polls = token, polls
        #: Everything that came over the sockets; each request as method and target; headers of each.
        self.received = bytearray()
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.faults: list[Fault] = []
        self.submissions: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, str] = {}
        self.visibilities: list[str] = []
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.dock = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.005})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.market.close()

    def __enter__(self) -> FakeDock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def asked(self, pattern: str) -> list[str]:
        """Return the requests that match a pattern."""
        return [request for request in self.requests if re.search(pattern, request)]


class _Server(ThreadingHTTPServer):
    dock: FakeDock
    daemon_threads = True
    # Clients leave connections open; stopping must not wait for them.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that a test broke off."""


class _Tapped(io.RawIOBase):
    """What is read off a socket is noted."""

    def __init__(self, socket: Any, noted: bytearray) -> None:
        self._socket, self._noted = socket, noted

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        n_bytes: int = self._socket.recv_into(buffer)
        self._noted += bytes(buffer[:n_bytes])
        return n_bytes


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(_Tapped(self.connection, self.server.dock.received))

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keep quiet."""

    @property
    def dock(self) -> FakeDock:
        return self.server.dock

    def do_GET(self) -> None:
        self.dock.requests.append(f"{self.command} {self.path}")
        self.dock.headers.append(dict(self.headers.items()))
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        for place, fault in enumerate(list(self.dock.faults)):
            # Out of the list before it answers: the client asks again as soon as it has heard.
            del self.dock.faults[place]
            if fault(self):
                return
            self.dock.faults.insert(place, fault)
        try:
            if self.dock.token and self.headers.get("Authorization") != f"Bearer {self.dock.token}":
                raise NotAuthenticated("The token is unknown, expired or revoked.")
            self._answer(data)
        except LearnwareError as error:
            problem = problem_of(error)
            self.reply(json.dumps(problem).encode(), problem["status"], "application/problem+json")

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def reply(
        self, content: bytes, status: int = 200, type: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in {"Content-Type": type, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, data: bytes) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        for method, pattern, answer in _ROUTES:
            found = re.fullmatch("/api/v1" + pattern, parts.path)
            if found and method == self.command:
                content, status = answer(self, found.groups(), query, data)
                if content is not None:
                    self.reply(json.dumps(content).encode(), status)
                elif status == 204:
                    self.send_response(204)
                    self.end_headers()
                return
        self.reply(b"{}", 404, "application/problem+json")

    def _list(self, _: Any, query: dict[str, str], data: bytes) -> tuple[Any, int]:
        ids = list(self.dock.market)
        begin, limit = int(query.get("cursor", 0)), int(query["limit"])
        following = str(begin + limit) if begin + limit < len(ids) else None
        items = [self._item(i) for i in ids[begin : begin + limit]]
        return {"total": len(ids), "items": items, "next": following}, 200

    def _item(self, reference: str) -> dict[str, Any]:
        learnware = self.dock.market.fetch(reference)
        described = self.dock.market.describe(reference)
        return {
            "id": learnware.id,
            "digest": learnware.digest,
            "size": len(learnware.to_bytes()),
            "level": described.level,
            "semantic": described.semantic.to_dict(),
            "owner": None,
            "visibility": "public",
            "created": "2026-01-01T00:00:00+00:00",
        }

    def _one(self, at: tuple[str, ...], query: dict[str, str], data: bytes) -> tuple[Any, int]:
        return self._item(at[0]), 200

    def _describe(self, at: tuple[str, ...], query: dict[str, str], data: bytes) -> tuple[Any, int]:
        described = self.dock.market.describe(at[0])
        return {"level": described.level, "specification": json.loads(described.to_json())}, 200

    def _revisions(self, at: tuple[str, ...], query: dict[str, str], data: bytes) -> tuple[Any, int]:
        return {"revisions": [revision_to_wire(each) for each in self.dock.market.revisions(at[0])]}, 200

    def _remove(self, at: tuple[str, ...], query: dict[str, str], data: bytes) -> tuple[Any, int]:
        self.dock.market.remove(at[0])
        return None, 204

    def _bundle(self, at: tuple[str, ...], query: dict[str, str], data: bytes) -> tuple[Any, int]:
        learnware = self.dock.market.fetch(at[0])
        content, tag = learnware.to_bytes(), f'"{learnware.digest}"'
        asked = re.fullmatch("bytes=([0-9]+)-", self.headers.get("Range", ""))
        if asked and self.headers.get("If-Range") == tag:
            begin = int(asked[1])
            where = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            self.reply(content[begin:], 206, "application/zip", {"ETag": tag, "Content-Range": where})
        else:
            self.reply(content, 200, "application/zip", {"ETag": tag})
        return None, 200

    def _search(self, _: Any, query: dict[str, str], data: bytes) -> tuple[Any, int]:
        asked = json.loads(data)
        known = asked.pop("specification")
        wanted = Specification() if known is None else Specification.from_json(json.dumps(known))
        return result_to_wire(self.dock.market.search(wanted, **asked)), 200

    def _submit(self, at: tuple[str, ...], query: dict[str, str], data: bytes) -> tuple[Any, int]:
        known = self.dock.keys.get(self.headers["Idempotency-Key"])
        if known is not None:
            return self.dock.submissions[known], 202
        self.dock.visibilities.append(query.get("visibility", ""))
        outcome: dict[str, Any] = {}
        learnware_id = at[0] if at else secrets.token_hex(16)
        try:
            learnware = Learnware.from_bytes(data)
            if at:
                self.dock.market.update(learnware_id, learnware)
            else:
                learnware_id = self.dock.market.submit(learnware)
        except LearnwareError as error:
            outcome = {"problem": problem_of(error)}
        submission = {
            "id": secrets.token_hex(8),
            "learnware_id": learnware_id,
            "state": "failed" if outcome else "verified",
            "outcome": outcome,
            "polls": self.dock.polls,
        }
        self.dock.submissions[submission["id"]] = submission
        self.dock.keys[self.headers["Idempotency-Key"]] = submission["id"]
        return {**submission, "state": "pending" if self.dock.polls else submission["state"]}, 202

    def _submission(self, at: tuple[str, ...], query: dict[str, str], data: bytes) -> tuple[Any, int]:
        submission = self.dock.submissions[at[0]]
        submission["polls"] -= 1
        return {**submission, "state": "running"} if submission["polls"] > 0 else submission, 200


_ROUTES: tuple[tuple[str, str, Callable[..., tuple[Any, int]]], ...] = (
    ("GET", "/learnwares", Handler._list),
    ("POST", "/learnwares", Handler._submit),
    ("GET", "/learnwares/([^/]+)", Handler._one),
    ("PUT", "/learnwares/([^/]+)", Handler._submit),
    ("DELETE", "/learnwares/([^/]+)", Handler._remove),
    ("GET", "/learnwares/([^/]+)/specification", Handler._describe),
    ("GET", "/learnwares/([^/]+)/revisions", Handler._revisions),
    ("GET", "/learnwares/([^/]+)/bundle", Handler._bundle),
    ("POST", "/search", Handler._search),
    ("GET", "/submissions/([^/]+)", Handler._submission),
)


def status(
    code: int, *, content: bytes = b"", type: str = "text/html", at: str = "", headers: dict[str, str] | None = None
) -> Fault:
    """Answer the next request of a path with a status and, as proxies do, a page."""

    def fault(handler: Handler) -> bool:
        if at not in f"{handler.command} {handler.path}":
            return False
        handler.reply(content or b"<html><title>Sorry</title></html>", code, type, headers)
        return True

    return fault


def drop(at: str = "", after: int = 0) -> Fault:
    """Break the connection off, after so many bytes of the answer's body."""

    def fault(handler: Handler) -> bool:
        if at not in f"{handler.command} {handler.path}":
            return False
        if after:
            handler.wfile = _Cut(handler.wfile, after)  # type: ignore[assignment]
            handler._answer(b"")
        handler.close_connection = True
        handler.connection.shutdown(2)
        return True

    return fault


def flip(at: str = "/bundle") -> Fault:
    """Change a byte of the answer's body."""

    def fault(handler: Handler) -> bool:
        if at not in handler.path:
            return False
        reply = handler.reply

        def changed(content: bytes, *arguments: Any) -> None:
            reply(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:], *arguments)

        handler.reply = changed  # type: ignore[method-assign]
        handler._answer(b"")
        handler.reply = reply  # type: ignore[method-assign]
        return True

    return fault


class _Cut(io.RawIOBase):
    """Takes the head of an answer, and so many bytes of its body."""

    def __init__(self, file: Any, n_bytes: int) -> None:
        self._file, self._left = file, n_bytes

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        head = bytes(data[:5]) == b"HTTP/"
        self._file.write(data if head else data[: self._left])
        self._file.flush()
        if not head:
            self._left = max(0, self._left - len(data))
        return len(data)
