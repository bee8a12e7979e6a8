"""The words of learnwares, ranked by how much of a question they answer."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from learnware.specification import SemanticSpecification

#: What a word is worth by where it stands.
NAME_WORTH, TAG_WORTH, DESCRIPTION_WORTH = 0.85, 0.65, 0.6
#: What the whole question is worth when it stands there word by word.
PHRASE_IN_NAME, PHRASE_IN_DESCRIPTION = 0.95, 0.9
#: Answers whose words earn less than this share of the best ones', or of the question's, are left out.
LEAST_SHARE_OF_BEST, LEAST_RELEVANCE = 0.35, 0.1

_SATURATION, _LENGTH_SHARE = 0.5, 0.75
_PREFIX_LIKENESS = 0.85
_LEAST_PREFIX, _LEAST_PREFIX_SHARE = 3, 0.35

_ACCENTS = re.compile("[\u0300-\u036f]")
# Scripts that put no space between words: Thai, Lao, Khmer, kana, Han, Hangul.
_UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_RUNS = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_UNSPACED_RUN = re.compile(rf"[{_UNSPACED}]")
_FILLERS = frozenset(
    (
        "a an and are as at be by can do for from has have how i in into is it its me model my of on or our over that "
        "the their this to using was what when where which who will with you your"
    ).split()
)


@dataclass(frozen=True)
class _Entry:
    name: str
    description: str
    tags: frozenset[str]
    in_name: frozenset[str]
    in_description: Counter[str]
    length: int


class TextIndex:
    r"""Ranks learnwares by their words: name, then tags, then description.

    Every word w of a question q weighs its rarity :math:`\mathrm{idf}(w) = \ln(1 + (N - n_w + 0.5) / (n_w + 0.5))`,
    and a learnware d earns

    .. math:: \mathrm{relevance}(q, d) = \frac{\sum_{w \in q} \mathrm{idf}(w) \max_v s(w, v)\, \mathrm{worth}(v, d)}
              {\sum_{w \in q} \mathrm{idf}(w)}

    where v runs over the words of d that equal w or continue it, or else differ from it by a typing error, s
    is the likeness of the two, and the worth of v is BM25's saturating count in a description and a constant in a
    name or a tag. So 1 would be a learnware that says all of it in the best place, whatever else the market holds.
    A learnware that contains the question word by word goes before all others.

    Case and accents do not matter. Text of scripts without spaces is compared by pairs of characters.

    References
    ----------
    S. Robertson, H. Zaragoza. "The Probabilistic Relevance Framework: BM25 and Beyond". Foundations and Trends in
    Information Retrieval, 2009.

    Notes
    -----
    Plain Python rather than SQLite's FTS5: that is absent from some builds of Python, keeps Chinese and Japanese
    sentences in one piece, knows no typing errors, and would hold for the folder market only.

    Examples
    --------
    >>> from learnware.specification import SemanticSpecification
    >>> index = TextIndex()
    >>> index.add("a", SemanticSpecification(name="Sales of a shop"))
    >>> index.add("b", SemanticSpecification(name="Heart disease", description="From a clinic, not a shop."))
    >>> list(index.rank("shop"))
    ['a', 'b']
    >>> list(index.rank("haert desease"))
    ['b']
    """

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._holders: dict[str, set[str]] = {}
        self._spelled: dict[str, set[str]] = {}
        self._total_length, self._n_described = 0, 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, learnware_id: str, semantic: SemanticSpecification) -> None:
        """Take in a learnware's words; one that is known is replaced."""
        self.remove(learnware_id)
        entry = _read(semantic)
        self._entries[learnware_id] = entry
        self._total_length += entry.length
        self._n_described += entry.length > 0
        for word in _words_of(entry):
            holders = self._holders.setdefault(word, set())
            if not holders:
                for pair in _pairs(word):
                    self._spelled.setdefault(pair, set()).add(word)
            holders.add(learnware_id)

    def remove(self, learnware_id: str) -> None:
        """Forget a learnware's words; one that is not known is no error."""
        entry = self._entries.pop(learnware_id, None)
        if entry is None:
            return
        self._total_length -= entry.length
        self._n_described -= entry.length > 0
        for word in _words_of(entry):
            self._holders[word].discard(learnware_id)
            if not self._holders[word]:
                del self._holders[word]
                for pair in _pairs(word):
                    self._spelled[pair].discard(word)

    def rank(self, text: str) -> dict[str, float]:
        """Return the relevance of the learnwares that clearly answer `text`, the most relevant first.

        Parameters
        ----------
        text : str
            Words in any language; quotation marks and operators mean nothing.

        Returns
        -------
        dict of str to float
            Relevance in (0, 1]; learnwares without a clear relation are absent, so that it may be empty.
        """
        question = _fold(text)
        words = _content_words(_words(question))
        if not words:
            return {}
        rarity = {word: self._rarity(word) for word in words}
        scores: dict[str, float] = {}
        for word in words:
            for learnware_id, worth in self._answers(word).items():
                scores[learnware_id] = scores.get(learnware_id, 0.0) + rarity[word] * worth
        total = sum(rarity.values())
        least = max(LEAST_RELEVANCE * total, LEAST_SHARE_OF_BEST * max(scores.values(), default=0.0))
        relevance = {i: self._with_phrase(i, question, s / total) for i, s in scores.items() if s >= least}
        return dict(sorted(relevance.items(), key=lambda pair: (-pair[1], pair[0])))

    def _rarity(self, word: str) -> float:
        holders = len(self._holders.get(word, ()))
        return math.log(1.0 + (len(self._entries) - holders + 0.5) / (holders + 0.5))

    def _answers(self, word: str) -> dict[str, float]:
        best: dict[str, float] = {}
        for variant, likeness in self._variants(word).items():
            for learnware_id in self._holders[variant]:
                worth = likeness * self._worth(self._entries[learnware_id], variant)
                best[learnware_id] = max(worth, best.get(learnware_id, 0.0))
        return best

    def _worth(self, entry: _Entry, word: str) -> float:
        if word in entry.in_name:
            return NAME_WORTH
        count = entry.in_description[word]
        average = self._total_length / max(1, self._n_described)
        length = 1.0 - _LENGTH_SHARE + _LENGTH_SHARE * entry.length / max(1.0, average)
        described = DESCRIPTION_WORTH * count / (count + _SATURATION * length)
        return max(described, TAG_WORTH if word in entry.tags else 0.0)

    def _variants(self, word: str) -> dict[str, float]:
        """Return the words of the market that may mean `word`, with their likeness in (0, 1]."""
        if _UNSPACED_RUN.match(word):
            return {word: 1.0} if word in self._holders else {}
        alike = self._spelled_alike(word)
        meant = {
            candidate: 1.0 if candidate == word else _PREFIX_LIKENESS * (len(word) / len(candidate)) ** 0.5
            for candidate in alike
            if candidate == word or _continues(word, candidate)
        }
        if meant:
            return meant
        edits = {candidate: _edits(word, candidate) for candidate in alike}
        return {c: 1.0 - count / len(word) for c, count in edits.items() if count <= _allowed_edits(word)}

    def _spelled_alike(self, word: str) -> list[str]:
        """Return the words that share enough pairs of letters; each edit can spoil three of them at most."""
        pairs = _pairs(word)
        shared = Counter(candidate for pair in pairs for candidate in self._spelled.get(pair, ()))
        # A word that goes on after the last letter lacks one pair.
        least = max(1, len(pairs) - max(1, 3 * _allowed_edits(word)))
        return [candidate for candidate, count in shared.items() if count >= least]

    def _with_phrase(self, learnware_id: str, question: str, relevance: float) -> float:
        entry = self._entries[learnware_id]
        if _contains(entry.name, question):
            return PHRASE_IN_NAME + (1.0 - PHRASE_IN_NAME) * len(question) / len(entry.name)
        if len(question.split()) > 1 and _contains(entry.description, question):
            return PHRASE_IN_DESCRIPTION + (PHRASE_IN_NAME - PHRASE_IN_DESCRIPTION) * relevance
        return relevance


