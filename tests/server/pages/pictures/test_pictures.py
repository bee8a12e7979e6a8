"""Pictures: well-formed XML of bounded size, the same for the same numbers, and telling the truth."""

from __future__ import annotations

from datetime import date, timedelta
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from learnware import RKME
from learnware.server.pages.pictures import (
    column_strips,
    day_bars,
    island_map,
    named_bars,
    point_cloud,
    principal_plane,
)
from learnware.server.pages.pictures.svg import amount, number, text
from learnware.specification.encoders.table import category_code
from learnware.specification.space import Column, Space

SVG = "{http://www.w3.org/2000/svg}"
_ANY = st.floats(allow_nan=True, allow_infinity=True)
_FINITE = st.floats(-1e6, 1e6)


def parsed(picture: str | None) -> ElementTree.Element:
    """Parse a picture; its title must say something."""
    assert picture is not None
    root = ElementTree.fromstring(picture)
    assert root.tag == SVG + "svg"
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"]
    assert not {"script", "style", "foreignObject"} & {e.tag.removeprefix(SVG) for e in root.iter()}
    assert not [name for e in root.iter() for name in e.attrib if name == "style" or name.startswith("on")]
    return root


def inside(root: ElementTree.Element, tag: str = "circle") -> list[tuple[float, float]]:
    """Return the places of the circles, which must be within the picture."""
    _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
    places = [(float(e.attrib["cx"]), float(e.attrib["cy"])) for e in root.iter(SVG + tag)]
    assert all(0 <= x <= width and 0 <= y <= height for x, y in places)
    return places


@given(arrays(np.float64, st.tuples(st.integers(1, 6), st.just(2)), elements=_ANY))
def test_cloud_of_whatever_points(plane: np.ndarray) -> None:
    root = parsed(point_cloud(plane, np.full(len(plane), 1 / len(plane)), title="Points"))
    assert len(inside(root)) == len(plane)


def test_heavier_points_are_larger() -> None:
    root = parsed(point_cloud(np.eye(3, 2), np.array([0.6, 0.3, 0.1]), title="Points"))
    sizes = [float(e.attrib["r"]) for e in root.iter(SVG + "circle")]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]


@given(
    arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=_FINITE),
    st.integers(0, 2**31),
)
def test_plane_keeps_what_can_be_kept(points: np.ndarray, seed: int) -> None:
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(points)))
    plane = principal_plane(points, weights)
    assert plane.shape == (len(points), 2)
    centred = points - weights @ points
    assert (plane**2).sum() <= (centred**2).sum() * (1 + 1e-6) + 1e-6
    np.testing.assert_allclose(weights @ plane, 0.0, atol=1e-3)
    np.testing.assert_allclose(plane, principal_plane(points, weights))


def test_plane_of_points_in_a_plane_keeps_their_distances() -> None:
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(20, 2))
    turned = flat @ np.linalg.qr(rng.normal(size=(5, 5)))[0][:2]
    plane = principal_plane(turned, np.full(20, 0.05))
    away = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    np.testing.assert_allclose(np.linalg.norm(plane[:, None] - plane[None], axis=2), away, atol=1e-9)


@given(arrays(np.float64, st.tuples(st.integers(0, 6), st.just(2)), elements=_ANY), st.text(max_size=80))
def test_map_of_whatever_names(xy: np.ndarray, name: str) -> None:
    ids = [f"id{i}" for i in range(len(xy))]
    root = parsed(island_map(ids, [name] * len(xy), xy, title="Map", mine=np.zeros(2), mine_title=name, chosen=ids[:1]))
    inside(root)
    assert len(list(root.iter(SVG + "a"))) == len(xy)


def test_map_links_its_dots() -> None:
    picture = island_map(["a1", "b2"], ["First", "Second"], np.eye(2), title="Map", chosen=["b2"])
    root = parsed(picture)
    links = {a.attrib["href"]: a[0] for a in root.iter(SVG + "a")}
    assert set(links) == {"/learnwares/a1", "/learnwares/b2"}
    assert links["/learnwares/b2"].attrib["class"] == "chosen"
    assert links["/learnwares/a1"][0].text == "First"
    assert [e.text for e in root.iter(SVG + "text")] == ["First", "Second"]


