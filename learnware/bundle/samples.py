"""Put a user's texts or images into the form in which a model takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._optional import loaded
from learnware.errors import InvalidData
from learnware.specification.encoders import read_samples

Array = npt.NDArray[Any]
#: What a model may take in an image, by the kinds of types of numpy.
PIXELS = {"b": "bool", "i": "int", "u": "int", "f": "float"}
_CHANNELS = (1, 3, 4)
_ADVICE = {
    "bool": "Pass truth values, such as X > threshold.",
    "int": "If X lies between 0 and 1, pass (X * 255).round().astype('uint8').",
    "float": "If the model was made for values between 0 and 1, pass X / 255.",
}


@dataclass(frozen=True)
class Texts:
    """How a model takes texts: as they are."""

    names: tuple[str, ...] = ()

    def arrange(self, X: Any) -> Array:
        """Return texts as an array of str objects.

        Parameters
        ----------
        X : list, tuple, array or series of str

        Returns
        -------
        ndarray of object of shape (n,)

        Raises
        ------
        InvalidData
            X is empty, or holds something else.
        """
        # Arrays of numpy's own text type give every text the room of the longest.
        texts = read_samples(X, "text")
        values = np.empty(len(texts), dtype=object)
        values[:] = texts
        return values


@dataclass(frozen=True)
class Images:
    """How a model takes images.

    Parameters
    ----------
    shape : tuple of int
        (height, width), (channels, height, width) or (height, width, channels).
    pixels : {"bool", "int", "float"}
        Kind of the numbers. One kind is never turned into another: nobody could tell whether 1 is white or nearly
        black.
    """

    shape: tuple[int, ...]
    pixels: str
    names: tuple[str, ...] = ()

    def arrange(self, X: Any) -> Array:
        """Return images with their axes in the model's order, as an array of its own memory.

        Channels are moved from the last axis to the first, or back, and an axis of one channel is added or left out,
        where the model's shape asks for it.

        Parameters
        ----------
        X : array or tensor of shape (n, ...)

        Returns
        -------
        ndarray of shape (n, *shape)

        Raises
        ------
        InvalidData
            X is empty, no images, or of another size or kind of numbers.
        """
        images = np.asarray(read_samples(X, "image"))
        kind = PIXELS[images.dtype.kind]
        if kind != self.pixels:
            raise InvalidData(
                f"X must hold images of {self.pixels} values, as the model was made for. Got {images.dtype}. "
                f"{_ADVICE[self.pixels]}"
            )
        for arranged in _orders(images):
            if arranged.shape[1:] == self.shape:
                return np.array(arranged, order="C")
        raise InvalidData(
            f"X must hold images of shape {self.shape}, or that with the channels at the other end. Got "
            f"{images.shape[1:]}: resize or crop them."
        )


def _orders(images: Array) -> list[Array]:
    """Return the ways to read images: as they are, and with the axis of channels elsewhere."""
    if images.ndim == 3:
        return [images, images[:, None], images[..., None]]
    found = [images]
    if images.shape[-1] in _CHANNELS:
        found.append(np.moveaxis(images, -1, 1))
    if images.shape[1] in _CHANNELS:
        found.append(np.moveaxis(images, 1, -1))
    return found + [images.squeeze(axis) for axis in (1, -1) if images.shape[axis] == 1]


@dataclass(frozen=True)
class Arrays:
    """How a model of Beimingwu takes what is neither table nor text: as arrays of whatever shape."""

    names: tuple[str, ...] = ()

    def arrange(self, X: Any) -> Array:
        """Return the samples of X as an array in memory of its own.

        Parameters
        ----------
        X : array or tensor of shape (n, ...)

        Returns
        -------
        ndarray of shape (n, ...)

        Raises
        ------
        InvalidData
            X is empty, or no array of numbers.
        """
        torch = loaded("torch")
        if torch is not None and isinstance(X, torch.Tensor):
            X = X.detach().cpu().numpy()
        try:
            values = np.array(X)
        except ValueError as error:
            raise InvalidData(f"X must be an array with samples of equal shape: {error}.") from error
        if values.ndim < 2 or values.dtype.kind not in "biuf":
            raise InvalidData(
                "X must be an array of numbers of shape (n_samples, ...). Got shape "
                f"{values.shape} and type {values.dtype}."
            )
        if len(values) == 0:
            raise InvalidData("X must have at least one sample. Got none.")
        return values
