"""What every encoder does, as one function that third parties run on theirs."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.errors import InvalidData
from learnware.specification import Encoder, Specification
from learnware.specification.encoders import read_samples
from learnware.specification.space import ENCODER_NAME
from learnware.testing.expecting import expect, refused

_TEXTS = (
    "Where is my card?",
    "where is my card",
    "It rains in Paris.",
    "Größe, größer, am größten",
    "卡片在哪里？",
    "one",
    " ",
    "a longer text, " * 40,
)


def check_encoder(encoder: Encoder, samples: Any = None, *, tolerance: float = 1e-4) -> None:
    """Check that an encoder keeps the contract of `learnware.specification.Encoder`.

    The point of a sample must depend on nothing but the sample: not on the call, on the samples around it or their
    order, or on the process. Anything else would compare specifications that cannot be compared.

    Parameters
    ----------
    encoder : Encoder
    samples : list of str, or array of images, optional
        At least 6 that the encoder takes; default: short and long texts, or coloured images of 32 by 32, of whole
        numbers and of floats.
    tolerance : float, default=1e-4
        Largest difference between two points of a sample, as a share of the largest number in a point.

    Raises
    ------
    AssertionError
        Says what was expected.

    Examples
    --------
    >>> from learnware.specification.encoders.text import HashedText
    >>> from learnware.testing import check_encoder
    >>> check_encoder(HashedText())
    """
    if not isinstance(encoder, Encoder):
        raise AssertionError(f"Expected an Encoder. Got {type(encoder).__name__}.")
    if encoder.data not in ("text", "image"):
        raise AssertionError(f"Expected data of 'text' or 'image'. Got {encoder.data!r}.")
    if not isinstance(encoder.id, str) or not ENCODER_NAME.fullmatch(encoder.id):
        raise AssertionError(f"Expected an id of letters, digits and . _ - / : in at most 100. Got {encoder.id!r}.")
    given = read_samples(_default(encoder.data) if samples is None else samples, encoder.data)
    if len(given) < 6:
        raise AssertionError(f"Expected at least 6 samples to check with. Got {len(given)}.")
    _check_points(encoder, given, tolerance)
    if samples is None and encoder.data == "image":
        _check_points(encoder, _floats(given), tolerance)
    _check_refusals(encoder)
    _check_specification(encoder, given)


def _default(data: str) -> Any:
    return list(_TEXTS) if data == "text" else np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)


def _floats(images: Any) -> npt.NDArray[np.float32]:
    """Return images of floats, some within 0 .. 1, so that a unit guessed from all of them is found out."""
    return np.concatenate([images[::2] / np.float32(255), images[1::2]], dtype=np.float32)


def _check_points(encoder: Encoder, samples: Any, tolerance: float) -> None:
    before = pickle.dumps(samples)
    points = encoder.encode(samples)
    room = tolerance * float(np.abs(points).max())

    def same(other: npt.NDArray[np.float64], told: str) -> None:
        if other.shape != points.shape or not np.abs(other - points).max() <= room:
            raise AssertionError(f"Expected the same points {told}. Largest difference: {_apart(other, points)}.")

    same(encoder.encode(samples), "when asked again")
    same(encoder.encode(samples[::-1])[::-1], "whatever the order of the samples")
    same(np.concatenate([encoder.encode(samples[i : i + 1]) for i in range(len(samples))]), "for one sample at a time")
    copy = pickle.loads(pickle.dumps(encoder))
    expect((copy.id, copy.data), (encoder.id, encoder.data))
    same(copy.encode(samples), "from a pickled copy of the encoder")
    if pickle.dumps(samples) != before:
        raise AssertionError("Expected the samples to be left as they are. They were modified.")
    if len(np.unique(points.round(12), axis=0)) < 2:
        raise AssertionError("Expected samples to differ in their points. All points are the same.")


def _apart(other: npt.NDArray[np.float64], points: npt.NDArray[np.float64]) -> str:
    return f"{np.abs(other - points).max():.3g}" if other.shape == points.shape else f"shape {other.shape}"


def _check_refusals(encoder: Encoder) -> None:
    wrong = ["one text", [], [1, 2], [["a"], ["b"]], None] if encoder.data == "text" else ["a", [], np.zeros((3, 3))]
    for X in wrong:
        with refused(InvalidData):
            encoder.encode(X)


def _check_specification(encoder: Encoder, samples: Any) -> None:
    specification = Specification.from_data(samples, data=encoder.data, encoder=encoder, random_state=0)
    rkme = specification.statistical
    expect(None if rkme is None else rkme.space.encoder, encoder.id)
    expect(Specification.from_json(specification.to_json()), specification)
