"""Where people log in and look after their own tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from learnware.errors import NotAuthenticated
from learnware.server.accounts.actor import ANONYMOUS, Actor, network_of
from learnware.server.accounts.authorize import Action, authorize
from learnware.server.accounts.tokens import Kind, Token
from learnware.server.accounts.users import User
from learnware.server.dock.foundation import Foundation

_DAYS = 90.0


class Desk(Foundation):
    """The part of a dock that knows people."""

    def actor(self, secret: str | None, address: str | None = None, *, kind: Kind | None = None) -> Actor:
        """Return who shows a token, or the cookie of a session; somebody unknown without one.

        Parameters
        ----------
        secret, address : str, optional
        kind : {"token", "session"}, optional
            What it must be: a cookie is no token, and a token no cookie.

        Raises
        ------
        NotAuthenticated
            It is wrong, expired or revoked.
        """
        actor = ANONYMOUS if secret is None else self.keys.actor(secret, kind)
        return replace(actor, address=address)

    def login(self, name: str, password: str, address: str | None = None) -> tuple[str, Actor]:
        """Begin a session, and return its secret and whose it is."""
        user = self._authenticate(name, password, address)
        secret, _ = self.keys.start_session(user.name)
        actor = self.actor(secret, address)
        self.log.note(actor, "login", detail=address)
        return secret, actor

    def logout(self, secret: str) -> None:
        """End a session."""
        self.keys.end_session(secret)

    def tokens(self, actor: Actor) -> list[Token]:
        """Return one's own tokens; their secrets are known to nobody here."""
        authorize(actor, Action.MANAGE_OWN_TOKENS)
        return list(self.keys.of(str(actor.user)))

    def issue_token(self, actor: Actor, *, title: str, scopes: Iterable[str], days: float = _DAYS) -> tuple[str, Token]:
        """Make a token and return its secret, which is told this once."""
        authorize(actor, Action.ISSUE_TOKENS)
        secret, token = self.keys.issue(str(actor.user), title=title, scopes=scopes, days=days)
        self.log.note(actor, "issue-token", token.id, token.title)
        return secret, token

    def exchange(
        self,
        name: str,
        password: str,
        *,
        title: str,
        scopes: Iterable[str],
        days: float = _DAYS,
        address: str | None = None,
    ) -> tuple[str, Token]:
        """Make a token for whoever says a name and its password."""
        user = self._authenticate(name, password, address)
        actor = Actor(user.name, user.role, frozenset({"account"}), address=address)
        return self.issue_token(actor, title=title, scopes=scopes, days=days)

    def revoke_token(self, actor: Actor, token_id: str) -> None:
        """End one of one's own tokens."""
        # Whoever has found a token must not lock out its owner; they may end the one that they have.
        authorize(actor, Action.MANAGE_OWN_TOKENS if token_id == actor.token_id else Action.ISSUE_TOKENS)
        self.keys.revoke(str(actor.user), token_id)
        self.log.note(actor, "revoke-token", token_id)

    def change_password(self, actor: Actor, old: str, new: str) -> None:
        """Give oneself another password, which ends all sessions."""
        authorize(actor, Action.ISSUE_TOKENS)
        self._authenticate(str(actor.user), old, actor.address)
        self.people.set_password(str(actor.user), new)
        self.log.note(actor, "set-password")

    def _authenticate(self, name: str, password: str, address: str | None) -> User:
        here = network_of(address)
        # By account and address together, so that nobody can lock out others; the account as a whole has a wider limit.
        spent = (("login-address", here), ("login-pair", f"{name} {here}"), ("login-account", name))
        for rate, key in spent:
            self.rates.check(rate, key)
        try:
            return self.people.authenticate(name, password)
        except NotAuthenticated:
            for rate, key in spent:
                self.rates.spend(rate, key)
            # Somebody may have typed the password in the place of the name.
            known = name if self.people.is_name(name) else None
            self.log.note(replace(ANONYMOUS, address=address), "failed-login", known, address)
            raise
