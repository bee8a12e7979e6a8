"""What answers look like, for the OpenAPI description: no answer is built from these."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from learnware.market.result import Verdict
from learnware.market.wire.problem import PROBLEM_JSON
from learnware.server.accounts.actor import Role, Scope
from learnware.server.accounts.authorize import Visibility

Responses = dict[int | str, dict[str, Any]]

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_TITLES = {
    401: "A token is needed, or the one that came is none",
    403: "Whoever asks may not do this",
    404: "There is no such thing, or none that whoever asks may know of",
    413: "The body is larger than the limits allow",
    422: "A parameter or the body is wrong",
    429: "Asked too often; see Retry-After",
}


class Answer(BaseModel):
    """What all answers share: later versions may tell more."""

    model_config = ConfigDict(extra="allow")


class Problem(Answer):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="stable, for programs")


class LearnwareItem(Answer):
    """A learnware as lists show it."""

    id: str
    digest: str
    level: Literal["T0", "T1", "T2"] | None
    semantic: dict[str, Any]
    owner: str | None
    visibility: Visibility
    created: datetime
    size: int


class LearnwareList(Answer):
    """A page of the learnwares."""

    total: int
    items: list[LearnwareItem]
    next: str | None = Field(description="the cursor of what follows")


class SpecificationAnswer(Answer):
    """What a learnware is for."""

    level: Literal["T0", "T1", "T2"] | None
    specification: dict[str, Any]


class RevisionItem(Answer):
    """What an id stood for at some time."""

    digest: str
    created: datetime
    size: int


class RevisionList(Answer):
    """All that an id has stood for."""

    revisions: list[RevisionItem]


class FoundLearnware(Answer):
    """One learnware that was found."""

    id: str
    digest: str | None
    level: Literal["T0", "T1", "T2"] | None
    semantic: dict[str, Any]
    distance: float | None
    fit: float | None
    relevance: float | None
    loss: float | None
    covers: list[str] = Field(description="ids of near-duplicates that came later, for which it stands")
    covered_by: str | None


class FoundMixture(Answer):
    """Members, by their place among the hits, with weights that sum to one."""

    hits: list[int]
    weights: list[float]
    distance: float
    fit: float


class FoundEvidence(Answer):
    """The numbers behind a verdict."""

    distance: float
    fit: float
    noise: float
    spread: float | None


class SearchAnswer(Answer):
    """What a search found; `hits` beyond the first `n_hits` are members of the mixture only."""

    verdict: Verdict
    reason: str | None
    evidence: FoundEvidence | None
    hits: list[FoundLearnware]
    n_hits: int
    mixture: FoundMixture | None


class SubmissionItem(Answer):
    """What has become of a file that was sent."""

    id: str
    kind: Literal["submit", "update"]
    learnware_id: str
    state: Literal["pending", "running", "verified", "failed"]
    digest: str
    size: int
    created: datetime
    finished: datetime | None
    outcome: dict[str, Any] | None = Field(description="the report of the checks, or a problem")


class SubmissionList(Answer):
    """One's own submissions."""

    items: list[SubmissionItem]


class Me(Answer):
    """Who asks."""

    user: str | None
    role: Role | None
    scopes: list[Scope]


class TokenItem(Answer):
    """A token without its secret."""

    id: str
    title: str
    scopes: list[Scope]
    created: datetime
    expires: datetime
    used: datetime | None


class NewToken(TokenItem):
    """A token that was just made."""

    token: str = Field(description="the secret, which is told this once")


class TokenList(Answer):
    """One's own tokens."""

    items: list[TokenItem]


class UserItem(Answer):
    """An account."""

    name: str
    role: Role
    created: datetime
    disabled: datetime | None


class UserList(Answer):
    """All accounts."""

    items: list[UserItem]


class AuditItem(Answer):
    """Something that was done."""

    number: int
    time: datetime
    actor: str | None
    action: str
    resource: str | None
    detail: str | None


class AuditList(Answer):
    """What was done, the latest first."""

    items: list[AuditItem]


class DayCount(Answer):
    """How many came on a day."""

    day: date
    n: int


class OverviewAnswer(Answer):
    """What a dock holds and does."""

    n_learnwares: int
    n_users: int
    submissions: dict[str, int]
    bytes: int
    per_day: list[DayCount]
    per_task: dict[str, int]


class LimitItem(Answer):
    """A limit on what is sent."""

    name: str
    value: float
    meaning: str


class LimitList(Answer):
    """All limits."""

    limits: list[LimitItem]


class Health(Answer):
    """That the process answers."""

    status: Literal["ok"]


class Readiness(Answer):
    """Whether all parts can do their work."""

    ready: bool
    market: bool
    queue: bool
    index: bool


def told(model: type[BaseModel], *problems: int, status: int = 200) -> Responses:
    """Return what OpenAPI says of the answers of a route: JSON where it succeeds, a problem of some status else."""
    return {status: {"model": model}, **refused(*problems)}


def told_file(*problems: int) -> Responses:
    """Return the same of a route that answers with a learnware file."""
    content = {"application/zip": {"schema": {"type": "string", "format": "binary"}}}
    return {
        200: {"description": "The file", "content": content},
        206: {"description": "A part of it", "content": content},
        304: {"description": "Whoever asks has it already"},
        416: {"description": "It has no such part", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **refused(*problems),
    }


def refused(*statuses: int) -> Responses:
    """Return what OpenAPI says of the problems that a route may answer with."""
    return {
        status: {"description": _TITLES[status], "content": {PROBLEM_JSON: {"schema": _PROBLEM}}} for status in statuses
    }


class DescribedApp(FastAPI):
    """An app whose description knows problems, and how one says who one is."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI description, made once."""
        if self.openapi_schema is None:
            parts = super().openapi().setdefault("components", {})
            parts.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
            bearer = {"type": "http", "scheme": "bearer", "description": "A token, such as lw_..."}
            parts["securitySchemes"] = {"bearer": bearer}
            # Who says nothing sees what is public.
            super().openapi()["security"] = [{"bearer": []}, {}]
        return super().openapi()
