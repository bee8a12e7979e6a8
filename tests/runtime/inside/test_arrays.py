"""Arrays in memory: they come back bit by bit, and a header that does not add up is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from learnware.runtime.inside.arrays import ALIGNMENT, Packer, check, check_values, take
from learnware.runtime.inside.frames import WireError

DTYPES = st.sampled_from(
    [*(np.dtype(code) for code in "?bhilqBHILQefd"), "<U3", ">U2", ">i4", ">f8", "<M8[ns]", "<M8[25s]", "<m8[D]"]
).map(np.dtype)
ARRAYS = DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)))
SOUND = {"dtype": "<f8", "shape": [2, 3], "order": "C", "offset": 0, "nbytes": 48}


def there_and_back(*arrays: Any) -> list[Any]:
    packer = Packer()
    headers = [packer.add(array) for array in arrays]
    memory = bytearray(packer.nbytes)
    packer.write(memory)
    return [take(header, memory) for header in headers]


@settings(max_examples=300)
@given(st.lists(ARRAYS, max_size=4), st.booleans())
def test_arrays_come_back(arrays: list[Any], transposed: bool) -> None:
    arrays = [array.T if transposed else array for array in arrays]
    for array, back in zip(arrays, there_and_back(*arrays), strict=True):
        assert back.dtype == array.dtype
        assert back.shape == array.shape
        assert back.tobytes() == array.tobytes()


def test_the_order_in_memory_is_kept() -> None:
    rows = np.arange(12.0).reshape(3, 4)
    (columns,) = there_and_back(np.asfortranarray(rows))
    assert columns.flags.f_contiguous
    assert not columns.flags.c_contiguous


def test_views_are_packed_without_a_copy_of_the_whole() -> None:
    (back,) = there_and_back(np.arange(100).reshape(10, 10)[::3, ::-2])
    assert (back == np.arange(100).reshape(10, 10)[::3, ::-2]).all()


@pytest.mark.parametrize("array", [np.array([1j]), np.array([object()]), np.array([b"x"]), np.zeros(2, "i4,f8")])
def test_other_types_do_not_cross(array: Any) -> None:
    with pytest.raises(WireError, match="cannot cross"):
        Packer().add(array)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"dtype": "O"}, "cannot cross"),
        ({"dtype": "|O"}, "cannot cross"),
        ({"dtype": "<U0", "nbytes": 0}, "cannot cross"),
        ({"dtype": "<c16"}, "cannot cross"),
        ({"dtype": "f8, i4"}, "cannot cross"),
        ({"dtype": "<M8"}, "cannot cross"),
        ({"dtype": ["<f8"]}, "cannot cross"),
        ({"dtype": "<U9999999999"}, "cannot cross"),
        ({"dtype": "<M8[s]"}, "cannot come from there"),
        ({"shape": [2, -3]}, "a shape must be"),
        ({"shape": [2, True]}, "a shape must be"),
        ({"shape": [2, 3.0]}, "a shape must be"),
        ({"shape": "23"}, "a shape must be"),
        ({"shape": [1] * 9}, "a shape must be"),
        ({"shape": [2, 4]}, "does not have 48 bytes"),
        ({"shape": []}, "does not have 48 bytes"),
        ({"shape": [2**40, 2**40]}, "can exist"),
        ({"shape": [0, 2**46], "nbytes": 0}, "can exist"),
        ({"shape": [2**62, 2**2]}, "a shape must be"),
        ({"nbytes": 47}, "does not have 47 bytes"),
        ({"nbytes": -48}, "aligned place"),
        ({"offset": 8}, "aligned place"),
        ({"offset": -64}, "aligned place"),
        ({"offset": ALIGNMENT}, "ends outside"),
        ({"offset": 2**46}, "ends outside"),
        ({"offset": None}, "aligned place"),
        ({"order": "A"}, "an order"),
        ({"order": ["C"]}, "an order"),
        ({"further": 1}, "must be described by"),
    ],
)
def test_a_header_that_does_not_add_up(change: dict[str, Any], why: str) -> None:
    with pytest.raises(WireError, match=why):
        take({**SOUND, **change}, bytes(48), "biufU")


@pytest.mark.parametrize("header", [None, 1, [], "x", {}, {"dtype": "<f8"}])
def test_no_header(header: Any) -> None:
    with pytest.raises(WireError, match="must be described by"):
        check(header, "f")


def test_the_sound_header_is_sound() -> None:
    assert take(SOUND, bytes(48), "f").shape == (2, 3)


def test_values_that_are_none_of_their_type() -> None:
    with pytest.raises(WireError, match="0 or 1"):
        check_values(np.array([0, 2], np.uint8).view(bool))
    for order in "<>":
        text = np.array([0x41, 0x110000], f"{order}u4").view(f"{order}U1")
        with pytest.raises(WireError, match="characters that exist"):
            check_values(text)
        check_values(np.array(["ä", "\U0010ffff"], f"{order}U1"))
    check_values(np.array([True, False]))
    check_values(np.array([[]], "<U4"))


@settings(max_examples=1000)
@given(
    st.fixed_dictionaries(
        {
            "dtype": st.sampled_from(["<f8", "|b1", "<U2", "|O", "<M8[s]", 3, None]) | st.text(max_size=5),
            "shape": st.lists(st.integers(-1, 4) | st.integers(), max_size=4) | st.integers(),
            "order": st.sampled_from(["C", "F", "K", 0]),
            "offset": st.sampled_from([0, 64, 128]) | st.integers(),
            "nbytes": st.integers(0, 100) | st.integers(),
        }
    )
)
def test_no_header_raises_anything_else(header: dict[str, Any]) -> None:
    try:
        array = take(header, bytes(200), "biufU")
    except WireError:
        return
    assert array.nbytes == header["nbytes"]
