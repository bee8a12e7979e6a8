"""Which words of a large vocabulary may be one word with typing errors, told without reading them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Signatures = npt.NDArray[np.uint64]

# A bit for each kind of letter that occurs, one for each that occurs again, and the rest for the length.
_KINDS = 29
_LETTERS = 2 * _KINDS
_LONGEST = (1 << 64 - _LETTERS) - 1


def signature(word: str) -> int:
    """Return 64 bits of which a letter more, less or changed turns on one at most, and turns off one at most.

    Apart from those of the length. Letters in another order make no difference.

    Examples
    --------
    >>> signature("heart") == signature("haert"), signature("heart") == signature("hearth")
    (True, False)
    """
    once = twice = 0
    for letter in word:
        kind = 1 << ord(letter) % _KINDS
        twice |= once & kind
        once |= kind
    return once | twice << _KINDS | min(len(word), _LONGEST) << _LETTERS


def may_be(word: str, signatures: Signatures, n_edits: int) -> npt.NDArray[np.int64]:
    """Return the positions of signatures whose words may be `word` with so many typing errors.

    No other is, but most of these are not either: what they are made of is alike.

    Parameters
    ----------
    word : str
        Word of a question.
    signatures : ndarray of uint64 of shape (n_words,)
        Those of a vocabulary.
    n_edits : int
        Letters inserted, deleted, changed or swapped with a neighbour.

    Returns
    -------
    ndarray of int of shape (n_found,)
        Ascending.

    Examples
    --------
    >>> vocabulary = np.array([signature(other) for other in ("heart", "hearth", "disease", "earth")], np.uint64)
    >>> may_be("haert", vocabulary, 1).tolist()
    [0, 1, 3]
    """
    mine, letters = np.uint64(signature(word)), np.uint64((1 << _LETTERS) - 1)
    length = min(len(word), _LONGEST)
    shortest, longest = max(0, length - n_edits), min(_LONGEST, length + n_edits)
    lengths = signatures >> np.uint64(_LETTERS)
    near = np.flatnonzero((lengths >= shortest) & (lengths <= longest))
    near = near[_few_bits(mine & ~signatures[near] & letters, n_edits)]
    return near[_few_bits(~mine & signatures[near] & letters, n_edits)]


def _few_bits(numbers: Signatures, n_most: int) -> npt.NDArray[np.bool_]:
    """Tell which numbers have at most so many bits."""
    for _ in range(n_most):
        # Turns the lowest bit off.
        numbers = numbers & (numbers - np.uint64(1))
    few: npt.NDArray[np.bool_] = numbers == 0
    return few
