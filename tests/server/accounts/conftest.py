"""A dock without HTTP: the folder of a market, its database, and passwords that are cheap to keep."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from learnware.market.store import DirectoryStore
from learnware.market.store.database import Database
from learnware.server.accounts import passwords
from learnware.server.accounts.tokens import Tokens
from learnware.server.accounts.users import Users
from learnware.server.database import open_database

#: For every account of these tests.
PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash in a millisecond; `test_passwords` looks at the real parameters."""
    monkeypatch.setattr(passwords, "_HASHER", CHEAP)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an empty market."""
    DirectoryStore(tmp_path / "market").close()
    return tmp_path / "market"


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    """Return the database of its dock."""
    opened = open_database(folder)
    yield opened
    opened.close()


@pytest.fixture
def users(database: Database) -> Users:
    """Return the accounts of a dock: Ada, and Root, who is an admin."""
    found = Users(database)
    found.add("ada", PASSWORD)
    found.add("root", PASSWORD, "admin")
    return found


@pytest.fixture
def tokens(database: Database, users: Users) -> Tokens:
    """Return the tokens of these accounts."""
    return Tokens(database)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that lets seconds pass."""

    def pass_by(seconds: float) -> None:
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + seconds)

    return pass_by
