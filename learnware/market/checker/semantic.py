"""Checks of what a learnware says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from learnware.limits import LIMITS
from learnware.market.checker.base import Finding
from learnware.specification import VOCABULARY, SemanticSpecification

if TYPE_CHECKING:
    from learnware.bundle import Learnware

_NAME_LENGTH, _DESCRIPTION_BYTES = LIMITS["name-characters"], LIMITS["description-bytes"]


def check_semantic(learnware: Learnware) -> Iterator[Finding]:
    """Yield what is wrong with the words: without name, data and task nobody could find or use a learnware."""
    semantic = learnware.specification.semantic
    yield from _texts(semantic)
    for tag in ("data", "task"):
        if getattr(semantic, tag) is None:
            yield Finding("error", f"{tag}-missing", f"Say the {tag}: one of {', '.join(VOCABULARY[tag])}.")
    if not semantic.scenarios:
        yield Finding("warning", "scenarios-missing", "Say the scenarios, so that searches by scenario find it.")
    if semantic.license is None:
        yield Finding("warning", "license-missing", "Say the license, so that others know what they may do with it.")


def _texts(semantic: SemanticSpecification) -> Iterator[Finding]:
    name, described = semantic.name.strip(), len(semantic.description.encode())
    if not name:
        yield Finding("error", "name-missing", f"Give it a name of 1 to {_NAME_LENGTH} characters.")
    if len(name) > _NAME_LENGTH:
        yield Finding(
            "error",
            "name-too-long",
            f"The name has {len(name)} characters; at most {_NAME_LENGTH} are allowed. Move the rest to the "
            "description.",
        )
    if not semantic.description.strip():
        yield Finding("warning", "description-missing", "Describe the data and the model, so that searches find it.")
    if described > _DESCRIPTION_BYTES:
        yield Finding(
            "error",
            "description-too-long",
            f"The description has {described:,} bytes of text; at most {_DESCRIPTION_BYTES:,} are allowed. Shorten it.",
        )
