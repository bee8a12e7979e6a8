"""Texts and images of a user come to the model as it takes them, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learnware.bundle.samples import Arrays, Images, Texts
from learnware.errors import InvalidData

RNG = np.random.default_rng(0)


def test_texts_of_all_kinds_become_one_array() -> None:
    pandas = pytest.importorskip("pandas")
    texts = ["a", "", "é 字"]
    for given in (texts, tuple(texts), np.array(texts), np.array(texts, dtype=object), pandas.Series(texts, [2, 0, 1])):
        arranged = Texts().arrange(given)
        assert (arranged.dtype, arranged.shape, arranged.tolist()) == (object, (3,), texts)


def test_a_long_text_takes_no_room_for_the_others() -> None:
    assert Texts().arrange(["x" * 10**6] + ["y"] * 10_000).nbytes < 10**6


@pytest.mark.parametrize("wrong", ["text", [], [1], ["a", None], [["a"]], np.zeros((2, 2)), None, 3])
def test_what_are_no_texts_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidData, match="X must"):
        Texts().arrange(wrong)


@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 4, 5), (4, 3, 3), (3, 3, 3)])
def test_channels_are_found_at_either_end(shape: tuple[int, ...]) -> None:
    first = RNG.integers(0, 256, size=(6, *shape), dtype=np.uint8)
    last = np.moveaxis(first, 1, -1)
    for way in (Images(shape, "int"), Images(last.shape[1:], "int")):
        as_taken = first if way.shape == shape else last
        np.testing.assert_array_equal(way.arrange(as_taken), as_taken)
    if len(set(shape)) > 1:
        np.testing.assert_array_equal(Images(shape, "int").arrange(last), first)
        np.testing.assert_array_equal(Images(last.shape[1:], "int").arrange(first), last)


def test_an_axis_of_one_channel_comes_and_goes() -> None:
    grey = RNG.random((6, 4, 5), dtype=np.float32)
    forms = (grey, grey[:, None], grey[..., None])
    for form in forms:
        for given in forms:
            np.testing.assert_array_equal(Images(form.shape[1:], "float").arrange(given), form)


@pytest.mark.parametrize(
    ("pixels", "given"),
    [("int", np.zeros((2, 4, 5))), ("float", np.zeros((2, 4, 5), np.uint8)), ("int", np.zeros((2, 4, 5), bool))],
)
def test_numbers_of_another_kind_are_never_rescaled(pixels: str, given: Any) -> None:
    with pytest.raises(InvalidData, match=f"images of {pixels} values"):
        Images((4, 5), pixels).arrange(given)


@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 5, 4)), np.zeros((2, 2, 4, 5)), np.zeros((2, 20)), np.zeros((0, 4, 5)), ["a"], [[1.0], [2]]]
)
def test_images_of_another_size_are_refused(wrong: Any) -> None:
    with pytest.raises(InvalidData, match="X must"):
        Images((4, 5), "float").arrange(wrong)


@pytest.mark.parametrize("layout", [Images((4, 5), "float"), Arrays()])
def test_what_a_model_changes_is_not_the_users(layout: Any) -> None:
    given = np.zeros((2, 4, 5))
    layout.arrange(given)[:] = 1.0
    assert not given.any()


@pytest.mark.parametrize("wrong", [np.zeros(3), [[1], [1, 2]], [["a"]], np.zeros((0, 2))])
def test_models_of_arrays_take_arrays_of_numbers(wrong: Any) -> None:
    with pytest.raises(InvalidData, match="X must"):
        Arrays().arrange(wrong)
