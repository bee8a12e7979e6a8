"""Accounts: who gets in, who stays in, and that a dock never loses its last admin."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learnware.errors import InvalidParameter, NotAllowed, NotAuthenticated
from learnware.market.store.database import Database
from learnware.server.accounts import passwords
from learnware.server.accounts import users as users_module
from learnware.server.accounts.tokens import Tokens
from learnware.server.accounts.users import User, Users
from tests.server.accounts.conftest import PASSWORD

BAD_NAMES = [
    "",
    "a",
    "Ada",
    "1ada",
    "-ada",
    "ada lovelace",
    "ada_l",
    "ada\n",
    "a" * 33,
    "ädä",
    "ada'--",
    "\ud800\ud800",
]


def test_an_account_is_as_it_was_made(users: Users) -> None:
    before = time.time()
    eve = users.add("eve-2", PASSWORD, "admin")
    assert eve == users.get("eve-2") == users.authenticate("eve-2", PASSWORD)
    assert (eve.name, eve.role, eve.disabled) == ("eve-2", "admin", None)
    assert before <= eve.created.timestamp() <= time.time()
    assert [user.name for user in users.list()] == ["ada", "eve-2", "root"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_what_can_be_no_name_is_refused(users: Users, name: str) -> None:
    with pytest.raises(InvalidParameter, match="2 to 32 of a-z, 0-9 and -"):
        users.add(name, PASSWORD)
    with pytest.raises(InvalidParameter, match="There is no user"):
        users.get(name)


@pytest.mark.parametrize("name", ["ab", "a1", "a-", "a" * 32])
def test_short_and_long_names(users: Users, name: str) -> None:
    assert users.add(name, PASSWORD).name == name


def test_a_name_is_given_once(users: Users) -> None:
    with pytest.raises(InvalidParameter, match="already a user 'ada'"):
        users.add("ada", "another password")
    users.authenticate("ada", PASSWORD)


def test_only_one_of_many_gets_a_name(users: Users) -> None:
    def add(password: str) -> User | None:
        with suppress(InvalidParameter):
            return users.add("bob", password)
        return None

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(add, [f"the password {i}" for i in range(8)]))
    (winner,) = [i for i, user in enumerate(made) if user is not None]
    users.authenticate("bob", f"the password {winner}")


@pytest.mark.parametrize(("password", "role"), [("short", "user"), (PASSWORD, "owner"), (PASSWORD, "")])
def test_wrong_arguments_make_no_account(users: Users, password: str, role: str) -> None:
    with pytest.raises(InvalidParameter):
        users.add("eve", password, role)
    assert len(users.list()) == 2


def test_whoever_may_not_enter_hears_the_same(users: Users) -> None:
    users.add("eve", PASSWORD)
    users.disable("eve")
    said = set()
    for name, password in [("ada", "wrong"), ("nobody", PASSWORD), ("eve", PASSWORD), ("eve", "wrong"), ("'", "")]:
        with pytest.raises(NotAuthenticated) as caught:
            users.authenticate(name, password)
        said.add(str(caught.value))
    assert len(said) == 1


@pytest.mark.parametrize("name", ["ada", "eve", "nobody", "No Name", "\ud800", "x" * 100_000])
def test_whoever_may_not_enter_waits_as_long(users: Users, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    users.add("eve", PASSWORD)
    users.disable("eve")
    hashed: list[str | None] = []
    real = passwords.is_right

    def counted(stored: str | None, text: str) -> bool:
        hashed.append(stored)
        return real(stored, text)

    monkeypatch.setattr(users_module, "is_right", counted)
    with pytest.raises(NotAuthenticated):
        users.authenticate(name, "a wrong password")
    assert len(hashed) == 1


def test_whoever_enters_gets_the_parameters_of_today(
    users: Users, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored() -> str:
        return str(database.rows("SELECT password FROM users WHERE name = 'ada'")[0][0])

    old = stored()
    users.authenticate("ada", PASSWORD)
    assert stored() == old
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    with pytest.raises(NotAuthenticated):
        users.authenticate("ada", "a wrong password")
    assert stored() == old
    users.authenticate("ada", PASSWORD)
    assert "m=16,t=2" in stored()
    users.authenticate("ada", PASSWORD)


def test_another_password_ends_sessions_only(users: Users, tokens: Tokens) -> None:
    session, _ = tokens.start_session("ada")
    others, _ = tokens.start_session("root")
    token, _ = tokens.issue("ada", title="laptop", scopes=["read"])
    users.set_password("ada", "a new password")
    with pytest.raises(NotAuthenticated):
        tokens.actor(session)
    assert tokens.actor(token).user == "ada"
    assert tokens.actor(others).user == "root"
    users.authenticate("ada", "a new password")
    with pytest.raises(NotAuthenticated):
        users.authenticate("ada", PASSWORD)


def test_a_password_that_is_refused_changes_nothing(users: Users, tokens: Tokens) -> None:
    session, _ = tokens.start_session("ada")
    with pytest.raises(InvalidParameter):
        users.set_password("ada", "short")
    tokens.actor(session)
    users.authenticate("ada", PASSWORD)


def test_a_disabled_account_opens_nothing(users: Users, tokens: Tokens) -> None:
    secrets = [tokens.start_session("ada")[0], tokens.issue("ada", title="laptop", scopes=["read"])[0]]
    others, _ = tokens.start_session("root")
    users.disable("ada")
    since = users.get("ada").disabled
    assert since is not None
    users.disable("ada")
    assert users.get("ada").disabled == since
    for secret in secrets:
        with pytest.raises(NotAuthenticated):
            tokens.actor(secret)
    users.enable("ada")
    users.authenticate("ada", PASSWORD)
    for secret in secrets:
        with pytest.raises(NotAuthenticated):
            tokens.actor(secret)
    assert tokens.of("ada") == []
    assert tokens.actor(others).user == "root"


def test_the_last_admin_stays(users: Users) -> None:
    users.add("chief", PASSWORD, "admin")
    users.disable("chief")
    with pytest.raises(NotAllowed, match="'root' is the last admin"):
        users.disable("root")
    with pytest.raises(NotAllowed, match="'root' is the last admin"):
        users.set_role("root", "user")
    assert users.get("root") == users.authenticate("root", PASSWORD)
    users.set_role("root", "admin")
    # Somebody who cannot act as an admin can always be demoted.
    users.set_role("chief", "user")
    users.enable("chief")
    users.set_role("chief", "admin")
    users.set_role("root", "user")
    with pytest.raises(NotAllowed, match="'chief' is the last admin"):
        users.disable("chief")


def test_two_admins_cannot_disable_each_other_at_once(users: Users) -> None:
    users.add("chief", PASSWORD, "admin")

    def disable(name: str) -> None:
        with suppress(NotAllowed):
            users.disable(name)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(disable, ["chief", "root"]))
    assert len([user for user in users.list() if user.disabled is None and user.role == "admin"]) == 1


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("set_password", ["a new password"]), ("set_role", ["admin"]), ("disable", []), ("enable", []), ("get", [])],
)
def test_nothing_is_done_to_who_is_not_there(users: Users, method: str, arguments: list[Any]) -> None:
    for name in ("nobody", "No Name", "\ud800"):
        with pytest.raises(InvalidParameter, match="There is no user .* at this dock"):
            getattr(users, method)(name, *arguments)


def test_roles_are_two(users: Users) -> None:
    with pytest.raises(InvalidParameter, match="'admin', 'user'"):
        users.set_role("ada", "owner")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text() | st.from_regex(r"[a-z][a-z0-9-]{1,31}", fullmatch=True), st.text(), st.text())
def test_every_text_is_a_name_or_refused(users: Users, name: str, password: str, role: str) -> None:
    with suppress(InvalidParameter):
        assert users.add(name, PASSWORD, "user").name == name
    for attempt in (
        lambda: users.add(name, password, role),
        lambda: users.authenticate(name, password),
        lambda: users.set_role(name, role),
        lambda: users.set_password(name, password),
    ):
        with suppress(InvalidParameter, NotAuthenticated):
            attempt()
    with suppress(InvalidParameter):
        assert users.get(name).name == name
    assert users.get("root").role == "admin"
