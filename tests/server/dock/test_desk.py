"""Logging in, tokens, and what admins do."""

from __future__ import annotations

import pytest

from learnware.errors import NotAllowed, NotAuthenticated, TooManyRequests
from learnware.server.accounts.actor import ANONYMOUS
from learnware.server.accounts.rates import Rates
from learnware.testing import make_learnware
from tests.server.conftest import PASSWORD, Place


def test_a_session_begins_and_ends(place: Place) -> None:
    secret, actor = place.dock.login("ada", PASSWORD, "192.0.2.1")
    assert (actor.user, actor.address, "account" in actor.scopes) == ("ada", "192.0.2.1", True)
    assert place.dock.actor(secret) == actor
    place.dock.logout(secret)
    with pytest.raises(NotAuthenticated):
        place.dock.actor(secret)


def test_passwords_cannot_be_tried_for_long(place: Place) -> None:
    place.dock.rates = Rates({"login-account": "3/minute", "login-address": "4/minute"})
    for _ in range(3):
        with pytest.raises(NotAuthenticated):
            place.dock.login("ada", "wrong password", "192.0.2.1")
    with pytest.raises(TooManyRequests):
        place.dock.login("ada", PASSWORD, "192.0.2.2")
    with pytest.raises(NotAuthenticated):
        place.dock.login("bob", "wrong password", "192.0.2.1")
    with pytest.raises(TooManyRequests):
        place.dock.login("root", PASSWORD, "192.0.2.1")
    failed = [e for e in place.dock.log.entries() if e.action == "failed-login"]
    assert [entry.resource for entry in failed] == ["bob", "ada", "ada", "ada"]


def test_a_token_makes_no_tokens_and_ends_none_but_itself(place: Place) -> None:
    ada = place.dock.actor(place.tokens["ada"])
    spare, token = place.dock.keys.issue("ada", title="spare", scopes=["read"])
    with pytest.raises(NotAllowed, match="cannot make tokens"):
        place.dock.issue_token(ada, title="x", scopes=["read"])
    with pytest.raises(NotAllowed):
        place.dock.revoke_token(ada, token.id)
    place.dock.revoke_token(place.dock.actor(spare), token.id)
    with pytest.raises(NotAuthenticated):
        place.dock.actor(spare)


def test_a_session_looks_after_tokens(place: Place) -> None:
    _, ada = place.dock.login("ada", PASSWORD)
    secret, token = place.dock.issue_token(ada, title="notebook", scopes=["read"], days=1)
    assert token.id in {known.id for known in place.dock.tokens(ada)}
    assert place.dock.actor(secret).scopes == {"read"}
    place.dock.revoke_token(ada, token.id)
    assert token.id not in {known.id for known in place.dock.tokens(ada)}


def test_another_password_ends_all_sessions(place: Place) -> None:
    secret, ada = place.dock.login("ada", PASSWORD)
    with pytest.raises(NotAuthenticated):
        place.dock.change_password(ada, "not my password", "another password")
    place.dock.change_password(ada, PASSWORD, "another password")
    with pytest.raises(NotAuthenticated):
        place.dock.actor(secret)
    place.dock.login("ada", "another password")


def test_admins_see_what_there_is(place: Place) -> None:
    place.put(make_learnware())
    root = place.dock.actor(place.tokens["root"])
    seen = place.dock.overview(root)
    assert (seen.n_learnwares, seen.n_users, seen.per_task) == (1, 3, {"Classification": 1})
    assert seen.bytes == len(make_learnware().to_bytes())
    assert (seen.submissions["verified"], len(seen.per_day), seen.per_day[-1][1]) == (1, 30, 1)
    for look in (place.dock.overview, place.dock.users, place.dock.audit):
        with pytest.raises(NotAllowed):
            look(place.dock.actor(place.tokens["ada"]))
        with pytest.raises(NotAuthenticated):
            look(ANONYMOUS)


def test_admins_look_after_accounts(place: Place) -> None:
    root = place.dock.actor(place.tokens["root"])
    place.dock.add_user(root, "carl", PASSWORD)
    place.dock.set_role(root, "carl", "admin")
    place.dock.set_disabled(root, "carl", True)
    with pytest.raises(NotAuthenticated):
        place.dock.login("carl", PASSWORD)
    place.dock.set_disabled(root, "carl", False)
    assert place.dock.login("carl", PASSWORD)[1].is_admin
