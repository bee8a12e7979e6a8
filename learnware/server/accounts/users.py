"""The accounts of a dock."""

from __future__ import annotations

import re
import sqlite3
import time
from dataclasses import dataclass
from datetime import datetime

from learnware._validation import check_option
from learnware.errors import InvalidParameter, NotAllowed, NotAuthenticated
from learnware.market.store.database import Database
from learnware.server.accounts.actor import ROLES, Role
from learnware.server.accounts.passwords import hash_password, is_right, renewed
from learnware.server.database import moment

_NAME = re.compile(r"[a-z][a-z0-9-]{1,31}")
_COLUMNS = "name, role, created, disabled"
# The same for all that can be wrong, so that nobody finds out who has an account.
_WRONG = "There is no such user, the password is wrong, or the account is disabled."


@dataclass(frozen=True)
class User:
    """An account.

    Parameters
    ----------
    name : str
    role : {"user", "admin"}
    created : datetime
    disabled : datetime, optional
        Since when it cannot be used.
    """

    name: str
    role: Role
    created: datetime
    disabled: datetime | None = None


class Users:
    """The accounts of a dock.

    Parameters
    ----------
    database : Database
        From `open_database`.

    Notes
    -----
    There is no way to delete an account: its name would be free for somebody else, who would then own its learnwares.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from learnware import Market
    >>> from learnware.server.accounts.users import Users
    >>> from learnware.server.database import open_database
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Market.open(folder).close()
    ...     database = open_database(Path(folder))
    ...     users = Users(database)
    ...     ada = users.add("ada", "correct horse battery", "admin")
    ...     users.authenticate("ada", "correct horse battery") == ada
    ...     database.close()
    True
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, password: str, role: str = "user") -> User:
        """Make an account.

        Parameters
        ----------
        name : str
            2 to 32 of a-z, 0-9 and -, a letter first.
        password : str
            12 to 256 characters.
        role : {"user", "admin"}, default="user"

        Returns
        -------
        User

        Raises
        ------
        InvalidParameter
            One of the arguments is none of these, or the name is taken.
        """
        if not _NAME.fullmatch(name):
            raise InvalidParameter(
                f"The name of a user must have 2 to 32 of a-z, 0-9 and -, a letter first. Got {name!r} instead."
            )
        check_option(role, ROLES, "role", "Users.add")
        stored = hash_password(password)
        with self._database.writing() as connection:
            if self._find(name) is not None:
                raise InvalidParameter(f"There is already a user {name!r} at this dock.")
            connection.execute(
                f"INSERT INTO users ({_COLUMNS}, password) VALUES (?, ?, ?, NULL, ?)", (name, role, time.time(), stored)
            )
        return self.get(name)

    def get(self, name: str) -> User:
        """Return an account.

        Raises
        ------
        InvalidParameter
            There is none of that name.
        """
        found = self._find(name)
        if found is None:
            raise InvalidParameter(f"There is no user {name!r} at this dock.")
        return found[0]

    def list(self) -> tuple[User, ...]:
        """Return all accounts by name."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM users ORDER BY name")
        return tuple(_user(*row) for row in rows)

    def authenticate(self, name: str, password: str) -> User:
        """Return the account that a name and a password open.

        Raises
        ------
        NotAuthenticated
            They open none. What was wrong is not said, and takes equally long to find.
        """
        found = self._find(name)
        user, stored = found or (None, None)
        right = is_right(stored, password)
        if not right or user is None or stored is None or user.disabled is not None:
            raise NotAuthenticated(_WRONG)
        better = renewed(stored, password)
        if better is not None:
            # Not if it has been changed meanwhile.
            with self._database.writing() as connection:
                statement = "UPDATE users SET password = ? WHERE name = ? AND password = ?"
                connection.execute(statement, (better, name, stored))
        return user

    def is_name(self, name: str) -> bool:
        """Tell whether something could be the name of an account."""
        return _NAME.fullmatch(name) is not None

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password, and end its sessions; its tokens stay."""
        self.get(name)
        stored = hash_password(password)
        with self._database.writing() as connection:
            connection.execute("UPDATE users SET password = ? WHERE name = ?", (stored, name))
            _revoke(connection, name, "kind = 'session'")

    def set_role(self, name: str, role: str) -> None:
        """Make somebody an admin or a user again, from their next request on.

        Raises
        ------
        NotAllowed
            This is the last admin.
        """
        check_option(role, ROLES, "role", "Users.set_role")
        with self._database.writing() as connection:
            user = self.get(name)
            if role != "admin":
                self._refuse_the_last_admin(user)
            connection.execute("UPDATE users SET role = ? WHERE name = ?", (role, name))

    def disable(self, name: str) -> None:
        """Close an account, and revoke its tokens and sessions for good; its learnwares stay.

        Raises
        ------
        NotAllowed
            This is the last admin.
        """
        with self._database.writing() as connection:
            self._refuse_the_last_admin(self.get(name))
            now = time.time()
            connection.execute("UPDATE users SET disabled = coalesce(disabled, ?) WHERE name = ?", (now, name))
            _revoke(connection, name, "kind IN ('token', 'session')")

    def enable(self, name: str) -> None:
        """Open an account again; its owner must log in and make new tokens."""
        with self._database.writing() as connection:
            self.get(name)
            connection.execute("UPDATE users SET disabled = NULL WHERE name = ?", (name,))

    def _find(self, name: str) -> tuple[User, str] | None:
        # What can be no name is not asked for: not every text can be handed to SQLite.
        if not _NAME.fullmatch(name):
            return None
        rows = self._database.rows(f"SELECT password, {_COLUMNS} FROM users WHERE name = ?", (name,))
        return (_user(*rows[0][1:]), rows[0][0]) if rows else None

    def _refuse_the_last_admin(self, user: User) -> None:
        others = "SELECT 1 FROM users WHERE role = 'admin' AND disabled IS NULL AND name <> ? LIMIT 1"
        if user.role == "admin" and not self._database.rows(others, (user.name,)):
            raise NotAllowed(f"{user.name!r} is the last admin of this dock. Make somebody else an admin first.")


def _user(name: str, role: Role, created: float, disabled: float | None) -> User:
    return User(name, role, moment(created), moment(disabled))


def _revoke(connection: sqlite3.Connection, name: str, which: str) -> None:
    connection.execute(
        f"UPDATE tokens SET revoked = ? WHERE user = ? AND revoked IS NULL AND {which}", (time.time(), name)
    )
