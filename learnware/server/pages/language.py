"""English and Chinese: which one a visitor reads, and every sentence in both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import Request

#: The languages, and what each calls itself.
LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "中文"}

COOKIE = "dock_language"

_FOLDER = Path(__file__).parents[1] / "locale"


@dataclass(frozen=True)
class Catalogue:
    """The sentences of one language.

    Parameters
    ----------
    code : str
        A key of `LANGUAGES`.
    sentences : mapping of str to str

    Examples
    --------
    >>> catalogue_of("en").say("browse.found", n=1)
    '1 learnware'
    >>> catalogue_of("en").say("browse.found", n=3)
    '3 learnwares'
    """

    code: str
    sentences: Mapping[str, str]

    @property
    def tag(self) -> str:
        """What the ``lang`` attribute of a page says."""
        return {"zh": "zh-Hans"}.get(self.code, self.code)

    def say(self, key: str, **values: object) -> str:
        """Return a sentence with its values filled in; of a sentence with ``n``, the one for that number."""
        if values.get("n") == 1 and f"{key}.one" in self.sentences:
            key = f"{key}.one"
        sentence = self.sentences[key]
        return sentence.format(**values) if values else sentence

    def term(self, group: str, value: str | None) -> str:
        """Return a word of a fixed vocabulary, or the word itself where the catalogue does not have it."""
        return "" if value is None else self.sentences.get(f"{group}.{value}", value)


@cache
def catalogue_of(code: str) -> Catalogue:
    """Return the catalogue of a language, a key of `LANGUAGES`."""
    return Catalogue(code, json.loads((_FOLDER / f"{code}.json").read_text("utf-8")))


def language_of(request: Request) -> str:
    """Return the language of a visitor: the one they chose, else the one that their browser likes best."""
    chosen = request.cookies.get(COOKIE, "")
    return chosen if chosen in LANGUAGES else preferred(request.headers.get("accept-language", ""))


def preferred(header: str) -> str:
    """Return the language that an ``Accept-Language`` header likes best, English if it likes none of ours.

    Examples
    --------
    >>> preferred("fr, zh-CN;q=0.8, en;q=0.5"), preferred("de")
    ('zh', 'en')
    """
    best, most = "en", 0.0
    for part in header[:500].split(","):
        name, _, weight = part.partition(";")
        code = name.strip().lower().partition("-")[0]
        share = _quality(weight)
        if code in LANGUAGES and share > most:
            best, most = code, share
    return best


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return min(float(value), 1.0) if name == "q" else 1.0
    except ValueError:
        return 0.0
