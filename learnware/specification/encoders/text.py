"""Texts to points by hashed words and parts of words: no weights to download, no data to learn from."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._progress import progress_bar
from learnware.specification.encoders.base import Encoder

_BUCKETS = 2**18
_SIGNS_PER_BUCKET = 8
_SHARE_OF_PARTS = 0.5
_CHARACTERS_PER_TEXT = 100_000
_CHARACTERS_PER_WORD = 64
_CHARACTERS_AT_ONCE = 4_000_000
_TEXTS_AT_ONCE = 4096
_WORD = re.compile(r"\w+")


class HashedText(Encoder):
    r"""Encoder of texts that needs nothing but this library.

    A word is half its own direction :math:`e`, half the mean direction of its character 3- to 5-grams :math:`G`, so
    that forms of a word lie near each other. Directions are sparse, random and fixed: the same for everyone. A text
    is the sum over its words, divided by its length:

    .. math:: x \propto \sum_{\text{words } v} (1 + \log n_v)\; \min\big(1, \max(0.1, (|v| - 1) / 5)\big)
              \Big( e_v + \frac{1}{\sqrt{|G_v|}} \sum_{g \in G_v} e_g \Big)

    where :math:`n_v` says how often a word occurs and :math:`|v|` how many characters it has. Short words count
    less: in most languages they are the frequent ones, which tell little, and counting words of a data set is out of
    the question where the same text must give everyone the same point.

    Attributes
    ----------
    id : str
        ``"text-hash-1"``.
    data : str
        ``"text"``.
    n_features : int
        384.

    Notes
    -----
    Of a text the first 100,000 characters count, of a word the first 64. A text without a word is the zero point.

    References
    ----------
    D. Achlioptas, "Database-friendly random projections", JCSS 2003.
    K. Weinberger, A. Dasgupta, J. Langford, A. Smola, J. Attenberg, "Feature hashing for large scale multitask
    learning", ICML 2009.

    Examples
    --------
    >>> from learnware.specification.encoders.text import HashedText
    >>> card, cards, weather = HashedText().encode(["my card was stolen", "Stolen cards!", "it rains in Paris"])
    >>> bool(card @ cards > 0.5 > card @ weather)
    True
    """

    id = "text-hash-1"
    data = "text"
    n_features = 384

    def _encode(self, samples: list[str], *, device: str | None, progress: bool | None) -> npt.NDArray[np.float64]:
        points = np.empty((len(samples), self.n_features))
        done = 0
        with progress_bar(desc="encoding texts", total=len(samples), leave=False, shown=bool(progress)) as bar:
            for texts in _batches(samples):
                points[done : done + len(texts)] = _points(texts, self.n_features)
                done += len(texts)
                bar.update(len(texts))
        return points


def _batches(samples: list[str]) -> Iterator[list[str]]:
    """Yield texts, cut and in one form, a bounded number of characters at a time."""
    batch: list[str] = []
    size = 0
    for sample in samples:
        # One letter can be written in several ways; compatibility forms such as full-width ones are the same letter.
        text = unicodedata.normalize("NFKC", sample[:_CHARACTERS_PER_TEXT]).lower()
        if batch and (size + len(text) > _CHARACTERS_AT_ONCE or len(batch) == _TEXTS_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch


def _points(texts: list[str], n_features: int) -> npt.NDArray[np.float64]:
    counts, words = _counted(texts)
    if not words:
        return np.zeros((len(texts), n_features))
    points = np.asarray((counts @ _hashed(words) @ _directions(n_features)).toarray())
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(points / np.where(lengths > 0, lengths, 1.0))


def _counted(texts: list[str]) -> tuple[Any, list[str]]:
    """Return the logarithmic counts of words as a sparse matrix, texts by words, and the words."""
    from scipy.sparse import csr_matrix

    places: dict[str, int] = {}
    columns: list[int] = []
    counts: list[int] = []
    starts = [0]
    for text in texts:
        found: dict[str, int] = {}
        for word in _WORD.findall(text):
            found[word] = found.get(word, 0) + 1
        columns.extend(places.setdefault(word[:_CHARACTERS_PER_WORD], len(places)) for word in found)
        counts.extend(found.values())
        starts.append(len(columns))
    values = 1.0 + np.log(np.array(counts, dtype=np.float64))
    return csr_matrix((values, columns, starts), shape=(len(texts), len(places))), list(places)


def _hashed(words: list[str]) -> Any:
    """Return each word and its parts as weights of buckets: a sparse matrix, words by buckets."""
    from scipy.sparse import diags
    from sklearn.feature_extraction import FeatureHasher
    from sklearn.feature_extraction.text import HashingVectorizer

    # The mark keeps the word "ing" apart from the ending.
    whole = FeatureHasher(_BUCKETS, input_type="string", alternate_sign=False).transform([[f"={w}"] for w in words])
    grams = HashingVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), lowercase=False, n_features=_BUCKETS, alternate_sign=False
    ).transform(words)
    told = np.clip((np.array([len(word) for word in words]) - 1.0) / 5.0, 0.1, 1.0)
    return diags(told) @ (np.sqrt(1.0 - _SHARE_OF_PARTS) * whole + np.sqrt(_SHARE_OF_PARTS) * grams)


@cache
def _directions(n_features: int) -> Any:
    """Return the direction of each bucket: a sparse matrix of signs, buckets by features."""
    from scipy.sparse import csr_matrix

    # Raw bits of a bit generator are the only random numbers that numpy promises never to change.
    raw = np.random.PCG64(20010207).random_raw(_BUCKETS * _SIGNS_PER_BUCKET)
    features = (raw % np.uint64(n_features)).astype(np.int32)
    signs = np.where(raw >> np.uint64(63), 1.0, -1.0) / np.sqrt(_SIGNS_PER_BUCKET)
    starts = np.arange(0, len(raw) + 1, _SIGNS_PER_BUCKET, dtype=np.int32)
    return csr_matrix((signs, features, starts), shape=(_BUCKETS, n_features))
