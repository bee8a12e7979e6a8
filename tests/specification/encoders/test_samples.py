"""Texts and images of whatever library, and what is neither."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from learnware.errors import InvalidData
from learnware.specification.encoders import n_samples_of, read_samples

TEXTS = ["one", "", "three"]


@pytest.mark.parametrize(
    "X",
    [
        TEXTS,
        tuple(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        pd.Series(TEXTS),
        pd.Series(TEXTS, dtype=object, index=[2, 2, 7]),
        pd.Series(TEXTS, dtype="category"),
        pd.Index(TEXTS),
        pl.Series(TEXTS),
    ],
    ids=lambda X: type(X).__name__,
)
def test_texts_of_any_library(X: Any) -> None:
    assert read_samples(X, "text") == TEXTS


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("one", r"single text: pass \[text\]"),
        ([], "at least one sample"),
        (np.array([]), "at least one sample"),
        (3, "Got int"),
        (None, "Got NoneType"),
        (["one", None], "Got NoneType among them"),
        (["one", 2], "Got int among them"),
        ([b"one"], "Got bytes among them"),
        (pd.Series(["one", None]), "among them"),
        (pd.Series(["one", pd.NA], dtype="string"), "Got NAType among them"),
        (pd.DataFrame({"text": TEXTS}), "pass one column"),
        (pl.DataFrame({"text": TEXTS}), "pass one column"),
        (np.array([TEXTS]), "pass one column"),
        ({"one": 1}, "Got dict"),
        ({"one"}, "Got set"),
        (iter(TEXTS), "Got list_iterator"),
        (b"one", "Got bytes"),
    ],
)
def test_what_is_no_list_of_texts(X: Any, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        read_samples(X, "text")


@pytest.mark.parametrize("shape", [(2, 8, 8), (2, 8, 8, 3), (2, 3, 8, 8), (2, 8, 8, 1)])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "bool"])
def test_images_of_any_library(shape: tuple[int, ...], dtype: str) -> None:
    images = np.ones(shape, dtype=dtype)
    for X in (images, torch.from_numpy(images), list(images)):
        read = read_samples(X, "image")
        assert (read.shape, read.dtype) == (shape, images.dtype)  # type: ignore[union-attr]
    assert read_samples(images, "image") is images
    assert n_samples_of(images, "image") == 2


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((0, 8, 8)), "at least one sample"),
        (np.zeros((8, 8)), r"Got shape \(8, 8\)"),
        (np.zeros((2, 0, 8)), "at least one pixel"),
        (np.zeros((1, 2, 3, 4, 5)), "Got shape"),
        (np.full((2, 8, 8), np.nan), "infinite or NaN"),
        (np.full((2, 8, 8), "a"), "type <U1"),
        (np.zeros((2, 8, 8), complex), "type complex128"),
        ([np.zeros((8, 8)), np.zeros((9, 8))], "images of one size"),
        ("image.png", "Got shape"),
        (None, "Got shape"),
    ],
)
def test_what_is_no_array_of_images(X: Any, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        read_samples(X, "image")