def _read(semantic: SemanticSpecification) -> _Entry:
    name, description = _fold(semantic.name), _fold(semantic.description)
    tags = (semantic.data, semantic.task, semantic.library, semantic.license, *semantic.scenarios)
    tagged = frozenset(word for tag in tags if tag for word in _words(_fold(tag)))
    counts = Counter(_words(description))
    return _Entry(name, description, tagged, frozenset(_words(name)), counts, counts.total())


def _words_of(entry: _Entry) -> frozenset[str]:
    return entry.in_name | entry.tags | set(entry.in_description)


def _fold(text: str) -> str:
    """Return the words of a text without case, accents and marks, one space between them."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    joined = unicodedata.normalize("NFC", _ACCENTS.sub("", apart)).casefold()
    return " ".join(_RUNS.findall(joined))


def _words(folded: str) -> list[str]:
    words: list[str] = []
    for run in folded.split():
        words.append(run)
        if _UNSPACED_RUN.match(run) and len(run) > 1:
            words.pop()
            words.extend(run)
            words.extend(run[i : i + 2] for i in range(len(run) - 1))
    return words


def _content_words(words: list[str]) -> list[str]:
    """Return the different words that say something; single characters say little where there are pairs."""
    pairs = any(len(word) == 2 and _UNSPACED_RUN.match(word) for word in words)
    telling = [w for w in words if w not in _FILLERS and not (pairs and len(w) == 1 and _UNSPACED_RUN.match(w))]
    return list(dict.fromkeys(telling or words))


def _pairs(word: str) -> set[str]:
    padded = f" {word} "
    return {padded[i : i + 2] for i in range(len(padded) - 1)}


def _contains(text: str, phrase: str) -> bool:
    if _UNSPACED_RUN.search(phrase):
        return phrase in text
    return f" {phrase} " in f" {text} "


def _continues(word: str, candidate: str) -> bool:
    long_enough = len(word) >= max(_LEAST_PREFIX, _LEAST_PREFIX_SHARE * len(candidate))
    return long_enough and candidate.startswith(word)


def _allowed_edits(word: str) -> int:
    if any(letter.isdigit() for letter in word) or len(word) < 4:
        return 0
    return 1 if len(word) < 8 else 2


def _edits(left: str, right: str) -> int:
    """Count letters to insert, delete, change or swap with a neighbour (optimal string alignment)."""
    if abs(len(left) - len(right)) > 2:
        return 3
    before: list[int] = []
    above = list(range(len(right) + 1))
    for i, letter in enumerate(left, 1):
        row = [i]
        for j, other in enumerate(right, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and left[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]
