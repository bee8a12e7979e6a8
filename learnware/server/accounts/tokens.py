"""Tokens: what a program or a browser sends instead of a password."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from learnware._validation import check_option, complain
from learnware.errors import InvalidParameter, NotAllowed, NotAuthenticated
from learnware.market.store.database import Database
from learnware.server.accounts.actor import SCOPES, Actor
from learnware.server.accounts.users import User, Users
from learnware.server.database import moment

Kind = Literal["token", "session"]

#: How long a session lasts, and how long a token may.
SESSION_DAYS, MOST_DAYS = 14.0, 366.0

_SESSION_SCOPES = frozenset({"read", "upload", "delete", "account"})
# A token that could make tokens could never be revoked.
_ALLOWED = {"token": frozenset(SCOPES), "session": _SESSION_SCOPES | {"admin"}}
_SECRET = re.compile(r"lw_[A-Za-z0-9_-]{43}")
_DAY = 86_400.0
_LONGEST_TITLE = 100
# So that reading does not mean writing each time.
_USED_SECONDS = 60.0
# A token that has ended is of no use to anybody; logging in every day must not fill the table.
_KEPT_DAYS = 30.0
_COLUMNS = "id, kind, user, title, scopes, created, expires, used, revoked"


@dataclass(frozen=True)
class Token:
    """What is known of a token; its secret is not.

    Parameters
    ----------
    id : str
    kind : {"token", "session"}
        A session is the token in the cookie of a browser.
    user : str
    title : str
        What its owner calls it.
    scopes : frozenset of str
    created, expires : datetime
    used : datetime, optional
        When it was last used, to the minute.
    revoked : datetime, optional
    """

    id: str
    kind: Kind
    user: str
    title: str
    scopes: frozenset[str]
    created: datetime
    expires: datetime
    used: datetime | None = None
    revoked: datetime | None = None


class Tokens:
    """The tokens and sessions of all accounts of a dock.

    Parameters
    ----------
    database : Database
        From `open_database`.

    Notes
    -----
    A secret has 256 random bits, so its sha256, which cannot be turned back, is all that need be stored and looked
    up. The database holds nothing that could be sent as a token.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from learnware import Market
    >>> from learnware.server.accounts.tokens import Tokens
    >>> from learnware.server.accounts.users import Users
    >>> from learnware.server.database import open_database
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Market.open(folder).close()
    ...     database = open_database(Path(folder))
    ...     ada = Users(database).add("ada", "correct horse battery")
    ...     secret, token = Tokens(database).issue("ada", title="laptop", scopes=["read", "upload"])
    ...     actor = Tokens(database).actor(secret)
    ...     database.close()
    >>> secret[:3], actor.user, sorted(actor.scopes)
    ('lw_', 'ada', ['read', 'upload'])
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._users = Users(database)

    def issue(
        self, user: str, *, title: str, scopes: Iterable[str], days: float = 90.0, kind: Kind = "token"
    ) -> tuple[str, Token]:
        """Make a token.

        Parameters
        ----------
        user : str
            Name of the account.
        title : str
            1 to 100 printable characters.
        scopes : iterable of str
            One or more of "read", "upload", "delete" and "admin", the last for admins only.
        days : float, default=90.0
            How long it is valid; at most 366.
        kind : {"token", "session"}, default="token"
            `start_session` makes sessions.

        Returns
        -------
        secret : str
            What to send. It is told here and never again.
        token : Token

        Raises
        ------
        InvalidParameter
            One of the arguments is none of these, or there is no such user.
        NotAllowed
            The user is disabled, or no admin and asks for the scope "admin".
        """
        wanted = _checked_scopes(scopes, check_option(kind, _ALLOWED, "kind", "Tokens.issue"))
        name, days = _checked_title(title), _checked_days(days)
        secret, now = f"lw_{secrets.token_urlsafe(32)}", time.time()
        row = (secrets.token_hex(16), kind, user, name, " ".join(sorted(wanted)), now, now + days * _DAY, None, None)
        with self._database.writing() as connection:
            _refuse_unfit(self._users.get(user), wanted)
            ended = "DELETE FROM tokens WHERE user = ? AND min(expires, ifnull(revoked, expires)) < ?"
            connection.execute(ended, (user, now - _KEPT_DAYS * _DAY))
            connection.execute(
                f"INSERT INTO tokens ({_COLUMNS}, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, _digest(secret)),
            )
        return secret, _token(*row)

    def start_session(self, user: str) -> tuple[str, Token]:
        """Make the token of a browser whose user has just proved who they are: 14 days, all that the account may do.

        Returns
        -------
        secret : str
            For the cookie.
        token : Token
        """
        scopes = _SESSION_SCOPES | {"admin"} if self._users.get(user).role == "admin" else _SESSION_SCOPES
        return self.issue(user, title="web page", scopes=scopes, days=SESSION_DAYS, kind="session")

    def actor(self, secret: str, kind: Kind | None = None) -> Actor:
        """Return who sends a token or a session's cookie, with the role that the account has now.

        Parameters
        ----------
        secret : str
        kind : {"token", "session"}, optional
            What it must be; default: either.

        Raises
        ------
        NotAuthenticated
            It is no token of this dock, has expired or been revoked, or its account is disabled.
        """
        rows = self._database.rows(
            """SELECT t.id, t.scopes, t.used, u.name, u.role FROM tokens t JOIN users u ON u.name = t.user
                WHERE t.digest = ? AND t.expires > ? AND t.revoked IS NULL AND u.disabled IS NULL
                AND t.kind = COALESCE(?, t.kind)""",
            (_digest(secret), time.time(), kind),
        )
        if not rows:
            raise NotAuthenticated(
                "This token is not known here, has expired or has been revoked. Log in again, or make a new one."
            )
        token_id, scopes, used, user, role = rows[0]
        self._note_use(token_id, used)
        return Actor(user, role, frozenset(scopes.split()), token_id)

    def of(self, user: str) -> list[Token]:
        """Return the tokens of an account that can be used, oldest first; sessions are not among them."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM tokens WHERE user = ? AND kind = 'token' AND revoked IS NULL AND expires > ? "
            "ORDER BY created, id",
            (self._users.get(user).name, time.time()),
        )
        return [_token(*row) for row in rows]

    def revoke(self, user: str, token_id: str) -> None:
        """End a token of an account; to do so twice is no mistake.

        Raises
        ------
        InvalidParameter
            This account has no token of that id.
        """
        name = self._users.get(user).name
        # What can be no id is not asked for: not every text can be handed to SQLite.
        if not token_id.isascii() or not self._end("id = ? AND user = ? AND kind = 'token'", token_id, name):
            raise InvalidParameter(f"{user!r} has no token of id {token_id!r}.")

    def end_session(self, secret: str) -> None:
        """Log out. What is no session is left alone."""
        self._end("digest = ? AND kind = 'session'", _digest(secret))

    def _end(self, which: str, *values: str | bytes) -> bool:
        with self._database.writing() as connection:
            statement = f"UPDATE tokens SET revoked = ifnull(revoked, ?) WHERE {which}"
            return connection.execute(statement, (time.time(), *values)).rowcount > 0

    def _note_use(self, token_id: str, used: float | None) -> None:
        now = time.time()
        if used is not None and now - used < _USED_SECONDS:
            return
        # Whoever only reads neither waits for those who write nor fails because the disk is full.
        with suppress(OSError), self._database.writing(patience=0.0) as connection:
            connection.execute("UPDATE tokens SET used = ? WHERE id = ?", (now, token_id))


def _digest(secret: str) -> bytes:
    # What can be no token has no digest, which no row has either.
    return hashlib.sha256(secret.encode()).digest() if _SECRET.fullmatch(secret) else b""


def _token(
    token_id: str,
    kind: Kind,
    user: str,
    title: str,
    scopes: str,
    created: float,
    expires: float,
    used: float | None,
    revoked: float | None,
) -> Token:
    parts = frozenset(scopes.split())
    return Token(token_id, kind, user, title, parts, moment(created), moment(expires), moment(used), moment(revoked))


def _checked_scopes(scopes: Iterable[str], kind: str) -> frozenset[str]:
    wanted = frozenset([scopes] if isinstance(scopes, str) else scopes)
    if wanted and wanted <= _ALLOWED[kind]:
        return wanted
    expected = f"one or more of {', '.join(map(repr, sorted(_ALLOWED[kind])))}"
    raise complain("scopes", "Tokens.issue", expected, sorted(wanted))


def _checked_title(title: str) -> str:
    text = title.strip()
    if 1 <= len(text) <= _LONGEST_TITLE and text.isprintable():
        return text
    raise complain("title", "Tokens.issue", f"1 to {_LONGEST_TITLE} printable characters", title)


def _checked_days(days: float) -> float:
    if 0.0 < days <= MOST_DAYS:
        return float(days)
    raise complain("days", "Tokens.issue", f"a number above 0 and at most {MOST_DAYS:.0f}", days)


def _refuse_unfit(user: User, scopes: frozenset[str]) -> None:
    if user.disabled is not None:
        raise NotAllowed(f"{user.name!r} is disabled. Enable the account first.")
    if "admin" in scopes and user.role != "admin":
        raise NotAllowed(f"Only admins can have tokens with the scope 'admin', and {user.name!r} is none.")
