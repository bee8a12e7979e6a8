"""The sketches of many learnwares as one matrix, and its products with those of users."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

#: Numbers in the sketch of a specification.
N_SKETCH = 256

#: Up to so many rows a copy in single precision is kept, which numpy multiplies faster than anything multiplies halves.
MOST_PLAIN = 2**17
_AT_ONCE = 2**14

Singles = npt.NDArray[np.float32]


class Sketches:
    """A matrix in half precision, of which the first rows are used and more may be appended.

    Parameters
    ----------
    half : ndarray of float16 of shape (capacity, n_features)
        What is kept; its rows never change once they have been used.

    Notes
    -----
    A million sketches of 256 numbers are multiplied with a vector in some 20 ms by two cores, by torch, which computes
    with halves; numpy would turn each into a single first, which takes ten times as long. So of a matrix that is small
    enough a copy in single precision is kept, and torch is not even loaded.
    """

    def __init__(self, half: npt.NDArray[np.float16]) -> None:
        self.half = half
        self._plain = np.empty((0, half.shape[1]), np.float32)
        self._n_plain = 0
        self._lock = Lock()

    def rows(self, rows: npt.NDArray[np.intp] | slice) -> Singles:
        """Return some rows in single precision."""
        return self.half[rows].astype(np.float32)

    def products(self, n_rows: int, vector: Singles) -> Singles:
        """Return the inner products of the first `n_rows` rows with a vector."""
        if n_rows <= MOST_PLAIN:
            return np.asarray(self._first(n_rows) @ vector)
        import torch

        products = torch.from_numpy(self.half[:n_rows]) @ torch.from_numpy(vector).half()
        return np.asarray(products.float().numpy())

    def products_with(self, n_rows: int, vectors: Singles) -> Singles:
        """Return the inner products of the first `n_rows` rows with several vectors, of shape (n_vectors, n_rows)."""
        if n_rows <= MOST_PLAIN:
            return np.asarray(vectors @ self._first(n_rows).T)
        import torch

        found = np.empty((len(vectors), n_rows), np.float32)
        for start in range(0, n_rows, _AT_ONCE):
            here = slice(start, min(n_rows, start + _AT_ONCE))
            singles: Any = torch.from_numpy(self.half[here]).float().numpy()
            np.matmul(vectors, singles.T, out=found[:, here])
        return found

    def _first(self, n_rows: int) -> Singles:
        with self._lock:
            if self._n_plain < n_rows:
                if len(self._plain) < n_rows:
                    self._plain = _with_room(self._plain, n_rows, len(self.half))
                new = slice(self._n_plain, n_rows)
                self._plain[new] = self.half[new]
                self._n_plain = n_rows
            return self._plain[:n_rows]


def _with_room(rows: Singles, n_rows: int, most: int) -> Singles:
    grown = np.empty((min(most, max(n_rows, 2 * len(rows))), rows.shape[1]), np.float32)
    grown[: len(rows)] = rows
    return grown
