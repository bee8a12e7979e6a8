"""One question, asked in one place: whether an actor may do something to something."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal, NoReturn, get_args

from learnware.errors import LearnwareNotFound, NotAllowed, NotAuthenticated
from learnware.server.accounts.actor import Actor

Visibility = Literal["public", "unlisted", "private"]

VISIBILITIES: tuple[Visibility, ...] = get_args(Visibility)


class Action(str, Enum):
    """Everything that can be done at a dock."""

    SEARCH = "search"  # list and search what is public, and one's own
    READ = "read"  # look at one learnware and fetch it
    SUBMIT = "submit"
    EDIT = "edit"  # a new revision, another visibility
    DELETE = "delete"
    FOLLOW = "follow"  # see what became of a submission
    MANAGE_OWN_TOKENS = "manage own tokens"
    ISSUE_TOKENS = "issue tokens"
    ADMINISTER = "administer"  # users, the audit log, the overview


@dataclass(frozen=True)
class Resource:
    """What an action is done to: a learnware, or a submission, which only its owner and admins see.

    Parameters
    ----------
    id : str
    owner : str, optional
        An account; None for a learnware that came with the folder.
    visibility : {"public", "unlisted", "private"}, default="public"
        Who can see it: everybody, everybody who has its id, or its owner.
    """

    id: str
    owner: str | None = None
    visibility: Visibility = "public"


# One of these is needed. Who may submit may also hear what became of it.
_SCOPES = {
    Action.SEARCH: ("read",),
    Action.READ: ("read",),
    Action.SUBMIT: ("upload",),
    Action.EDIT: ("upload",),
    Action.DELETE: ("delete",),
    Action.FOLLOW: ("read", "upload"),
    Action.MANAGE_OWN_TOKENS: ("read",),
    Action.ISSUE_TOKENS: ("account",),
    Action.ADMINISTER: ("admin",),
}
_FOR_EVERYBODY = frozenset({Action.SEARCH, Action.READ})


def authorize(actor: Actor, action: Action, resource: Resource | None = None) -> None:
    """Return if an actor may do something, and raise if not.

    Parameters
    ----------
    actor : Actor
    action : Action
    resource : Resource, optional
        The learnware or submission that it is done to.

    Raises
    ------
    NotAuthenticated
        Nobody unknown may do this; log in or send a token.
    LearnwareNotFound
        The resource is not for this actor to know of.
    NotAllowed
        Neither the account nor the token is enough.

    Examples
    --------
    >>> from learnware.server.accounts.actor import ANONYMOUS, Actor
    >>> authorize(ANONYMOUS, Action.SEARCH)
    >>> ada = Actor("ada", "user", frozenset({"read"}))
    >>> authorize(ada, Action.SUBMIT)
    Traceback (most recent call last):
    ...
    learnware.errors.NotAllowed: This needs a token with the scope 'upload'. Yours has: read.
    """
    if resource is not None:
        check_known(actor, action, resource)
    if action in _FOR_EVERYBODY and (resource is None or resource.visibility != "private"):
        # No token may be worth less than none.
        return
    if actor.user is None and action not in _FOR_EVERYBODY:
        raise NotAuthenticated(
            "This needs an account: log in on the web page, or open the market with a token (token=, --token or "
            "LEARNWARE_TOKEN; over plain HTTP the header 'Authorization: Bearer lw_...')."
        )
    if actor.scopes.isdisjoint(_SCOPES[action]):
        _refuse_scope(actor, _SCOPES[action][0])
    if action is Action.ADMINISTER and actor.role != "admin":
        raise NotAllowed("Only an admin may do this.")
    if resource is not None and action not in _FOR_EVERYBODY and not _owns(actor, resource):
        raise NotAllowed(f"Only the owner of {resource.id} or an admin may do this.")


def check_known(actor: Actor, action: Action, resource: Resource) -> None:
    """Return if an actor may know that a resource exists, whatever they may do to it; raise LearnwareNotFound if not.

    What is private is not found, in the words for what does not exist.
    """
    hidden = action is Action.FOLLOW or resource.visibility == "private"
    if hidden and not _owns(actor, resource):
        raise not_found(resource.id)


def not_found(asked: str) -> LearnwareNotFound:
    """Return the error for what does not exist, and for what is not for this actor to know of."""
    return LearnwareNotFound(f"This market has no learnware or submission of id {asked!r} that you may see.")


def _owns(actor: Actor, resource: Resource) -> bool:
    return actor.is_admin or (actor.user is not None and actor.user == resource.owner)


def _refuse_scope(actor: Actor, scope: str) -> NoReturn:
    if scope == "account":
        raise NotAllowed("A token cannot make tokens. Log in on the web page, or send your name and password.")
    has = ", ".join(sorted(actor.scopes)) or "none"
    raise NotAllowed(f"This needs a token with the scope {scope!r}. Yours has: {has}.")
