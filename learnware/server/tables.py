"""The tables of a dock: who may do what, whose each learnware is, and what waits to be verified."""

from __future__ import annotations

import sqlite3

from learnware.market.store.tables import Schema

_TABLES = (
    """CREATE TABLE users (
        name TEXT PRIMARY KEY,
        password TEXT NOT NULL,
        role TEXT NOT NULL,
        created REAL NOT NULL,
        disabled REAL
    )""",
    # Of a token only the sha256 is kept. A session is the token in a browser's cookie.
    """CREATE TABLE tokens (
        id TEXT PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        user TEXT NOT NULL REFERENCES users (name),
        title TEXT NOT NULL,
        scopes TEXT NOT NULL,
        created REAL NOT NULL,
        expires REAL NOT NULL,
        used REAL,
        revoked REAL
    )""",
    "CREATE INDEX tokens_user ON tokens (user)",
    # A learnware without a row was put into the folder by its owner: it is public and nobody's.
    """CREATE TABLE holdings (
        id TEXT PRIMARY KEY,
        owner TEXT REFERENCES users (name),
        visibility TEXT NOT NULL,
        created REAL NOT NULL
    )""",
    "CREATE INDEX holdings_owner ON holdings (owner)",
    "CREATE INDEX holdings_hidden ON holdings (visibility) WHERE visibility <> 'public'",
    """CREATE TABLE submissions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        learnware_id TEXT NOT NULL,
        owner TEXT NOT NULL REFERENCES users (name),
        key TEXT,
        digest TEXT NOT NULL,
        size INTEGER NOT NULL,
        state TEXT NOT NULL,
        worker TEXT,
        attempts INTEGER NOT NULL DEFAULT 0,
        outcome TEXT,
        created REAL NOT NULL,
        finished REAL,
        UNIQUE (owner, key)
    )""",
    "CREATE INDEX submissions_open ON submissions (number) WHERE state IN ('pending', 'running')",
    "CREATE INDEX submissions_owner ON submissions (owner)",
    "CREATE INDEX submissions_learnware ON submissions (learnware_id)",
    """CREATE TABLE audit (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        time REAL NOT NULL,
        actor TEXT,
        action TEXT NOT NULL,
        resource TEXT,
        detail TEXT
    )""",
    """CREATE TABLE queries (
        id TEXT PRIMARY KEY,
        content BLOB NOT NULL,
        created REAL NOT NULL
    )""",
)


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA user_version").fetchone()[0]:
        # Another process made them while this one waited for its turn.
        return
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 1")


#: The tables of a dock.
SCHEMA = Schema(1, _bring_up_to_date)
