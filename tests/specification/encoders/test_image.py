from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from learnware import RKME
from learnware.errors import InvalidData
from learnware.specification.encoders import image
from learnware.specification.encoders.base import FunctionEncoder, encoder_for
from learnware.specification.encoders.image import RandomConvolutions
from learnware.testing import check_encoder

ENCODER = RandomConvolutions()
FIRST_FILTER = [2.20747, -1.46971, 0.96273]
RINGS = [0.32978, 0.60847, 0.60926, 0.64887, 0.50946, 0.54229, 0.95672, 0.13999]


def pictures(n: int = 6, side: int = 32, seed: int = 0) -> np.ndarray:
    """Return smooth coloured images of shape (n, side, side, 3), uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((n, 4, 4, 3)).repeat(side // 4, axis=1).repeat(side // 4, axis=2)
    return np.asarray(255 * (0.8 * coarse + 0.2 * rng.random((n, side, side, 3)))).astype(np.uint8)


def gratings(n: int, vertical: float, seed: int) -> np.ndarray:
    """Return stripes, of which a share runs from top to bottom."""
    rng = np.random.default_rng(seed)
    wave = np.sin(np.arange(32)[None] * rng.uniform(0.6, 0.9, (n, 1)) + rng.uniform(0, 6, (n, 1)))
    stripes = np.broadcast_to(wave[:, None, :], (n, 32, 32))
    turned = np.where(np.arange(n)[:, None, None] < vertical * n, stripes, stripes.swapaxes(1, 2))
    return np.asarray(127 + 100 * turned + rng.normal(0, 20, turned.shape)).clip(0, 255).astype(np.uint8)


def test_contract() -> None:
    X = pictures()
    before = X.copy()
    points = ENCODER.encode(X)
    assert points.dtype == np.float64
    assert points.shape == (6, ENCODER.n_features) == (6, 512)
    assert isinstance(encoder_for("image"), RandomConvolutions)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_allclose(ENCODER.encode(X[3:4]), points[3:4], atol=1e-5)


def test_points_are_the_same_everywhere_and_for_good() -> None:
    filters = image._filters()
    np.testing.assert_allclose(filters[0, 0, 0, :3], FIRST_FILTER, atol=1e-5)
    row, column, channel = np.ogrid[:32, :32, 1:4]
    rings = (row * row + column * column * channel) // 4 % 256
    points = ENCODER.encode(rings[None].astype(np.uint8))[0]
    np.testing.assert_allclose(points[::64], RINGS, atol=1e-4)


def test_nothing_global_changes() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    threads, tf32 = torch.get_num_threads(), torch.backends.cudnn.allow_tf32
    torch.manual_seed(3)
    image._filters.cache_clear()
    ENCODER.encode(pictures())
    assert torch.equal(torch.rand(2), expected)
    assert (torch.get_num_threads(), torch.backends.cudnn.allow_tf32) == (threads, tf32)


@pytest.mark.parametrize(
    "same",
    [
        lambda X: X.transpose(0, 3, 1, 2),
        lambda X: torch.from_numpy(X),
        lambda X: torch.from_numpy(X).permute(0, 3, 1, 2),
        lambda X: X.astype(np.int64),
        lambda X: X.astype(np.uint16) * 257,
        lambda X: X.astype(np.float64),
        lambda X: X.astype(np.float32) / 255,
        lambda X: np.concatenate([X, np.full_like(X[..., :1], 9)], axis=3),
        lambda X: X[:, ::-1][:, ::-1],
    ],
    ids=["channels first", "tensor", "tensor first", "int64", "uint16", "float", "0 to 1", "opacity", "strides"],
)
def test_the_form_of_images_does_not_matter(same: Any) -> None:
    X = pictures()
    np.testing.assert_allclose(ENCODER.encode(same(X)), ENCODER.encode(X), atol=2e-4)


def test_grey_images() -> None:
    grey = pictures()[..., 0]
    expected = ENCODER.encode(np.repeat(grey[..., None], 3, axis=3))
    for X in (grey, grey[..., None], grey[:, None]):
        np.testing.assert_allclose(ENCODER.encode(X), expected, atol=1e-5)
    np.testing.assert_allclose(ENCODER.encode(grey > 100), ENCODER.encode((grey > 100) * np.uint8(255)), atol=1e-5)


def test_brightness_and_contrast_do_not_matter_but_pixels_do() -> None:
    X = pictures(2)
    points = ENCODER.encode(X)
    np.testing.assert_allclose(ENCODER.encode(X * 0.5 + 30.0), points, atol=1e-4)
    assert np.abs(points[0] - points[1]).max() > 0.1
    assert np.isfinite(ENCODER.encode(np.zeros((2, 32, 32, 3), dtype=np.uint8))).all()


def test_the_unit_of_floats_does_not_depend_on_the_other_images() -> None:
    X = pictures().astype(np.float32)
    X[::2] /= 255
    expected = ENCODER.encode(pictures())
    np.testing.assert_allclose(ENCODER.encode(X), expected, atol=2e-4)
    alone = np.concatenate([ENCODER.encode(X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_allclose(alone, expected, atol=2e-4)


def test_keeps_the_contract() -> None:
    check_encoder(ENCODER)


def guessing(images: Any) -> Any:
    return np.asarray(images, float).mean(axis=(1, 2)) / (1.0 if images.max() <= 1 else 255.0)


def test_an_encoder_that_guesses_the_unit_from_all_images_is_found_out() -> None:
    with pytest.raises(AssertionError, match="one sample at a time"):
        check_encoder(FunctionEncoder("guessing-1", "image", guessing))


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (32, 32), (64, 48), (224, 160)])
def test_any_size(shape: tuple[int, int]) -> None:
    assert ENCODER.encode(np.random.default_rng(0).random((2, *shape, 3))).shape == (2, 512)


def test_a_larger_copy_of_an_image_stays_near_it() -> None:
    X = pictures(8)
    large = ENCODER.encode(X.repeat(3, axis=1).repeat(3, axis=2))
    distances = np.linalg.norm(large[:, None] - ENCODER.encode(X)[None], axis=2)
    assert (distances.argmin(axis=1) == np.arange(8)).all()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 8, 8, 5)), "1, 3 or 4 channels"),
        (np.zeros((2, 0, 8, 3)), "at least one pixel"),
        (np.zeros((2, 8)), r"Got shape \(2, 8\)"),
        (np.full((2, 8, 8), -0.5), "before they were normalised"),
        (np.full((2, 8, 8), 300), "from 0 to 255"),
        (np.full((2, 8, 8), np.nan), "infinite or NaN"),
        (np.zeros((0, 8, 8)), "at least one sample"),
        (["a", "b"], "array of numbers"),
    ],
)
def test_refusals(X: Any, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        ENCODER.encode(X)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    respond = image._responses

    def spy(pixels: np.ndarray, device: str | None) -> np.ndarray:
        sizes.append(pixels.size)
        return respond(pixels[:1], device).repeat(len(pixels), axis=0)

    monkeypatch.setattr(image, "_responses", spy)
    ENCODER.encode(np.zeros((600, 32, 32, 3), dtype=np.uint8))
    ENCODER.encode(np.zeros((3, 1500, 1500), dtype=np.uint8))
    assert max(sizes) <= 2**22
    assert len(sizes) == 5 + 3


def test_specifications_tell_mixtures_apart() -> None:
    spec = [RKME.from_data(gratings(300, v, s), 30, data="image", random_state=0) for s, v in enumerate((0.8, 0.2))]
    user = RKME.from_data(gratings(300, 0.7, 9), 30, data="image", random_state=0)
    assert user.space.encoder == "image-conv-1"
    assert 2 * user.distance(spec[0]) < user.distance(spec[1])
