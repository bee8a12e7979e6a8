"""How much a word is like another one that continues it, or that a typing error made of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

#: A word of fewer letters is not continued by others.
LEAST_PREFIX = 3
#: What is continued has at least this share of the letters of the longer word.
LEAST_PREFIX_SHARE = 0.35

_PREFIX_LIKENESS = 0.85
_MOST_EDITS = 2


def likeness_of_continuations(word: str, lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    r"""Return :math:`0.85 \sqrt{|w| / |v|}` for words v that begin with the word w and go on.

    Parameters
    ----------
    word : str
        Word of a question.
    lengths : ndarray of int of shape (n_words,)
        Letters of the words that continue it.

    Returns
    -------
    ndarray of shape (n_words,)
        Likeness in (0, 0.85).

    Examples
    --------
    >>> likeness_of_continuations("shop", np.array([5, 8])).round(2).tolist()
    [0.76, 0.6]
    """
    likeness: npt.NDArray[np.float64] = _PREFIX_LIKENESS * np.sqrt(len(word) / lengths)
    return likeness


def allowed_edits(word: str) -> int:
    """Return how many typing errors a word may hold: none in short ones and numbers, one below eight letters, else two.

    Examples
    --------
    >>> [allowed_edits(word) for word in ("cat", "heart", "2024", "diabetes")]
    [0, 1, 0, 2]
    """
    if any(letter.isdigit() for letter in word) or len(word) < 4:
        return 0
    return 1 if len(word) < 8 else _MOST_EDITS


def edits(word: str, candidates: Sequence[str]) -> npt.NDArray[np.int64]:
    """Count letters to insert, delete, change or swap with a neighbour (optimal string alignment).

    All candidates are walked at once, and only near the diagonal: 3 stands for 3 or more.

    Parameters
    ----------
    word : str
        Word of a question.
    candidates : sequence of str
        Words to compare it with, of any length.

    Returns
    -------
    ndarray of int of shape (n_candidates,)
        0 to 3.

    Examples
    --------
    >>> edits("haert", ["heart", "hearts", "hat", "disease"]).tolist()
    [1, 2, 2, 3]
    """
    if not candidates:
        return np.empty(0, np.int64)
    # One row per position of a letter; shorter words end in zeros.
    letters = np.array(candidates).view(np.uint32).reshape(len(candidates), -1).T
    far = np.full((len(letters) + 1, len(candidates)), _MOST_EDITS + 1, np.int8)
    before, above = far, far.copy()
    above[: _MOST_EDITS + 1] = np.arange(_MOST_EDITS + 1)[: len(above), None]
    for i in range(1, len(word) + 1):
        row = far.copy()
        row[0] = min(i, _MOST_EDITS + 1)
        for j in range(max(1, i - _MOST_EDITS), min(len(letters), i + _MOST_EDITS) + 1):
            row[j] = _cell(word, letters, i, j, before, above, row)
        before, above = above, row
    lengths = np.fromiter(map(len, candidates), np.int64, len(candidates))
    return above[lengths, np.arange(len(candidates))].astype(np.int64)


def _cell(
    word: str,
    letters: npt.NDArray[np.uint32],
    i: int,
    j: int,
    before: npt.NDArray[np.int8],
    above: npt.NDArray[np.int8],
    row: npt.NDArray[np.int8],
) -> npt.NDArray[np.int8]:
    """Return the edits between the first i letters of the word and the first j of every candidate."""
    changed = above[j - 1] + (letters[j - 1] != ord(word[i - 1]))
    least = np.minimum(np.minimum(above[j], row[j - 1]) + 1, changed)
    if i > 1 and j > 1:
        swapped = (letters[j - 1] == ord(word[i - 2])) & (letters[j - 2] == ord(word[i - 1]))
        least = np.where(swapped, np.minimum(least, before[j - 2] + 1), least)
    bounded: npt.NDArray[np.int8] = np.minimum(least, _MOST_EDITS + 1)
    return bounded
