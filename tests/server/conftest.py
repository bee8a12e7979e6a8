"""A dock with a few people and learnwares, without a network."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest
from argon2 import PasswordHasher

from learnware.bundle import Learnware
from learnware.server.accounts import passwords
from learnware.server.dock import Dock
from learnware.server.settings import Settings
from learnware.server.submissions.worker import Worker
from learnware.testing import make_learnware

PASSWORD = "correct horse battery"
ALL_SCOPES = ("read", "upload", "delete")


@dataclass
class Place:
    """A dock, and how to fill it."""

    dock: Dock
    tokens: dict[str, str]

    def bearer(self, who: str | None) -> dict[str, str]:
        """Return the header that proves who somebody is."""
        return {} if who is None else {"Authorization": f"Bearer {self.tokens[who]}"}

    def verify(self) -> None:
        """Verify all that waits."""
        Worker(self.dock.folder).run(Event(), once=True)

    def put(self, learnware: Learnware, owner: str = "ada", visibility: str = "public") -> str:
        """Put a learnware into the market, as if it had been sent and verified."""
        actor = self.dock.actor(self.tokens[owner])
        with self.dock.receive(actor) as upload:
            upload.write(learnware.to_bytes())
            submission = self.dock.accept(actor, upload, visibility=visibility)
        self.verify()
        return submission.learnware_id


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash in a millisecond; `accounts/test_passwords.py` looks at the real parameters."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Return a dock with Ada, Bob, and Root, who is an admin, and tokens of theirs."""
    with Dock(tmp_path / "market", Settings(rates={}, n_workers=0)) as dock:
        tokens = {}
        for name in ("ada", "bob"):
            dock.people.add(name, PASSWORD)
            tokens[name] = dock.keys.issue(name, title="all", scopes=ALL_SCOPES)[0]
        dock.people.add("root", PASSWORD, "admin")
        tokens["root"] = dock.keys.issue("root", title="all", scopes=(*ALL_SCOPES, "admin"))[0]
        tokens["root without scope"] = dock.keys.issue("root", title="some", scopes=ALL_SCOPES)[0]
        tokens["ada reading"] = dock.keys.issue("ada", title="read", scopes=["read"])[0]
        tokens["revoked"], revoked = dock.keys.issue("ada", title="revoked", scopes=ALL_SCOPES)
        dock.keys.revoke("ada", revoked.id)
        with monkeypatch.context() as earlier:
            now = time.time()
            earlier.setattr(time, "time", lambda: now - 8 * 24 * 3600.0)
            tokens["expired"] = dock.keys.issue("ada", title="expired", scopes=ALL_SCOPES, days=7)[0]
        tokens["forged"] = "lw_" + "A" * 43
        yield Place(dock, tokens)


@pytest.fixture
def learnware() -> Learnware:
    """Return a small learnware."""
    return make_learnware()
