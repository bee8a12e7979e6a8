"""Tokens and sessions: what opens a dock, for how long, and that its database alone opens nothing."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learnware.errors import InvalidParameter, MarketError, NotAllowed, NotAuthenticated
from learnware.market.store.database import Database
from learnware.server.accounts.actor import Actor
from learnware.server.accounts.authorize import Action, authorize
from learnware.server.accounts.tokens import Tokens
from learnware.server.accounts.users import Users
from tests.server.accounts.conftest import PASSWORD

Later = Callable[[float], None]
DAY = 86_400.0


def issued(tokens: Tokens, **changed: Any) -> str:
    """Return the secret of a token of Ada's."""
    return tokens.issue(**{"user": "ada", "title": "laptop", "scopes": ["read"], **changed})[0]


def refused(tokens: Tokens, secret: str) -> str:
    """Return what is said to whoever sends this."""
    with pytest.raises(NotAuthenticated) as caught:
        tokens.actor(secret)
    return str(caught.value)


def test_a_token_is_as_it_was_asked_for(tokens: Tokens) -> None:
    before = time.time()
    secret, token = tokens.issue("ada", title="  my laptop ", scopes=["upload", "read"], days=30)
    assert re.fullmatch(r"lw_[A-Za-z0-9_-]{43}", secret)
    assert re.fullmatch(r"[0-9a-f]{32}", token.id)
    assert (token.kind, token.user, token.title, token.scopes) == (
        "token",
        "ada",
        "my laptop",
        frozenset({"read", "upload"}),
    )
    assert before <= token.created.timestamp() <= time.time()
    assert (token.expires - token.created).total_seconds() == pytest.approx(30 * DAY)
    assert tokens.of("ada") == [token]
    assert tokens.of("root") == []
    assert tokens.actor(secret) == Actor("ada", "user", frozenset({"read", "upload"}), token.id)


def test_secrets_differ(tokens: Tokens) -> None:
    assert len({issued(tokens) for _ in range(20)}) == 20


def test_what_is_almost_a_token_is_none(tokens: Tokens) -> None:
    secret = issued(tokens)
    last = "A" if secret[-1] != "A" else "B"
    wrong = [
        *("", "lw_", secret[3:], secret[:-1], secret + "A", secret[:-1] + last, secret.swapcase(), secret.upper()),
        *(secret.lower(), f" {secret}", f"{secret}\n", f"{secret}\0", f"Bearer {secret}", "\ud800", "lw_" + "é" * 43),
        *(
            "lw_" + secrets.token_urlsafe(32),
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.",
            "x" * 100_000,
            "' OR 1=1 --",
            f"{secret}\ud800",
        ),
    ]
    wrong.remove(secret) if secret in wrong else None
    assert len({refused(tokens, text) for text in wrong}) == 1
    assert tokens.actor(secret).user == "ada"


def test_the_database_holds_nothing_to_enter_with(tokens: Tokens, database: Database, folder: Path) -> None:
    entering = [issued(tokens), tokens.start_session("root")[0]]
    dump = [
        str(value) for table in ("users", "tokens") for row in database.rows(f"SELECT * FROM {table}") for value in row
    ]
    digests = [bytes(row[0]) for row in database.rows("SELECT digest FROM tokens")]
    database.close()
    content = b"".join(path.read_bytes() for path in (folder / "dock").iterdir())
    for secret in entering:
        assert hashlib.sha256(secret.encode()).digest() in content
        assert secret.encode() not in content
        assert secret[3:].encode() not in content
    assert PASSWORD.encode() not in content
    again = Tokens(reopened(folder))
    for text in [*dump, *(f"lw_{text}" for text in dump), *(digest.hex() for digest in digests)]:
        refused(again, text)
    for digest in digests:
        refused(again, digest.decode("latin-1"))
    assert [again.actor(secret).user for secret in entering] == ["ada", "root"]


def reopened(folder: Path) -> Database:
    """Return the database of a dock once more."""
    from learnware.server.database import open_database

    return open_database(folder)


