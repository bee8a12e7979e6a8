"""The commands on the accounts of a dock, for whoever runs it: they need no password but access to its folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learnware._optional import import_optional
from learnware.cli.answer import Answer, table
from learnware.cli.commands import Commands
from learnware.errors import InvalidParameter
from learnware.server.accounts.actor import SCOPES, Actor

if TYPE_CHECKING:
    from learnware.market.store.database import Database

# Whoever has the folder may do all this; no account of the dock did it.
_OPERATOR, _DETAIL = Actor(), "command line"


def add_commands(commands: Commands) -> None:
    """Add the group ``dock``."""
    commands = commands.group("dock", "look after the dock of a market folder: its accounts, its log, copies of it")
    add = commands.add(_add_user, "add-user", "make an account")
    _add_account(add)
    add.add_argument("--admin", action="store_true", help="an admin, who may do everything")
    _add_password_file(add)
    password = commands.add(_password, "password", "give an account another password and end its sessions")
    _add_account(password)
    _add_password_file(password)
    _add_market(commands.add(_users, "users", "list the accounts"))
    _add_account(commands.add(_disable, "disable", "close an account and revoke its tokens; its learnwares stay"))
    _add_account(commands.add(_enable, "enable", "open an account again; its tokens stay revoked"))
    token = commands.add(_token, "token", "print a new token, which is never shown again")
    _add_account(token)
    token.add_argument("--title", required=True, help="what it is for")
    scope = "what it may be used for; may be repeated"
    token.add_argument("--scope", dest="scopes", action="append", required=True, choices=SCOPES, help=scope)
    token.add_argument("--days", type=float, default=90.0, help="how long it is valid (default: 90)")
    audit = commands.add(_audit, "audit", "list what was done and by whom, newest first")
    _add_market(audit)
    audit.add_argument("--limit", type=int, default=50, help="how many entries (default: 50)")


def _add_market(command: argparse.ArgumentParser) -> None:
    command.add_argument("market", metavar="MARKET", type=Path, help="market folder")


def _add_account(command: argparse.ArgumentParser) -> None:
    _add_market(command)
    command.add_argument("name", metavar="NAME", help="name of the account")


def _add_password_file(command: argparse.ArgumentParser) -> None:
    explanation = "file that holds the password, - for standard input (default: ask for it)"
    command.add_argument("--password-file", metavar="FILE", type=Path, help=explanation)


@contextmanager
def _opened(folder: Path) -> Iterator[Database]:
    import_optional("argon2", extra="server", purpose="An account of a dock")
    from learnware.server.database import open_database

    with closing(open_database(folder)) as database:
        yield database


def _add_user(arguments: argparse.Namespace) -> Answer:
    with _opened(arguments.market) as database:
        from learnware.server.accounts.users import Users

        role = "admin" if arguments.admin else "user"
        user = Users(database).add(arguments.name, _read_password(arguments.password_file), role)
        _note(database, "add-user", user.name, f"{_DETAIL}, {role}")
    return Answer(f"{user.name}: {role}", {"name": user.name, "role": role})


def _password(arguments: argparse.Namespace) -> Answer:
    with _opened(arguments.market) as database:
        from learnware.server.accounts.users import Users

        users = Users(database)
        # Nobody should type a password twice to hear that there is no such account.
        users.get(arguments.name)
        users.set_password(arguments.name, _read_password(arguments.password_file))
        _note(database, "set-password", arguments.name)
    return Answer(f"{arguments.name}: password changed", {"name": arguments.name})


def _users(arguments: argparse.Namespace) -> Answer:
    with _opened(arguments.market) as database:
        from learnware.server.accounts.users import Users

        users = Users(database).list()
    content = [
        {"name": u.name, "role": u.role, "created": u.created.isoformat(), "disabled": _iso(u.disabled)} for u in users
    ]
    rows = [[u.name, u.role, _shown(u.created), _shown(u.disabled)] for u in users]
    text = table(["name", "role", "created (UTC)", "disabled (UTC)"], rows) if rows else "no accounts"
    return Answer(text, {"users": content})


def _disable(arguments: argparse.Namespace) -> Answer:
    with _opened(arguments.market) as database:
        from learnware.server.accounts.users import Users

        Users(database).disable(arguments.name)
        _note(database, "disable-user", arguments.name)
    return Answer(f"{arguments.name}: disabled", {"name": arguments.name, "disabled": True})


def _enable(arguments: argparse.Namespace) -> Answer:
    with _opened(arguments.market) as database:
        from learnware.server.accounts.users import Users

        Users(database).enable(arguments.name)
        _note(database, "enable-user", arguments.name)
    return Answer(f"{arguments.name}: enabled", {"name": arguments.name, "disabled": False})


def _token(arguments: argparse.Namespace) -> Answer:
    with _opened(arguments.market) as database:
        from learnware.server.accounts.tokens import Tokens

        secret, token = Tokens(database).issue(
            arguments.name, title=arguments.title, scopes=arguments.scopes, days=arguments.days
        )
        _note(database, "issue-token", arguments.name, f"{_DETAIL}, {token.id}")
    content: dict[str, Any] = {"id": token.id, "user": token.user, "title": token.title}
    content.update(scopes=sorted(token.scopes), expires=token.expires.isoformat(), token=secret)
    # Nothing but the secret, so that a script can take it.
    return Answer(secret, content)


def _audit(arguments: argparse.Namespace) -> Answer:
    with _opened(arguments.market) as database:
        from learnware.server.accounts.audit import Audit

        entries = Audit(database).entries(arguments.limit)
    content = [{**vars(each), "time": each.time.isoformat()} for each in entries]
    rows = [[_shown(e.time), e.actor or "", e.action, e.resource or "", e.detail or ""] for e in entries]
    text = table(["time (UTC)", "who", "what", "to what", "detail"], rows) if rows else "no entries"
    return Answer(text, {"entries": content})


def _note(database: Database, action: str, name: str, detail: str = _DETAIL) -> None:
    from learnware.server.accounts.audit import Audit

    Audit(database).note(_OPERATOR, action, name, detail)


def _read_password(file: Path | None) -> str:
    try:
        if file is None:
            return _asked()
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidParameter("The password cannot be read: it must be written as UTF-8.") from error
    except EOFError as error:
        raise InvalidParameter("There is nobody to ask for the password. Use --password-file FILE.") from error
    # The end of the line is none of the password's.
    return text.rstrip("\r\n")


def _asked() -> str:
    password = getpass("Password: ")
    if getpass("The same password again: ") != password:
        raise InvalidParameter("The two passwords differ. Nothing was changed.")
    return password


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _shown(time: datetime | None) -> str:
    return "" if time is None else f"{time:%Y-%m-%d %H:%M:%S}"
