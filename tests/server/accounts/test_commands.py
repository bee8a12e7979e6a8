"""`learnware dock`: the accounts of a market folder from its command line."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from learnware import cli
from learnware.cli import accounts, main
from learnware.cli.commands import Commands
from learnware.server.accounts.tokens import Tokens
from learnware.server.accounts.users import Users
from learnware.server.database import open_database
from tests.server.accounts.conftest import PASSWORD

Run = Callable[..., tuple[int, Any]]
Typing = Callable[[Sequence[str]], None]


def only_these() -> argparse.ArgumentParser:
    """Return a parser of these commands alone."""
    parser = argparse.ArgumentParser(prog="learnware")
    accounts.add_commands(Commands(parser.add_subparsers(required=True)))
    return parser


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command with --json and returns its exit code and content."""
    monkeypatch.setattr(cli, "build_parser", only_these)

    def run_json(*argv: str | Path) -> tuple[int, Any]:
        code = main([*map(str, argv), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run_json


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Typing:
    """Return a function that types these answers to the next questions."""

    def answer(lines: Sequence[str]) -> None:
        left = list(lines)
        monkeypatch.setattr(accounts, "getpass", lambda question: left.pop(0))

    return answer


@pytest.fixture
def dock(folder: Path, run: Run, typing: Typing) -> Path:
    """Return the folder of a market whose dock has the admin Root and the user Ada."""
    typing([PASSWORD] * 4)
    assert run("dock", "add-user", folder, "root", "--admin") == (0, {"name": "root", "role": "admin"})
    assert run("dock", "add-user", folder, "ada") == (0, {"name": "ada", "role": "user"})
    return folder


def authenticates(folder: Path, name: str, password: str) -> bool:
    """Return whether an account of a dock opens to a password."""
    database = open_database(folder)
    try:
        return Users(database).authenticate(name, password).name == name
    except PermissionError:
        return False
    finally:
        database.close()


def test_the_first_admin_is_made_in_a_market_folder(dock: Path, run: Run) -> None:
    code, content = run("dock", "users", dock)
    assert code == 0
    assert [(u["name"], u["role"], u["disabled"]) for u in content["users"]] == [
        ("ada", "user", None),
        ("root", "admin", None),
    ]
    assert authenticates(dock, "root", PASSWORD)


def test_two_passwords_must_be_the_same(folder: Path, run: Run, typing: Typing) -> None:
    typing([PASSWORD, PASSWORD + "!"])
    code, content = run("dock", "add-user", folder, "ada")
    assert (code, content["error"]["message"]) == (2, "The two passwords differ. Nothing was changed.")
    assert run("dock", "users", folder) == (0, {"users": []})


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_comes_from_a_file_or_standard_input(
    dock: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: str
) -> None:
    file = tmp_path / "password"
    file.write_bytes(f" from a file {end}".encode())
    assert run("dock", "add-user", dock, "bob", "--password-file", file)[0] == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"from standard input{end}"))
    assert run("dock", "password", dock, "ada", "--password-file", "-") == (0, {"name": "ada"})
    assert authenticates(dock, "bob", " from a file ")
    assert authenticates(dock, "ada", "from standard input")
    assert not authenticates(dock, "ada", PASSWORD)


