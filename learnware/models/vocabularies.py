"""Vocabularies of text vectorizers as one array of bytes each, instead of a part of the file for every word.

A fitted vectorizer keeps its words as a mapping to columns of the counts. Here the words are written in the order of
these columns, as a list in JSON, whose bytes take the mapping's place among the vectorizer's attributes. Nothing but a
list of different texts is read back, and their positions are the columns, so no word can lead outside of the counts.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from learnware import _strict_json as strict_json
from learnware.errors import BundleError, LimitExceeded, MalformedModel, UnsupportedModel
from learnware.limits import LIMITS
from learnware.models.bounds import parts_of

_FILE = "model.skops"
_VECTORIZERS = ("CountVectorizer", "TfidfVectorizer")
_WORDS = "vocabulary_"
_TEXT_STEPS = (*_VECTORIZERS, "HashingVectorizer")
_OWN_STEPS = ("analyzer", "preprocessor", "tokenizer")
# What only fitting needs: words that were given, and those that were seen and left out.
_NOT_STORED: dict[str, Any] = {"vocabulary": None, "stop_words_": None}


def vectorizers_of(model: Any) -> Iterator[Any]:
    """Yield the vectorizers inside `model` that have learned a vocabulary."""
    for part in parts_of(model):
        if type(part).__name__ in _VECTORIZERS and _WORDS in vars(part):
            yield part


def refuse_functions(model: Any) -> None:
    """Raise `UnsupportedModel` if a vectorizer cuts texts into words by a function, or takes names of files."""
    for part in _text_steps(model):
        if not _takes_texts(part):
            raise UnsupportedModel(
                f"{type(part).__name__} must take texts, input='content'. Got input={part.input!r:.60}: a model that "
                "opens files cannot be stored. Read them before, and fit again on their texts."
            )
        own = [name for name in _OWN_STEPS if callable(getattr(part, name, None))]
        if own:
            raise UnsupportedModel(
                f"{type(part).__name__} has a function as its {own[0]}, and functions are code, which cannot travel "
                "with a model. Say what a word is by token_pattern, analyzer='word', 'char' or 'char_wb', ngram_range "
                "and lowercase, and fit again; or do that step before the texts are given to the model."
            )


def refuse_files(model: Any) -> None:
    """Raise `MalformedModel` if a model that was read from a file opens the files whose names it is given."""
    if not all(map(_takes_texts, _text_steps(model))):
        raise MalformedModel(
            "A vectorizer of the model must take texts. This one opens files, by names that are given as texts. Ask "
            "its developer for one with input='content'.",
            code="file-names",
            file=_FILE,
        )


def _text_steps(model: Any) -> Iterator[Any]:
    return (part for part in parts_of(model) if type(part).__name__ in _TEXT_STEPS)


def _takes_texts(part: Any) -> bool:
    # Of an array, which a file may hold here, the vectorizer would ask whether it equals 'filename'.
    told = part.input
    return isinstance(told, str) and told == "content"


def with_packed_vocabularies(model: Any) -> Any:
    """Return a copy of `model` whose vocabularies are bytes, or itself if it has none.

    Raises
    ------
    UnsupportedModel
        A vocabulary is not of texts in consecutive columns, or too large, or the model cannot be copied.
    """
    vectorizers = list(vectorizers_of(model))
    if not vectorizers:
        return model
    words = {id(part): _ordered(vars(part)[_WORDS]) for part in vectorizers}
    if sum(map(len, words.values())) > LIMITS["vocabulary-words"]:
        raise UnsupportedModel(
            f"{type(model).__name__} has a vocabulary of {sum(map(len, words.values())):,} words; at most "
            f"{LIMITS['vocabulary-words']:,} can be stored. Fit it with a larger min_df, or with max_features."
        )
    # What a copy finds in the memo it takes as already copied, so the words are never copied themselves.
    memo: dict[int, Any] = {id(vars(part)[_WORDS]): _as_bytes(words[id(part)]) for part in vectorizers}
    try:
        packed = copy.deepcopy(model, memo)
    except Exception as error:
        raise UnsupportedModel(f"{type(model).__name__} cannot be copied: {error}") from error
    for part in vectorizers_of(packed):
        attributes = vars(part)
        attributes.update({name: value for name, value in _NOT_STORED.items() if name in attributes})
    return packed


def unpack_vocabularies(model: Any) -> None:
    """Give the vectorizers of a model that was read from a file their vocabularies back.

    Raises
    ------
    MalformedModel
        One is no list of different texts; code ``"vocabulary"``.
    LimitExceeded
        They have too many words; code ``"vocabulary-size"``.
    """
    left = LIMITS["vocabulary-words"]
    for part in list(vectorizers_of(model)):
        stored = vars(part)[_WORDS]
        if not isinstance(stored, np.ndarray):
            _check_columns(stored)
            continue
        words = _read(stored, left)
        left -= len(words)
        vars(part)[_WORDS] = words


def _ordered(vocabulary: Any) -> list[str]:
    """Return the words of a mapping in the order of their columns."""
    _check_columns(vocabulary, UnsupportedModel)
    return sorted(vocabulary, key=vocabulary.__getitem__)


def _check_columns(vocabulary: Any, kind: type[UnsupportedModel | MalformedModel] = MalformedModel) -> None:
    sound = isinstance(vocabulary, dict) and all(isinstance(word, str) for word in vocabulary)
    if sound:
        columns = np.array(list(vocabulary.values()) or [0])
        sound = columns.dtype.kind in "iu" and bool((np.sort(columns) == np.arange(len(columns))).all())
    if sound:
        return
    message = "A vocabulary must map different texts to the columns 0, 1, 2 and so on. This one does not"
    if kind is UnsupportedModel:
        raise UnsupportedModel(f"{message}: fit the vectorizer on texts.")
    raise _damaged(message)


def _as_bytes(words: list[str]) -> Any:
    text = json.dumps([str(word) for word in words], ensure_ascii=False, separators=(",", ":"))
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UnsupportedModel(
            f"A word of the vocabulary is no text in Unicode ({error.reason}). Decode the training texts with "
            "errors='replace' and fit again."
        ) from error
    if len(data) > LIMITS["vocabulary-bytes"]:
        raise UnsupportedModel(
            f"A vocabulary may have at most {LIMITS['vocabulary-bytes']:,} bytes. Got {len(data):,}: fit the "
            "vectorizer with a larger min_df, or with max_features."
        )
    return np.frombuffer(data, dtype=np.uint8)


def _read(stored: Any, most: int) -> dict[str, int]:
    if stored.dtype != np.uint8 or stored.ndim != 1:
        raise _damaged("A vocabulary must be stored as bytes. This one is not")
    words = strict_json.parse(
        stored.tobytes(), _no_json, max_bytes=LIMITS["vocabulary-bytes"], max_depth=1, max_values=most + 1
    )
    if not isinstance(words, list) or not set(map(type, words)) <= {str}:
        raise _damaged("A vocabulary must be a list of texts. This one is not")
    columns = dict(zip(words, range(len(words)), strict=True))
    if len(columns) < len(words):
        raise _damaged("A vocabulary must have every word once. This one does not")
    return columns


def _no_json(reason: str, code: str) -> BundleError:
    if code != "json-size":
        return _damaged(f"A vocabulary must be a list in JSON, but {reason}")
    return LimitExceeded(
        f"The vocabularies of the model are beyond the limits: {reason}. `learnware limits` lists them: use a smaller "
        "vocabulary.",
        code="vocabulary-size",
        file=_FILE,
    )


def _damaged(message: str) -> MalformedModel:
    return MalformedModel(f"{message}. Fetch it again, or tell its developer.", code="vocabulary", file=_FILE)
