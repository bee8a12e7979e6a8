"""Whose each learnware is: what is hidden is asked for anew and remembered only while nothing changes."""

from __future__ import annotations

from learnware.server.accounts.actor import ANONYMOUS, Actor
from learnware.server.library import Library
from learnware.testing import make_learnware
from tests.server.conftest import Place


def test_what_is_hidden_is_that_of_now_and_the_same_set_while_it_is(place: Place) -> None:
    library = place.dock.library
    ids = [place.put(make_learnware(str(i), float(i)), visibility="private") for i in range(2)]
    before = library.hidden_from(ANONYMOUS)
    assert before == set(ids)
    assert library.hidden_from(ANONYMOUS) is before
    library.set_visibility(ids[0], "public")
    assert library.hidden_from(ANONYMOUS) == {ids[1]}
    library.set_visibility(ids[0], "unlisted")
    library.set_visibility(ids[1], "public")
    assert library.hidden_from(ANONYMOUS) == {ids[0]}
    library.set_visibility(ids[0], "public")
    assert library.hidden_from(ANONYMOUS) == frozenset()


def test_many_who_ask_are_told_apart(place: Place) -> None:
    hidden = place.put(make_learnware(), visibility="private")
    library = Library(place.dock.database)
    owner = place.dock.actor(place.tokens["ada"])
    others = [Actor(f"user{i}", "user", frozenset({"read"})) for i in range(9)]
    for actor in (*others, owner, *others, ANONYMOUS):
        assert library.hidden_from(actor) == (frozenset() if actor == owner else {hidden})
