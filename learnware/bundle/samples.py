"""Put a user's texts or images into the form in which a model takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._optional import loaded
from learnware.errors import InvalidData


@dataclass(frozen=True)
class Samples:
    """What a model takes that is made for no table: texts, or arrays of numbers.

    Parameters
    ----------
    texts : bool
        Whether it takes texts.
    """

    texts: bool
    names: tuple[str, ...] = ()

    def arrange(self, X: Any) -> npt.NDArray[Any]:
        """Return the samples of X as an array in memory of its own.

        Parameters
        ----------
        X : list of str, or array or tensor of shape (n, ...)

        Returns
        -------
        ndarray of shape (n,) for texts, else (n, ...)

        Raises
        ------
        InvalidData
            X is empty, or not of the kind that the model takes.
        """
        torch = loaded("torch")
        if torch is not None and isinstance(X, torch.Tensor):
            X = X.detach().cpu().numpy()
        values = self._texts(X) if self.texts else _numbers(X)
        if len(values) == 0:
            raise InvalidData("X must have at least one sample. Got none.")
        return values

    def _texts(self, X: Any) -> npt.NDArray[Any]:
        if isinstance(X, str) or not all(isinstance(text, str) for text in X):
            raise InvalidData("X must be a list of texts, one for each sample.")
        return np.array(list(X), dtype=np.str_)


def _numbers(X: Any) -> npt.NDArray[Any]:
    try:
        values = np.array(X)
    except ValueError as error:
        raise InvalidData(f"X must be an array with samples of equal shape: {error}.") from error
    if values.ndim < 2 or values.dtype.kind not in "biuf":
        raise InvalidData(
            "X must be an array of numbers of shape (n_samples, ...). Got shape "
            f"{values.shape} and type {values.dtype}."
        )
    return values