def test_a_token_ends(tokens: Tokens, later: Later) -> None:
    short, long = issued(tokens, days=1), issued(tokens, days=366)
    later(DAY - 10)
    tokens.actor(short)
    assert len(tokens.of("ada")) == 2
    later(20)
    refused(tokens, short)
    assert len(tokens.of("ada")) == 1
    assert tokens.actor(long).user == "ada"
    later(365 * DAY)
    refused(tokens, long)


@pytest.mark.parametrize("days", [0, 0.0, -1, 366.1, float("inf"), float("nan"), 1e300])
def test_a_token_lasts_a_year_at_most(tokens: Tokens, days: float) -> None:
    with pytest.raises(InvalidParameter, match="at most 366"):
        issued(tokens, days=days)


@pytest.mark.parametrize("scopes", [[], ["account"], ["read", "write"], "write", ["read upload"], [""], ["READ"]])
def test_scopes_are_the_known_ones(tokens: Tokens, scopes: Any) -> None:
    with pytest.raises(InvalidParameter, match="'admin', 'delete', 'read', 'upload'"):
        tokens.issue("root", title="laptop", scopes=scopes)
    assert tokens.of("root") == []


@pytest.mark.parametrize("title", ["", "   ", "x" * 101, "two\nlines", "tab\there", "\u202egnp", "\0", "\ud800"])
def test_titles_can_be_shown(tokens: Tokens, title: str) -> None:
    with pytest.raises(InvalidParameter, match="1 to 100 printable characters"):
        issued(tokens, title=title)


def test_tokens_are_for_those_who_have_an_account(tokens: Tokens, users: Users) -> None:
    with pytest.raises(InvalidParameter, match="There is no user 'nobody' at this dock"):
        issued(tokens, user="nobody")
    users.disable("ada")
    for attempt in (lambda: issued(tokens), lambda: tokens.start_session("ada")):
        with pytest.raises(NotAllowed, match="'ada' is disabled"):
            attempt()


def test_only_admins_get_the_scope_admin(tokens: Tokens) -> None:
    with pytest.raises(NotAllowed, match="'ada' is none"):
        issued(tokens, scopes=["read", "admin"])
    assert tokens.actor(issued(tokens, user="root", scopes=["admin"])).is_admin


def test_an_account_that_was_disabled_by_other_means_opens_nothing(tokens: Tokens, database: Database) -> None:
    secret = issued(tokens)
    with database.writing() as connection:
        connection.execute("UPDATE users SET disabled = 0 WHERE name = 'ada'")
    refused(tokens, secret)


def test_sessions_may_do_all_that_the_account_may(tokens: Tokens) -> None:
    secret, session = tokens.start_session("ada")
    assert session.kind == "session"
    assert (session.expires - session.created).total_seconds() == pytest.approx(14 * DAY)
    assert tokens.actor(secret) == Actor("ada", "user", frozenset({"read", "upload", "delete", "account"}), session.id)
    admin = tokens.actor(tokens.start_session("root")[0])
    assert admin.is_admin
    assert admin.scopes == {"read", "upload", "delete", "account", "admin"}
    assert tokens.of("ada") == tokens.of("root") == []


def test_a_session_ends_when_its_user_logs_out(tokens: Tokens) -> None:
    mine, another = tokens.start_session("ada")[0], tokens.start_session("ada")[0]
    token = issued(tokens)
    for secret in (mine, mine, token, "no secret", "\ud800"):
        tokens.end_session(secret)
    refused(tokens, mine)
    assert tokens.actor(another).user == tokens.actor(token).user == "ada"


def test_a_revoked_token_opens_nothing(tokens: Tokens) -> None:
    (one, kept), secret = tokens.issue("ada", title="kept", scopes=["read"]), issued(tokens)
    (token,) = [each for each in tokens.of("ada") if each.id != kept.id]
    tokens.revoke("ada", token.id)
    tokens.revoke("ada", token.id)
    refused(tokens, secret)
    assert tokens.of("ada") == [kept]
    assert tokens.actor(one).user == "ada"


def test_only_ones_own_tokens_are_revoked(tokens: Tokens) -> None:
    secret = issued(tokens)
    (token,) = tokens.of("ada")
    session = tokens.start_session("ada")[1]
    said = set()
    for user, token_id in [("root", token.id), ("root", "absent"), ("root", "\ud800"), ("root", session.id)]:
        with pytest.raises(InvalidParameter) as caught:
            tokens.revoke(user, token_id)
        said.add(str(caught.value).replace(repr(token_id), "it"))
    assert said == {"'root' has no token of id it."}
    with pytest.raises(InvalidParameter, match="no user"):
        tokens.revoke("nobody", token.id)
    assert tokens.actor(secret).user == "ada"


