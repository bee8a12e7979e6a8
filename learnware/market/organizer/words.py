"""Words of a text: without case and accents, in every script."""

from __future__ import annotations

import re
import unicodedata

#: Of a longer word these letters count.
LONGEST_WORD = 500

_ACCENTS = re.compile("[\u0300-\u036f]")
# Scripts that put no space between words: Thai, Lao, Khmer, kana, Han, Hangul.
_UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_RUNS = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_ASCII_RUNS = re.compile("[a-z0-9]+")
_UNSPACED_RUN = re.compile(rf"[{_UNSPACED}]")
_FILLERS = frozenset(
    (
        "a an and are as at be by can do for from has have how i in into is it its me model my of on or our over that "
        "the their this to using was what when where which who will with you your"
    ).split()
)


def fold(text: str) -> str:
    """Return the words of a text without case, accents and marks, one space between them.

    Examples
    --------
    >>> fold("Qualité du VIN, 2nd")
    'qualite du vin 2nd'
    """
    if text.isascii():
        # The same in less than half the time.
        return " ".join(_ASCII_RUNS.findall(text.lower()))
    apart = unicodedata.normalize("NFKD", text.casefold())
    joined = unicodedata.normalize("NFC", _ACCENTS.sub("", apart)).casefold()
    return " ".join(_RUNS.findall(joined))


def words_of(folded: str) -> list[str]:
    """Return the words of a folded text in order; a run without spaces gives its characters and their pairs.

    Examples
    --------
    >>> words_of("model 糖尿病")
    ['model', '糖', '尿', '病', '糖尿', '尿病']
    """
    if folded.isascii() or not _UNSPACED_RUN.search(folded):
        return [word[:LONGEST_WORD] for word in folded.split()]
    words: list[str] = []
    for run in folded.split():
        if is_unspaced(run) and len(run) > 1:
            words.extend(run)
            words.extend(run[i : i + 2] for i in range(len(run) - 1))
        else:
            words.append(run[:LONGEST_WORD])
    return words


def telling_words(words: list[str]) -> list[str]:
    """Return the different words that say something; single characters say little where there are pairs.

    Examples
    --------
    >>> telling_words(["a", "model", "of", "sales", "sales"])
    ['sales']
    """
    pairs = any(len(word) == 2 and is_unspaced(word) for word in words)
    telling = [w for w in words if w not in _FILLERS and not (pairs and len(w) == 1 and is_unspaced(w))]
    return list(dict.fromkeys(telling or words))


def is_unspaced(text: str) -> bool:
    """Return whether a text begins in a script that puts no space between words."""
    return _UNSPACED_RUN.match(text) is not None
