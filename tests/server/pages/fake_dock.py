"""A dock in memory that answers all that the pages ask: real specifications, and authorization by the real rules."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, load_wine

from learnware import Specification
from learnware.errors import InvalidParameter, LearnwareNotFound, LimitExceeded, NotAuthenticated, TooManyRequests
from learnware.market.result import Evidence, Hit, Mixture, SearchResult
from learnware.market.store.base import Revision
from learnware.server.accounts.actor import ANONYMOUS, SCOPES, Actor
from learnware.server.accounts.authorize import Action, Resource, authorize
from learnware.server.views import Card, MapPoints, Overview, Page
from learnware.specification import Fields, SemanticSpecification

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=timezone.utc)
PASSWORD = "correct horse battery"
DESCRIPTION = """Predicts the **cultivar** of a wine from its chemistry.

## Training

- thirteen columns, see [the data](https://archive.ics.uci.edu/dataset/109/wine)
- a random forest of 100 trees

| measure | value |
|---|---|
| accuracy | 0.97 |
"""


@cache
def specifications() -> dict[str, Specification]:
    """Return real specifications, small ones: tables whose data differ, and images."""
    wine = load_wine(as_frame=True).data
    made = {
        "wine": Specification.from_data(wine, n_points=20, random_state=0),
        "wine-strong": Specification.from_data(wine[wine.alcohol > 13], n_points=12, random_state=0),
        "wine-light": Specification.from_data(wine[wine.alcohol <= 13], n_points=12, random_state=0),
        "digits": Specification.from_data(load_digits().images[:400], data="image", n_points=20, random_state=0),
    }
    return made


def identity(name: str) -> str:
    """Return an id as a market gives them."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Told:
    """A row of whatever table: attributes by name."""

    values: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None


def row(**values: Any) -> Any:
    return Told(values)


@dataclass
class FakeUpload:
    content: bytearray = field(default_factory=bytearray)

    def __enter__(self) -> FakeUpload:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write(self, chunk: bytes) -> None:
        self.content += chunk
        if len(self.content) > 1_000_000:
            raise LimitExceeded("A learnware may have at most 1,000,000 bytes.")


def _words(name: str, description: str = "", **tags: Any) -> SemanticSpecification:
    return SemanticSpecification(name=name, description=description, **tags)


class FakeDock:
    """See `learnware.server.dock.Dock`."""

    def __init__(self, *, public_url: str | None = None) -> None:
        self.settings = SimpleNamespace(https=public_url is not None, public_url=public_url)
        self.sessions: dict[str, Actor] = {}
        self.accounts = {
            "ada": row(name="ada", role="user", created=NOW, disabled=None),
            "grace": row(name="grace", role="admin", created=NOW, disabled=None),
            "mallory": row(name="mallory", role="user", created=NOW, disabled=NOW),
        }
        self.issued: dict[str, Any] = {}
        self.queries: dict[str, Specification] = {}
        self.asked: list[Any] = []
        self.cards: dict[str, Card] = {}
        self.specs: dict[str, Specification] = {}
        self.sent: dict[str, Any] = {}
        self.attempts = 0
        self.addresses: set[str | None] = set()
        self._fill()

    def _fill(self) -> None:
        inputs = Fields.named(load_wine().feature_names)
        outputs = Fields.named(["class_0", "class_1", "class_2"])
        tags: dict[str, Any] = {"data": "Table", "task": "Classification", "library": "Scikit-learn"}
        both = {"inputs": inputs, "outputs": outputs, "scenarios": ("Agriculture", "Business"), "license": "MIT"}
        self.put("wine", _words("Wine cultivars from chemistry", DESCRIPTION, **tags, **both), owner="ada", level="T1")
        light = "The same forest, trained on the lighter half of the wines only. Use it where alcohol is below 13 %."
        self.put("wine-light", _words("Light wines", light, **tags, inputs=inputs), owner="grace")
        strong = "A linear model for strong wines."
        self.put("wine-strong", _words("Strong wines", strong, **tags), owner="ada", visibility="private")
        digits = _words(
            "手写数字识别", "8 × 8 的手写数字图像。", data="Image", task="Classification", library="PyTorch"
        )
        self.put("digits", digits, level="T2")
        words = _words("Feature names only", "It has no statistical specification.", task="Feature Extraction")
        self.put("words", words)
        self.submitted("done", state="verified", learnware="wine", outcome={"report": _REPORT})
        self.submitted("waiting", state="pending", learnware="wine-light")
        problem = {"status": 422, "code": "rejected", "detail": "refused", "report": _REFUSED}
        self.submitted("refused", state="failed", learnware="lost", outcome={"problem": problem})
        broken = {"status": 422, "code": "malformed-archive", "detail": "The zip ends early."}
        self.submitted("broken", state="failed", learnware="lost", outcome={"problem": broken})

    def put(
        self,
        name: str,
        semantic: SemanticSpecification,
        *,
        owner: str | None = None,
        visibility: Any = "public",
        level: str | None = "T0",
    ) -> str:
        known = identity(name)
        statistical = specifications()[name].statistical if name in specifications() else None
        self.specs[known] = Specification(semantic, statistical, level)
        digest = hashlib.sha256(known.encode()).hexdigest()
        created = NOW - timedelta(hours=7 * len(self.cards))
        self.cards[known] = Card(known, digest, semantic, level, owner, visibility, created, 48_213)
        return known

    def submitted(self, name: str, *, state: str, learnware: str, outcome: Any = None, owner: str = "ada") -> None:
        known = identity(learnware)
        digest = hashlib.sha256(known.encode()).hexdigest()
        finished = NOW if outcome else None
        told = {"kind": "submit", "learnware_id": known, "owner": owner, "digest": digest, "size": 48_213}
        self.sent[name] = row(id=name, state=state, outcome=outcome, created=NOW, finished=finished, **told)

    # what is there

    def browse(self, actor: Actor, *, limit: int = 20, cursor: str | None = None, **asked: Any) -> Page:
        authorize(actor, Action.SEARCH)
        self.asked.append(asked)
        found = [card for card in self.cards.values() if self._matches(actor, card, asked)]
        if asked.get("sort") == "name":
            found.sort(key=lambda card: card.semantic.name)
        start = int(cursor or 0)
        following = str(start + limit) if start + limit < len(found) else None
        return Page(found[start : start + limit], len(found), following)

    def _matches(self, actor: Actor, card: Card, asked: dict[str, Any]) -> bool:
        words, semantic = (asked.get("text") or "").lower(), card.semantic
        tagged = all(asked.get(t) in (None, getattr(semantic, t)) for t in ("data", "task", "library", "license"))
        mine = actor.is_admin or (actor.user is not None and actor.user == card.owner)
        return (
            tagged
            and words in f"{semantic.name} {semantic.description}".lower()
            and set(asked.get("scenarios") or ()) <= set(semantic.scenarios)
            and (card.visibility == "public" or mine)
            and asked.get("owner") in (None, card.owner)
        )

    def _known(self, actor: Actor, ref: str, action: Action = Action.READ) -> Card:
        learnware_id, _, digest = ref.partition("@")
        card = self.cards.get(learnware_id)
        if card is None or digest not in ("", card.digest, "b" * 64):
            raise LearnwareNotFound(f"This market has no learnware of id {ref!r}.")
        authorize(actor, action, Resource(card.id, card.owner, card.visibility))
        return replace(card, digest=digest) if digest else card

    def card(self, actor: Actor, ref: str) -> Card:
        return self._known(actor, ref)

    def describe(self, actor: Actor, ref: str) -> Specification:
        return self.specs[self._known(actor, ref).id]

    def revisions(self, actor: Actor, learnware_id: str) -> tuple[Revision, ...]:
        card = self._known(actor, learnware_id)
        before = NOW - timedelta(days=40)
        return Revision("b" * 64, before, 47_000), Revision(card.digest, card.created, card.size)

    def file(self, actor: Actor, ref: str) -> tuple[Path, str]:
        card = self._known(actor, ref)
        path = Path(tempfile.gettempdir()) / "fake-learnware.zip"
        path.write_bytes(b"PK-" + card.digest.encode())
        return path, card.digest

    def search(
        self,
        actor: Actor,
        specification: Specification,
        *,
        text: str | None = None,
    ) -> SearchResult:
        authorize(actor, Action.SEARCH)
        self.asked.append((specification.semantic.task, text))
        mine = specification.statistical
        near = [i for i in self._visible(actor) if mine is not None and _alike(mine, self.specs[i])]
        if not near:
            return SearchResult((), None, "nothing fits", None, "No learnware takes a table with these columns.")
        hits = sorted((self._hit(i, mine, text) for i in near), key=lambda hit: hit.distance)
        weights = np.array([0.7, 0.3, 0.0][: len(hits)])
        kept = tuple(hits[:2])
        mixture = Mixture(kept, weights[: len(kept)] / weights[: len(kept)].sum(), 0.04, 0.97)
        verdict = "match" if hits[0].distance < 0.2 else "weak"
        return SearchResult(tuple(hits[:10]), mixture, verdict, Evidence(0.04, 0.97, 0.05, 0.61))  # type: ignore[arg-type]

    def _hit(self, learnware_id: str, mine: Any, text: str | None = None) -> Hit:
        specification = self.specs[learnware_id]
        distance = mine.distance(specification.statistical)
        loss = None if learnware_id == identity("wine-strong") else 0.03 + distance / 4
        relevance = 0.5 if text else None
        fit, level = max(0.0, 1 - distance), specification.level
        return Hit(learnware_id, specification.semantic, distance, fit, relevance, loss=loss, level=level)

    def _visible(self, actor: Actor) -> list[str]:
        return [card.id for card in self.browse(actor, limit=1000).items]

    def similar(self, actor: Actor, learnware_id: str, limit: int = 6) -> list[Hit]:
        mine = self.describe(actor, learnware_id).statistical
        near = [i for i in self._visible(actor) if i != learnware_id and _alike(mine, self.specs[i])]
        return [self._hit(i, mine) for i in near[:limit]]

    def island(self, actor: Actor, of: str | Specification) -> MapPoints:
        spec = self.specs[of] if isinstance(of, str) else of
        near = [i for i in self._visible(actor) if _alike(spec.statistical, self.specs[i])]
        names = [self.specs[i].semantic.name for i in near]
        turns = np.linspace(0.0, 5.0, len(near))
        xy = np.column_stack([np.cos(turns) * (1 + turns / 4), np.sin(turns)]).reshape(-1, 2)
        return MapPoints(near, names, xy, None if isinstance(of, str) else np.array([0.4, 0.2]))

    def keep_query(self, actor: Actor, specification: Specification) -> str:
        authorize(actor, Action.SEARCH)
        known = hashlib.sha256(specification.to_json().encode()).hexdigest()[:22]
        self.queries[known] = specification
        return known

    def query(self, query_id: str) -> Specification:
        if query_id not in self.queries:
            raise LearnwareNotFound("There is no such search.")
        return self.queries[query_id]

    def query_text(self, query_id: str) -> str:
        return self.query(query_id).to_json()

    # giving

    def receive(self, actor: Actor, learnware_id: str | None = None, key: str | None = None) -> FakeUpload:
        authorize(actor, Action.SUBMIT)
        if learnware_id:
            self._known(actor, learnware_id, Action.EDIT)
        return FakeUpload()

    def accept(
        self,
        actor: Actor,
        upload: FakeUpload,
        *,
        learnware_id: str | None = None,
        visibility: str = "public",
        key: str | None = None,
    ) -> Any:
        authorize(actor, Action.SUBMIT)
        if visibility not in ("public", "unlisted", "private"):
            raise InvalidParameter(f"The visibility must be public, unlisted or private. Got {visibility!r}.")
        name = f"sent{len(self.sent)}"
        kind, known = ("update", learnware_id) if learnware_id else ("submit", identity(name))
        told = {"kind": kind, "learnware_id": known, "owner": actor.user, "state": "pending", "outcome": None}
        digest = hashlib.sha256(upload.content).hexdigest()
        size = len(upload.content)
        self.sent[name] = row(id=name, digest=digest, size=size, created=NOW, finished=None, **told)
        self.asked.append(visibility)
        return self.sent[name]

    def submission(self, actor: Actor, submission_id: str) -> Any:
        known = self.sent.get(submission_id)
        if known is None:
            raise LearnwareNotFound(f"There is no submission {submission_id!r}.")
        authorize(actor, Action.FOLLOW, Resource(known.id, known.owner, "private"))
        return known

    def submissions(self, actor: Actor, *, learnware_id: str | None = None, limit: int = 50) -> list[Any]:
        if actor.user is None:
            raise NotAuthenticated("Log in.")
        owned = [s for s in self.sent.values() if actor.is_admin or s.owner == actor.user]
        return [s for s in owned if learnware_id in (None, s.learnware_id)][:limit]

    def set_visibility(self, actor: Actor, learnware_id: str, visibility: Any) -> None:
        card = self._known(actor, learnware_id, Action.EDIT)
        if visibility not in ("public", "unlisted", "private"):
            raise InvalidParameter(f"The visibility must be public, unlisted or private. Got {visibility!r}.")
        self.cards[card.id] = replace(card, visibility=visibility)

    def remove(self, actor: Actor, learnware_id: str) -> None:
        del self.cards[self._known(actor, learnware_id, Action.DELETE).id]

    # accounts

    def login(self, name: str, password: str, address: str | None = None) -> tuple[str, Actor]:
        self.attempts += 1
        if self.attempts > 20:
            raise TooManyRequests("At most 20 logins a minute.", retry_after=17.2)
        account = self.accounts.get(name)
        if account is None or account.disabled or password != PASSWORD:
            raise NotAuthenticated("Name or password is wrong.")
        return self.session(name)

    def session(self, name: str) -> tuple[str, Actor]:
        role = self.accounts[name].role
        scopes = {*SCOPES, "account"} - (set() if role == "admin" else {"admin"})
        secret = f"lw_{name}_{len(self.sessions)}"
        self.sessions[secret] = Actor(name, role, frozenset(scopes), secret)
        return secret, self.sessions[secret]

    def logout(self, secret: str) -> None:
        self.sessions.pop(secret, None)

    def actor(self, secret: str | None, address: str | None = None, *, kind: str | None = None) -> Actor:
        self.addresses.add(address)
        if secret is None:
            return ANONYMOUS
        if secret not in self.sessions:
            raise NotAuthenticated("This session has ended.")
        return self.sessions[secret]

    def tokens(self, actor: Actor) -> list[Any]:
        authorize(actor, Action.MANAGE_OWN_TOKENS)
        return [token for token in self.issued.values() if token.user == actor.user]

    def issue_token(self, actor: Actor, *, title: str, scopes: frozenset[str], days: float) -> tuple[str, Any]:
        authorize(actor, Action.ISSUE_TOKENS)
        if not scopes <= set(SCOPES) or not scopes:
            raise InvalidParameter(f"Scopes must be some of {', '.join(SCOPES)}. Got {sorted(scopes)}.")
        number = f"t{len(self.issued)}"
        told = {"title": title, "scopes": scopes, "user": actor.user, "created": NOW, "used": None}
        self.issued[number] = row(id=number, expires=NOW + timedelta(days=days), **told)
        return f"lw_{number}" + "s" * 41, self.issued[number]

    def revoke_token(self, actor: Actor, token_id: str) -> None:
        authorize(actor, Action.MANAGE_OWN_TOKENS)
        if token_id not in self.issued or self.issued[token_id].user != actor.user:
            raise LearnwareNotFound("You have no such token.")
        del self.issued[token_id]

    def change_password(self, actor: Actor, old: str, new: str) -> None:
        authorize(actor, Action.ISSUE_TOKENS)
        if old != PASSWORD:
            raise NotAuthenticated("The password is wrong.")
        if len(new) < 12:
            raise InvalidParameter("A password must have 12 to 256 characters.")

    def users(self, actor: Actor) -> list[Any]:
        authorize(actor, Action.ADMINISTER)
        return list(self.accounts.values())

    def add_user(self, actor: Actor, name: str, password: str, role: str = "user") -> Any:
        authorize(actor, Action.ADMINISTER)
        if name in self.accounts or not name.isidentifier():
            raise InvalidParameter(f"The name {name!r} cannot be used.")
        self.accounts[name] = row(name=name, role=role, created=NOW, disabled=None)
        return self.accounts[name]

    def set_role(self, actor: Actor, name: str, role: str) -> None:
        self._change(actor, name, role=role)

    def set_disabled(self, actor: Actor, name: str, disabled: bool) -> None:
        self._change(actor, name, disabled=NOW if disabled else None)

    def _change(self, actor: Actor, name: str, **values: Any) -> None:
        authorize(actor, Action.ADMINISTER)
        if name not in self.accounts:
            raise LearnwareNotFound(f"There is no user {name!r}.")
        self.accounts[name] = row(**{**self.accounts[name].values, **values})

    def audit(self, actor: Actor, *, limit: int = 100, before: int | None = None) -> list[Any]:
        authorize(actor, Action.ADMINISTER)
        numbers = range(min(120, (before or 121) - 1), 0, -1)
        entry = {"time": NOW, "actor": "ada", "action": "login", "resource": None, "detail": "from 127.0.0.1"}
        return [row(number=n, **entry) for n in numbers][:limit]

    def overview(self, actor: Actor) -> Overview:
        authorize(actor, Action.ADMINISTER)
        days = [(date(2026, 11, 1) + timedelta(days=i), (i * 7) % 11) for i in range(20)]
        states = {"pending": 1, "running": 0, "verified": 57, "failed": 4}
        tasks = {"Classification": 41, "Regression": 12, "Feature Extraction": 3}
        return Overview(len(self.cards), len(self.accounts), states, 4_831_000_000, days, tasks)


def _alike(mine: Any, other: Specification) -> bool:
    return other.statistical is not None and mine.space.accepts(other.statistical.space)


_REPORT = {
    "name": "Wine",
    "passed": True,
    "findings": [{"level": "warning", "code": "description-short", "message": "Say more in the description."}],
}
_REFUSED = {
    "name": "Lost",
    "passed": False,
    "findings": [
        {"level": "error", "code": "task-missing", "message": "Say the task: Learnware.from_model(..., task=...)."},
        {"level": "note", "code": "license-missing", "message": "Without a licence nobody knows what they may do."},
    ],
}