def test_a_demoted_admin_is_none_at_once(tokens: Tokens, users: Users) -> None:
    users.set_role("ada", "admin")
    entering = [issued(tokens, scopes=["read", "admin"]), tokens.start_session("ada")[0]]
    for secret in entering:
        authorize(tokens.actor(secret), Action.ADMINISTER)
    users.set_role("ada", "user")
    for secret in entering:
        actor = tokens.actor(secret)
        assert (actor.role, actor.is_admin) == ("user", False)
        with pytest.raises(NotAllowed):
            authorize(actor, Action.ADMINISTER)


def test_a_promoted_user_acts_as_one_after_logging_in_again(tokens: Tokens, users: Users) -> None:
    before = tokens.start_session("ada")[0]
    users.set_role("ada", "admin")
    assert not tokens.actor(before).is_admin
    assert tokens.actor(tokens.start_session("ada")[0]).is_admin


def test_use_is_noted_once_a_minute(
    tokens: Tokens, database: Database, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, token = tokens.issue("ada", title="laptop", scopes=["read"])
    assert token.used is None
    n_writes, writing = 0, database.writing

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal n_writes
        n_writes += 1
        return writing(*arguments, **named)

    monkeypatch.setattr(database, "writing", counted)
    for _ in range(5):
        tokens.actor(secret)
    first = tokens.of("ada")[0].used
    assert n_writes == 1
    assert first is not None
    later(59)
    tokens.actor(secret)
    assert tokens.of("ada")[0].used == first
    later(2)
    tokens.actor(secret)
    used = tokens.of("ada")[0].used
    assert used is not None
    assert n_writes == 2
    assert (used - first).total_seconds() == pytest.approx(61, abs=5)


def test_reading_goes_on_where_nothing_can_be_written(
    tokens: Tokens, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = issued(tokens)

    def full(*arguments: Any, **named: Any) -> Any:
        raise MarketError("Disk full")

    monkeypatch.setattr(database, "writing", full)
    assert tokens.actor(secret).user == "ada"
    assert tokens.of("ada")[0].used is None


def test_reading_does_not_wait_for_another_writer(tokens: Tokens, folder: Path) -> None:
    secret = issued(tokens)
    other = reopened(folder)
    with other.writing():
        start = time.monotonic()
        assert tokens.actor(secret).user == "ada"
        assert time.monotonic() - start < 5
    other.close()
    assert tokens.of("ada")[0].used is None


def test_what_has_long_ended_is_forgotten(tokens: Tokens, database: Database, later: Later) -> None:
    def n_rows() -> int:
        return int(database.rows("SELECT count(*) FROM tokens")[0][0])

    tokens.end_session(tokens.start_session("ada")[0])
    issued(tokens, days=1)
    kept = issued(tokens, days=366)
    tokens.start_session("root")
    later(29 * DAY)
    issued(tokens)
    assert n_rows() == 5
    later(3 * DAY)
    issued(tokens)
    assert n_rows() == 4
    tokens.actor(kept)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(), st.text(), st.text())
def test_every_text_is_handled(tokens: Tokens, secret: str, title: str, user: str) -> None:
    for text in (secret, f"lw_{secret}", (f"lw_{secret}" + "a" * 46)[:46]):
        refused(tokens, text)
        tokens.end_session(text)
    with suppress(InvalidParameter):
        token = tokens.issue("ada", title=title, scopes=["read"])[1]
        assert token.title == title.strip()
        assert token in tokens.of("ada")
    for attempt in (
        lambda: tokens.issue(user, title="laptop", scopes=["read"]),
        lambda: tokens.issue("ada", title="laptop", scopes=[title]),
        lambda: tokens.of(user),
        lambda: tokens.revoke("ada", user),
        lambda: tokens.revoke(user, "an id"),
    ):
        if user not in ("ada", "root"):
            with pytest.raises(InvalidParameter):
                attempt()
