"""Who may do what to what: every kind of actor, every action, every kind of learnware, written out by hand."""

from __future__ import annotations

import pytest

from learnware.errors import LearnwareNotFound, NotAllowed, NotAuthenticated
from learnware.server.accounts.actor import ANONYMOUS, Actor
from learnware.server.accounts.authorize import VISIBILITIES, Action, Resource, Visibility, authorize

ALL = frozenset({"read", "upload", "delete", "account", "admin"})

ACTORS = {
    "anonymous": ANONYMOUS,
    "reads": Actor("ada", "user", frozenset({"read"})),
    "uploads": Actor("ada", "user", frozenset({"read", "upload"})),
    "deletes": Actor("ada", "user", frozenset({"read", "delete"})),
    "writes-only": Actor("ada", "user", frozenset({"upload", "delete"})),
    "session": Actor("ada", "user", ALL - {"admin"}),
    "demoted": Actor("ada", "user", ALL),
    "admin": Actor("root", "admin", ALL),
    "admin-token": Actor("root", "admin", frozenset({"admin"})),
    "admin-reads": Actor("root", "admin", frozenset({"read"})),
}

# + may, ! must log in first, - may not, ? is told that there is none.
_MARKS = {NotAuthenticated: "!", NotAllowed: "-", LearnwareNotFound: "?"}

ALONE = (Action.SEARCH, Action.SUBMIT, Action.MANAGE_OWN_TOKENS, Action.ISSUE_TOKENS, Action.ADMINISTER)
EXPECTED_ALONE = """
                search  submit  own-tokens  issue  administer
  anonymous       +       !         !         !        !
  reads           +       -         +         -        -
  uploads         +       +         +         -        -
  deletes         +       -         +         -        -
  writes-only     +       +         -         -        -
  session         +       +         +         +        -
  demoted         +       +         +         +        -
  admin           +       +         +         +        +
  admin-token     +       -         -         -        +
  admin-reads     +       -         +         -        -
"""

# Each cell: read, edit, delete, and follow, which is of a submission. Unlisted is as public for whoever has the id.
TO_SOMETHING = (Action.READ, Action.EDIT, Action.DELETE, Action.FOLLOW)
EXPECTED = """
                own:public own:unlisted own:private other:public other:unlisted other:private none:public none:unlisted none:private
  anonymous       .            .            .          +!!?          +!!?           ????         +!!?         +!!?          ????
  reads           +--+         +--+         +--+       +--?          +--?           ????         +--?         +--?          ????
  uploads         ++-+         ++-+         ++-+       +--?          +--?           ????         +--?         +--?          ????
  deletes         +-++         +-++         +-++       +--?          +--?           ????         +--?         +--?          ????
  writes-only     ++++         ++++         -+++       +--?          +--?           ????         +--?         +--?          ????
  session         ++++         ++++         ++++       +--?          +--?           ????         +--?         +--?          ????
  demoted         ++++         ++++         ++++       +--?          +--?           ????         +--?         +--?          ????
  admin           ++++         ++++         ++++       ++++          ++++           ++++         ++++         ++++          ++++
  admin-token     +---         +---         ----       +---          +---           ----         +---         +---          ----
  admin-reads     +--+         +--+         +--+       +--?          +--?           ????         +--?         +--?          ????
"""  # noqa: E501


def cells(text: str) -> dict[tuple[str, str], str]:
    """Return the cells of a table by actor and column."""
    head, *rows = [line.split() for line in text.strip().splitlines()]
    return {(name, column): cell for name, *row in rows for column, cell in zip(head, row, strict=True)}


def decided(actor: Actor, action: Action, resource: Resource | None = None) -> str:
    """Return the mark of a decision."""
    try:
        authorize(actor, action, resource)
    except (NotAuthenticated, NotAllowed, LearnwareNotFound) as error:
        return _MARKS[type(error)]
    return "+"


@pytest.mark.parametrize("name", ACTORS)
def test_actions_on_nothing(name: str) -> None:
    found = [decided(ACTORS[name], action) for action in ALONE]
    assert found == [cell for (actor, _), cell in cells(EXPECTED_ALONE).items() if actor == name]


@pytest.mark.parametrize(("name", "column"), cells(EXPECTED))
def test_actions_on_learnwares_and_submissions(name: str, column: str) -> None:
    expected, actor = cells(EXPECTED)[name, column], ACTORS[name]
    whose, visibility = column.split(":")
    if expected == ".":
        assert actor.user is None, "whoever has an account may own something"
        return
    owner = {"own": actor.user, "other": "bob", "none": None}[whose]
    resource = Resource("0123", owner, next(each for each in VISIBILITIES if each == visibility))
    assert "".join(decided(actor, action, resource) for action in TO_SOMETHING) == expected


def test_the_tables_are_full() -> None:
    assert {*ALONE, *TO_SOMETHING} == set(Action)
    assert {actor for actor, _ in cells(EXPECTED)} == {actor for actor, _ in cells(EXPECTED_ALONE)} == set(ACTORS)
    columns = {f"{whose}:{visibility}" for whose in ("own", "other", "none") for visibility in VISIBILITIES}
    assert {column for _, column in cells(EXPECTED)} == columns


@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_nobody_is_not_the_owner_of_what_is_nobodys(visibility: Visibility) -> None:
    everything = Actor(None, None, ALL)
    for action in (Action.EDIT, Action.DELETE, Action.FOLLOW):
        assert decided(everything, action, Resource("0123", None, visibility)) in "!?"


def test_what_is_hidden_is_spoken_of_as_what_is_absent() -> None:
    said = set()
    for owner, visibility in (("bob", "private"), (None, "private")):
        with pytest.raises(LearnwareNotFound) as caught:
            authorize(ACTORS["reads"], Action.READ, Resource("0123", owner, visibility))  # type: ignore[arg-type]
        said.add(str(caught.value))
    assert said == {"This market has no learnware or submission of id '0123' that you may see."}


def test_refusals_say_what_is_needed() -> None:
    with pytest.raises(NotAllowed, match="scope 'upload'. Yours has: delete, read"):
        authorize(ACTORS["deletes"], Action.SUBMIT)
    with pytest.raises(NotAllowed, match="A token cannot make tokens"):
        authorize(ACTORS["uploads"], Action.ISSUE_TOKENS)
    with pytest.raises(NotAllowed, match="Only an admin"):
        authorize(ACTORS["demoted"], Action.ADMINISTER)
    with pytest.raises(NotAllowed, match="Only the owner of 0123 or an admin"):
        authorize(ACTORS["session"], Action.EDIT, Resource("0123", "bob"))
