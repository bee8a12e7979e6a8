"""The log of a dock."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learnware.errors import InvalidParameter
from learnware.market.store.database import Database
from learnware.server.accounts.actor import ANONYMOUS, Actor
from learnware.server.accounts.audit import Audit
from learnware.server.accounts.authorize import Action

ADA = Actor("ada", "user", frozenset({"read"}), "t1")


@pytest.fixture
def audit(database: Database) -> Audit:
    return Audit(database)


def test_entries_say_who_did_what_to_what(audit: Audit) -> None:
    before = time.time()
    audit.note(ANONYMOUS, "login", None, "wrong password for 'ada'")
    audit.note(ADA, Action.DELETE, "0123", None)
    latest, first = audit.entries()
    assert (first.actor, first.action, first.resource, first.detail) == (
        None,
        "login",
        None,
        "wrong password for 'ada'",
    )
    assert (latest.actor, latest.action, latest.resource, latest.detail) == ("ada", "delete", "0123", None)
    assert first.number < latest.number
    assert before <= first.time.timestamp() <= latest.time.timestamp() <= time.time()


def test_entries_come_page_by_page(audit: Audit) -> None:
    for i in range(7):
        audit.note(ADA, f"action {i}")
    pages, before = [], None
    while page := audit.entries(3, before):
        pages.append([entry.action[-1] for entry in page])
        before = page[-1].number
    assert pages == [["6", "5", "4"], ["3", "2", "1"], ["0"]]


def test_there_are_a_hundred_unless_said(audit: Audit, database: Database) -> None:
    with database.writing() as connection:
        row = "INSERT INTO audit (time, action) VALUES (0, 'x')"
        for _ in range(120):
            connection.execute(row)
    assert len(audit.entries()) == 100
    assert len(audit.entries(1000)) == 120
    assert len(audit.entries(before=2**80)) == 100
    assert audit.entries(before=0) == []


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 1001}, {"limit": "5"}, {"before": -1}, {"before": "x"}])
def test_wrong_pages_are_refused(audit: Audit, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter):
        audit.entries(**wrong)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(), st.none() | st.text(), st.none() | st.text())
def test_every_text_is_kept(audit: Audit, action: str, resource: str | None, detail: str | None) -> None:
    audit.note(Actor(action), action, resource, detail)
    entry = audit.entries(1)[0]
    for given_, kept in [(action, entry.action), (resource, entry.resource), (detail, entry.detail)]:
        assert kept == (None if given_ is None else given_.encode("utf-8", "backslashreplace").decode())


def test_long_texts_are_cut(audit: Audit) -> None:
    audit.note(ADA, "search", "x" * 100_000)
    assert audit.entries(1)[0].resource == "x" * 1000
