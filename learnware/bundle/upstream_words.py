"""The ``stat.json`` and ``semantic_specification.json`` of a Beimingwu learnware: its data in points and in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from learnware import _strict_json
from learnware.errors import BundleError, InvalidSpecification, LimitExceeded, MalformedSpecification
from learnware.limits import LIMITS
from learnware.specification import RKME, VOCABULARY, SemanticSpecification
from learnware.specification.upstream import is_upstream, rkme_from_upstream

_TAGS = {"Data": "data", "Task": "task", "Library": "library", "Scenario": "scenarios", "License": "license"}
_TEXTS = ("Name", "Description")
_FIELDS = ("Input", "Output")
_TOO_LARGE = ("json-depth", "json-size", "spec-too-many")


def read_points(text: bytes, file: str) -> RKME:
    """Return the points of a table specification; its kernel width is left aside.

    Raises
    ------
    MalformedSpecification
        It is no such specification; ``code`` says why.
    LimitExceeded
        It has too many points or numbers.
    """
    content = _json(text, file)
    if not is_upstream(content):
        raise _wrong("it must be a mapping with z and beta", "spec-format", file)
    try:
        # What our own reader would refuse later is refused now.
        return RKME.from_dict(rkme_from_upstream(content).to_dict())
    except InvalidSpecification as error:
        raise _wrong(str(error), error.code, file) from error


def read_words(text: bytes, file: str) -> SemanticSpecification:
    """Return what a semantic specification says, as far as our vocabulary has words for it.

    A tag that is not in the vocabulary becomes ``Others``; fields that are not known are left aside.

    Raises
    ------
    MalformedSpecification
        It is not of the form that Beimingwu writes; ``code`` says why.
    """
    content = _json(text, file)
    if not isinstance(content, Mapping):
        raise _wrong("it must be a mapping", "spec-format", file)
    said = {key: _spelled(key, content[key], file) for key in (*_TAGS, *_TEXTS, *_FIELDS) if key in content}
    try:
        json.dumps(said, ensure_ascii=False).encode()
        return SemanticSpecification.from_dict({key: value for key, value in said.items() if value not in (None, {})})
    except UnicodeEncodeError as error:
        raise _wrong(f"it has text that is not UTF-8 ({error.reason})", "json-syntax", file) from error
    except InvalidSpecification as error:
        raise _wrong(str(error), error.code, file) from error


def _spelled(key: str, value: Any, file: str) -> Any:
    """Return the value of a field as `SemanticSpecification.from_dict` reads it."""
    if key in _FIELDS and isinstance(value, str):
        value = _json(value.encode("utf-8", "replace"), file) if value.strip() else None
    if not isinstance(value, Mapping):
        return value
    known = ("Dimension", "Description") if key in _FIELDS else ("Values",)
    kept = {name: value[name] for name in known if name in value}
    if key in _TAGS and "Others" in VOCABULARY[_TAGS[key]] and isinstance(kept.get("Values"), list | str):
        kept["Values"] = _in_vocabulary(kept["Values"], VOCABULARY[_TAGS[key]])
    if isinstance(kept.get("Values"), str):
        # Line breaks are those of its writer's system, and titles are of one line here.
        text = kept["Values"].replace("\r\n", "\n").replace("\r", "\n")
        kept["Values"] = " ".join(text.split()) if key == "Name" else text
    return kept


def _in_vocabulary(values: list[Any] | str, known: tuple[str, ...]) -> list[Any]:
    folded = {word.casefold() for word in known}
    several = [values] if isinstance(values, str) else values
    return [
        value if not isinstance(value, str) or value.casefold() in folded else "Others" for value in several if value
    ]


def _json(text: bytes, file: str) -> Any:
    limits = {"max_bytes": LIMITS["specification-bytes"], "max_depth": LIMITS["json-depth"]}
    return _strict_json.parse(text, _refusal(file), **limits)


def _refusal(file: str) -> Callable[[str, str], BundleError]:
    return lambda reason, code: _wrong(reason, code, file)


def _wrong(reason: str, code: str, file: str) -> BundleError:
    kind = LimitExceeded if code in _TOO_LARGE else MalformedSpecification
    return kind(
        f"{file} must be a specification as Beimingwu writes it: {reason.rstrip('.')}. Make it again.",
        code=code,
        file=file,
    )
