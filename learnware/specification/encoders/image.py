"""Images to points without learned weights: one fixed bank of random convolutions for everyone."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._progress import progress_bar
from learnware.errors import InvalidData
from learnware.specification.encoders.base import Encoder

Array = npt.NDArray[np.float64]

_SIDE, _PATCH, _FILTERS, _GRID = 32, 6, 64, 2
_THRESHOLD = 0.5
_SEED = 20010713
#: Least standard deviation of an image, in units of the pixel range, so that noise of a flat image is not blown up.
_LEAST_CONTRAST = 0.05
_BATCH_PIXELS = 2**22
_BATCH_IMAGES = 128
_CHANNELS = (1, 3, 4)


class RandomConvolutions(Encoder):
    r"""Describe images by the responses of fixed random filters, averaged over the quarters of the image.

    An image is resized to 32 x 32 RGB pixels and standardised. Of the responses :math:`r` to each of 64 filters of
    6 x 6 pixels, the positive and the negative parts beyond a threshold are averaged over a 2 x 2 grid,

    .. math:: \sqrt{\operatorname{mean} \max(r - t, 0)}, \quad \sqrt{\operatorname{mean} \max(-r - t, 0)},

    which makes 512 numbers. The filters are Gaussian noise, whitened by the covariance that patches of natural images
    have on average: it falls off exponentially with the distance of two pixels, and most of it is brightness. So each
    filter weighs edges and colours as much as slow changes of brightness, which would else hide them. Nothing is
    learned from data, and the filters are the same on every machine and under every version of numpy and torch.

    Images may have any size, the channels first or last: 1 (grey), 3 (red, green, blue) or 4 (the fourth, opacity, is
    passed over). If both the first and the last axis of an image could be the channels, the last one is. Pixels may be
    whole numbers 0 .. 255 (uint16: 0 .. 65535) or floats. An image of floats is taken for 0 .. 1 if none of its pixels
    is greater than 1, else for 0 .. 255, whatever the other images are: one of 0 .. 255 that is all but black is taken
    for bright, so pass such images as uint8.

    References
    ----------
    A. Coates, A. Y. Ng, H. Lee, "An Analysis of Single-Layer Networks in Unsupervised Feature Learning", AISTATS 2011.
    K. Jarrett, K. Kavukcuoglu, M. Ranzato, Y. LeCun, "What is the Best Multi-Stage Architecture for Object
    Recognition?", ICCV 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from learnware.specification.encoders.image import RandomConvolutions
    >>> images = np.random.default_rng(0).integers(0, 256, (2, 28, 28), dtype=np.uint8)
    >>> RandomConvolutions().encode(images).shape
    (2, 512)
    """

    id = "image-conv-1"
    data = "image"
    n_features = 2 * _FILTERS * _GRID * _GRID

    def _encode(self, samples: npt.NDArray[Any], *, device: str | None, progress: bool | None) -> Array:
        images, units = _channels_first(samples), _units(samples)
        n_pixels = int(np.prod(images.shape[1:]))
        size = max(1, min(_BATCH_IMAGES, _BATCH_PIXELS // n_pixels))
        points = np.empty((len(images), self.n_features))
        with progress_bar(total=len(images), desc="Encoding images", unit="image", leave=False, shown=progress) as bar:
            for start in range(0, len(images), size):
                rows = slice(start, start + size)
                points[rows] = _responses(np.asarray(images[rows], dtype=np.float32) / units[rows], device)
                bar.update(len(points[rows]))
        return points


def _channels_first(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a view of shape (n, channels, height, width)."""
    if 0 in images.shape:
        raise InvalidData(f"X must be images of at least one pixel. Got shape {images.shape}.")
    if images.ndim == 3:
        return images[:, None]
    if images.shape[3] in _CHANNELS:
        return np.moveaxis(images, 3, 1)
    if images.shape[1] in _CHANNELS:
        return images
    raise InvalidData(
        "X must have 1, 3 or 4 channels, as the last axis or as the one after the first. "
        f"Got shape {images.shape}: take the channels that make a grey or a coloured image."
    )


def _units(images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return the value of a fully lit pixel of each image, of shape (n, 1, 1, 1)."""
    least, most = float(images.min()), float(images.max())
    unit = 65535.0 if images.dtype == np.uint16 else 255.0
    if least < 0 or most > unit:
        raise InvalidData(
            f"X must have pixels from 0 to {unit:.0f}, or floats from 0 to 1. Got values from {least:g} to {most:g}: "
            "give the pixels as they were before they were normalised."
        )
    units = np.full((len(images), 1, 1, 1), unit, dtype=np.float32)
    # A point must not depend on the other images of the call.
    if images.dtype.kind in "bf":
        units[images.max(axis=tuple(range(1, images.ndim))) <= 1] = 1.0
    return units


def _responses(pixels: npt.NDArray[np.float32], device: str | None) -> Array:
    """Return the points of one batch of shape (n, channels, height, width) with pixels 0 .. 1."""
    import torch
    from torch.nn import functional

    # On a GPU convolutions are rounded to ten bits unless told otherwise, and points would differ between machines.
    exact = torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled, allow_tf32=False)
    with torch.no_grad(), exact:
        x = torch.from_numpy(pixels).to(device or "cpu")[:, :3]
        if x.shape[2:] != (_SIDE, _SIDE):
            x = functional.interpolate(x, size=(_SIDE, _SIDE), mode="bilinear", antialias=True, align_corners=False)
        x = x.expand(-1, 3, -1, -1)
        x = x - x.mean(dim=(1, 2, 3), keepdim=True)
        x = x / x.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp_min(_LEAST_CONTRAST)
        r = functional.conv2d(x, torch.from_numpy(_filters()).to(x.device))
        parts = [
            functional.adaptive_avg_pool2d((sign * r - _THRESHOLD).relu_(), _GRID).sqrt_().flatten(1)
            for sign in (1.0, -1.0)
        ]
        return torch.cat(parts, dim=1).double().cpu().numpy()


@lru_cache(maxsize=1)
def _filters() -> npt.NDArray[np.float32]:
    r"""Return the filters, of shape (64, 3, 6, 6): noise times :math:`(C + 0.02 I)^{-1/2}`, of unit response.

    C is the covariance of a patch: :math:`e^{-d/16}` for pixels at distance d, times the covariance of the colours.
    """
    rows, columns = np.divmod(np.arange(_PATCH**2), _PATCH)
    distances = np.hypot(rows[:, None] - rows, columns[:, None] - columns)
    colours = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
    # Brightness, blue against yellow, green against magenta: shares of the variance in natural images.
    variances = np.array([1.0, 0.06, 0.015])
    covariance = np.kron(colours.T @ np.diag(variances) @ colours, np.exp(-distances / 16.0))
    values, vectors = np.linalg.eigh(covariance)
    filters = _noise(_FILTERS, len(values)) @ (vectors / np.sqrt(values + 0.02)) @ vectors.T
    filters /= np.sqrt(np.einsum("ki,ij,kj->k", filters, covariance, filters))[:, None]
    return np.asarray(filters.reshape(_FILTERS, 3, _PATCH, _PATCH), dtype=np.float32)


def _noise(n_rows: int, n_columns: int) -> Array:
    """Return standard normal numbers that never change: numpy keeps its raw bits, not what it makes of them."""
    from scipy.special import ndtri

    bits = np.random.PCG64(_SEED).random_raw(n_rows * n_columns)
    uniform = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    return np.asarray(ndtri(uniform)).reshape(n_rows, n_columns)
