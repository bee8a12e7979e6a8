"""What the bodies of requests must be."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from learnware.server.accounts.actor import Role, Scope
from learnware.server.accounts.authorize import Visibility
from learnware.server.dock.catalogue import MOST_PASSED_OVER


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SearchForm(_Strict):
    """What is looked for."""

    specification: dict[str, Any] | None = Field(None, description="what Specification.to_json writes")
    text: str | None = Field(None, max_length=2_000)
    limit: int = Field(10, ge=1, le=500)
    mixture_size: int = Field(5, ge=1, le=50)
    offset: int = Field(0, ge=0, le=MOST_PASSED_OVER)
    duplicates: bool = False


class VisibilityForm(_Strict):
    """Who may see a learnware."""

    visibility: Visibility


class TokenForm(_Strict):
    """A token that somebody wants."""

    user: str = Field(max_length=64)
    password: str = Field(max_length=256)
    title: str = Field(max_length=100)
    scopes: list[Scope] = Field(["read"], max_length=5)
    days: float = Field(90.0, gt=0, le=366)


class UserForm(_Strict):
    """A new account."""

    name: str = Field(max_length=64)
    password: str = Field(max_length=256)
    role: Role = "user"


class UserChangeForm(_Strict):
    """What is changed about an account."""

    role: Role | None = None
    disabled: bool | None = None
