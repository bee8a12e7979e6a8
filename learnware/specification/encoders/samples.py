"""Read texts and images, of whatever library, without looking inside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._optional import loaded
from learnware.errors import InvalidData


def read_samples(X: Any, data: str) -> list[str] | npt.NDArray[Any]:
    """Return samples of `data` as a list of texts, or as one array of images.

    Parameters
    ----------
    X : list, tuple, array or series of str for texts; array or tensor of shape (n, ...) for images
    data : {"text", "image"}

    Raises
    ------
    InvalidData
        X is empty, or holds something else.
    """
    samples = read_texts(X) if data == "text" else read_images(X)
    if len(samples) == 0:
        raise InvalidData("X must have at least one sample. Got none.")
    return samples


def read_texts(X: Any) -> list[str]:
    """Return texts as a list of str."""
    if isinstance(X, str):
        raise InvalidData("X must be a list of texts, one for each sample. Got a single text: pass [text].")
    if getattr(X, "ndim", 1) != 1 or hasattr(X, "columns"):
        raise InvalidData("X must be a list of texts, one for each sample. Got a table: pass one column of it.")
    if not hasattr(X, "__len__") or not hasattr(X, "__getitem__") or isinstance(X, Mapping | bytes):
        # An iterator could be read only once, a set has no order.
        raise InvalidData(f"X must be a list of texts, one for each sample. Got {type(X).__name__}.")
    texts = X.tolist() if hasattr(X, "tolist") else list(X)
    odd = next((text for text in texts if not isinstance(text, str)), None)
    if odd is not None or None in texts:
        raise InvalidData(
            f"X must be a list of texts, one for each sample. Got {type(odd).__name__} among them: convert or drop it."
        )
    return texts


def read_images(X: Any) -> npt.NDArray[Any]:
    """Return images as one array of numbers of shape (n, height, width) or (n, ...) with three axes a sample."""
    torch = loaded("torch")
    if torch is not None and isinstance(X, torch.Tensor):
        X = X.detach().cpu().numpy()
    try:
        images = np.asarray(X)
    except ValueError as error:
        raise InvalidData(f"X must be images of one size, as one array: {error}. Resize them first.") from error
    if images.ndim not in (3, 4) or images.dtype.kind not in "biuf":
        raise InvalidData(
            "X must be an array of numbers of shape (n, height, width, channels), (n, channels, height, width) or "
            f"(n, height, width). Got shape {images.shape} and type {images.dtype}."
        )
    if 0 in images.shape[1:]:
        raise InvalidData(f"X must be images of at least one pixel. Got shape {images.shape}.")
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise InvalidData("X has pixels that are infinite or NaN. Replace them.")
    return images