def test_a_password_that_cannot_be_read_is_wrong_use(
    dock: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def at_the_end(question: str) -> str:
        raise EOFError

    monkeypatch.setattr(accounts, "getpass", at_the_end)
    (tmp_path / "latin").write_bytes("ein schönes Passwort".encode("latin-1"))
    for options, message in [
        ([], "There is nobody to ask"),
        (["--password-file", tmp_path / "absent"], "No such file"),
        (["--password-file", tmp_path / "latin"], "UTF-8"),
    ]:
        code, content = run("dock", "password", dock, "ada", *options)
        assert code == 2
        assert message in content["error"]["message"]
    assert authenticates(dock, "ada", PASSWORD)


def test_nobody_is_asked_for_the_password_of_nobody(dock: Path, run: Run, typing: Typing) -> None:
    typing([])
    code, content = run("dock", "password", dock, "eve")
    assert (code, content["error"]["type"]) == (2, "InvalidParameter")


def test_an_account_is_closed_and_opened(dock: Path, run: Run) -> None:
    assert run("dock", "disable", dock, "ada") == (0, {"name": "ada", "disabled": True})
    assert not authenticates(dock, "ada", PASSWORD)
    assert run("dock", "users", dock)[1]["users"][0]["disabled"] is not None
    assert run("dock", "enable", dock, "ada") == (0, {"name": "ada", "disabled": False})
    assert authenticates(dock, "ada", PASSWORD)
    code, content = run("dock", "disable", dock, "root")
    assert (code, content["error"]["type"]) == (2, "NotAllowed")
    assert authenticates(dock, "root", PASSWORD)


def test_a_token_is_printed_once(dock: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    scopes = ["--scope", "read", "--scope", "upload"]
    code, content = run("dock", "token", dock, "ada", "--title", "nightly job", *scopes, "--days", "7")
    assert code == 0
    assert (content["user"], content["title"], content["scopes"]) == ("ada", "nightly job", ["read", "upload"])
    assert main(["dock", "token", str(dock), "ada", "--title", "other", *scopes]) == 0
    printed = capsys.readouterr().out.strip()
    database = open_database(dock)
    tokens = Tokens(database)
    assert [tokens.actor(secret).user for secret in (content["token"], printed)] == ["ada", "ada"]
    days = [round((token.expires - token.created).total_seconds() / 86_400) for token in tokens.of("ada")]
    database.close()
    assert days == [7, 90]
    assert content["token"] not in json.dumps(run("dock", "audit", dock)[1])


@pytest.mark.parametrize(
    "options",
    [
        ["--scope", "account", "--title", "x"],
        ["--scope", "read"],
        ["--title", "x"],
        ["--scope", "read", "--title", "x", "--days", "long"],
    ],
)
def test_a_token_needs_a_title_and_known_scopes(dock: Path, run: Run, options: list[str]) -> None:
    with pytest.raises(SystemExit):
        run("dock", "token", dock, "ada", *options)


def test_a_user_gets_no_token_of_an_admin(dock: Path, run: Run) -> None:
    code, content = run("dock", "token", dock, "ada", "--title", "x", "--scope", "admin")
    assert (code, content["error"]["type"]) == (2, "NotAllowed")
    assert run("dock", "token", dock, "root", "--title", "x", "--scope", "admin")[0] == 0


def test_what_was_done_is_noted(dock: Path, run: Run, typing: Typing) -> None:
    typing(["another password"] * 2)
    run("dock", "password", dock, "ada")
    token = run("dock", "token", dock, "ada", "--title", "x", "--scope", "read")[1]
    run("dock", "disable", dock, "ada")
    run("dock", "disable", dock, "root")
    run("dock", "enable", dock, "ada")
    entries = run("dock", "audit", dock)[1]["entries"]
    assert [(e["action"], e["resource"], e["detail"]) for e in reversed(entries)] == [
        ("add-user", "root", "command line, admin"),
        ("add-user", "ada", "command line, user"),
        ("set-password", "ada", "command line"),
        ("issue-token", "ada", f"command line, {token['id']}"),
        ("disable-user", "ada", "command line"),
        ("enable-user", "ada", "command line"),
    ]
    assert {e["actor"] for e in entries} == {None}
    assert run("dock", "audit", dock, "--limit", "2")[1]["entries"] == entries[:2]


def test_people_read_tables(dock: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for command, words in [("users", ["name", "ada", "admin"]), ("audit", ["who", "add-user", "command line"])]:
        assert main(["dock", command, str(dock)]) == 0
        printed = capsys.readouterr().out
        assert all(word in printed for word in words)


@pytest.mark.parametrize("command", ["users", "audit"])
def test_a_dock_nobody_used_is_empty(folder: Path, run: Run, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main(["dock", command, str(folder)]) == 0
    assert capsys.readouterr().out.startswith("no ")


def test_a_folder_without_a_market_is_wrong_use(tmp_path: Path, run: Run) -> None:
    code, content = run("dock", "users", tmp_path)
    assert code == 2
    assert "There is no market" in content["error"]["message"]
    assert list(tmp_path.iterdir()) == []


def test_the_extra_is_named_where_it_is_missing(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "argon2", None)
    code, content = run("dock", "users", folder)
    assert code == 2
    assert "learnware[server]" in content["error"]["message"]