def test_names_on_a_map_do_not_cover_each_other() -> None:
    names = [f"A learnware of number {i}" for i in range(40)]
    root = parsed(island_map(names, names, np.random.default_rng(0).normal(size=(40, 2)) / 100, title="Map"))
    spots = [(float(e.attrib["x"]), float(e.attrib["y"]), e.attrib["text-anchor"]) for e in root.iter(SVG + "text")]
    assert 3 <= len(spots) <= 14
    for i, (x, y, anchor) in enumerate(spots):
        for other_x, other_y, other_anchor in spots[:i]:
            assert anchor != other_anchor or abs(y - other_y) >= 17.9 or abs(x - other_x) > 80


def test_one_far_learnware_does_not_hide_the_others() -> None:
    xy = np.vstack([np.random.default_rng(0).normal(size=(60, 2)), [[1e9, 1e9]]])
    ids = [str(i) for i in range(61)]
    places = np.array(inside(parsed(island_map(ids, ids, xy, title="Map"))))
    assert np.ptp(places[:, 0]) > 300
    assert np.ptp(np.sort(places[:, 0])[:-1]) > 200


def test_strips_tell_columns_ranges_and_categories() -> None:
    space = Space(
        (
            Column("age <b>", "number"),
            Column("day", "time", "datetime"),
            Column("place", "category", "str", ("Aa", "Bb")),
        )
    )
    codes = np.array([category_code("Aa")] * 3 + [category_code("Bb")])
    points = np.column_stack([[1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 2.0, 365.0], codes])
    root = parsed(column_strips(RKME(points, np.full(4, 0.25), space), title="Columns"))
    words = [e.text for e in root.iter(SVG + "text")]
    assert {"age <b>", "day", "place", "1", "4", "1970-01-01", "1971-01-01", "Aa", "Bb"} <= set(words)
    shares = [e.text for e in root.iter(SVG + "title")]
    assert shares == ["Aa: 75%", "Bb: 25%"]


def test_strips_leave_out_what_is_far_from_nearly_all() -> None:
    weights = np.array([0.001, *[0.0999] * 10])
    weights /= weights.sum()
    root = parsed(column_strips(RKME(np.r_[1e6, 0:10][:, None], weights), title="Columns"))
    assert [e.text for e in root.iter(SVG + "text")][1:] == ["0", "9"]


def test_constant_column_has_one_tick() -> None:
    root = parsed(column_strips(RKME(np.full((3, 1), 5.0), np.full(3, 1 / 3)), title="Columns"))
    assert [e.text for e in root.iter(SVG + "text")] == ["[0]", "5"]


@pytest.mark.parametrize("n_columns", [25, 100])
def test_wide_tables_have_no_strips(n_columns: int) -> None:
    assert column_strips(RKME(np.eye(3, n_columns), np.full(3, 1 / 3)), title="Columns") is None


def test_images_have_no_strips() -> None:
    space = Space.encoded("image", "image-conv-1", 4)
    assert column_strips(RKME(np.eye(3, 4), np.full(3, 1 / 3), space), title="Columns") is None


@given(st.lists(st.integers(0, 10**9), max_size=95))
def test_days_fit_whatever_happened(counts: list[int]) -> None:
    days = [(date(2026, 1, 1) + timedelta(days=i), n) for i, n in enumerate(counts)]
    root = parsed(day_bars(days, title="Days"))
    heights = [float(e.attrib["height"]) for e in root.iter(SVG + "rect")]
    assert len(heights) == len(counts)
    assert all(0 < height <= 150 for height in heights)


@given(st.dictionaries(st.text(max_size=40), st.integers(0, 10**9), max_size=30))
def test_names_have_bars_the_longest_first(amounts: dict[str, int]) -> None:
    root = parsed(named_bars(amounts, title="Names"))
    widths = [float(e.attrib["width"]) for e in root.iter(SVG + "rect")]
    assert widths == sorted(widths, reverse=True)
    assert len(widths) == min(20, len(amounts))


@given(st.text())
def test_text_is_xml(words: str) -> None:
    shown = ElementTree.fromstring(f"<a>{text(words)}</a>").text or ""
    assert len(shown) <= 60


def test_numbers_are_short() -> None:
    assert [number(v) for v in (1.0, -0.04, float("inf"))] == ["1", "-0", "0"]
    assert [amount(v) for v in (0.5, 12345.6, float("nan"))] == ["0.5", "12,346", "–"]
