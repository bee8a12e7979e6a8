"""Why a hit is near or far: columns, the way they go together, and what is covered."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from learnware import RKME, Market, Specification
from learnware.errors import IncomparableSpaces, InvalidParameter, NoLearnwares
from learnware.kernels import GaussianKernel, squared_mmd
from learnware.market import Explanation
from learnware.market.explanation import explain
from learnware.market.explanation.coverage import _lacking
from learnware.market.explanation.noise import Noise
from learnware.market.result import Hit, Mixture
from learnware.specification import Frame, SemanticSpecification
from learnware.specification.encoders.table import category_code
from learnware.testing import make_learnware


def table(seed, n=800, price=12.0, spread=1.0, red=0.1, together=0.0):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, n))
    return pd.DataFrame(
        {
            "first": first,
            "second": together * first + np.sqrt(1.0 - together**2) * second,
            "price": rng.normal(price, 2.0, n),
            "size": spread * rng.normal(size=n),
            "colour": rng.choice(["red", "green", "blue"], n, p=[red, 0.6 - red / 2, 0.4 - red / 2]),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), "D"),
        }
    )


def rkme(X):
    return RKME.from_data(X, random_state=0)


def alone(query, theirs):
    return explain(query, [("Theirs", 1.0, theirs)])


@pytest.fixture(scope="module")
def mine():
    return rkme(table(1))


@pytest.mark.parametrize(
    ("change", "column", "said"),
    [
        ({"price": 15.0}, "price", "shifted by 1.5 spreads, yours 12"),
        ({"price": 90.0}, "price", "spreads, yours 12"),
        ({"spread": 4.0}, "size", "times yours"),
        ({"red": 0.7}, "colour", "'red' is "),
    ],
)
def test_the_column_that_differs_comes_first_by_far(mine, change, column, said):
    found = alone(mine, rkme(table(2, **change)))
    assert found.features[0].name == column
    assert found.features[0].share > 0.8
    assert found.features[1].share < 0.1
    assert f"Differs most in {column!r}" in str(found)
    assert said in str(found)


def test_two_columns_share_the_distance(mine):
    found = alone(mine, rkme(table(2, price=15.0, red=0.7)))
    assert {feature.name for feature in found.features[:2]} == {"price", "colour"}
    assert found.features[1].share > 0.2
    assert sum(feature.share for feature in found.features) + found.joint == pytest.approx(1.0)


def test_numbers_are_in_raw_units(mine):
    found = {f.name: f for f in alone(mine, rkme(table(2, price=18.0, spread=3.0, red=0.7))).features}
    price, size, colour, day = (found[name] for name in ("price", "size", "colour", "day"))
    assert (price.yours, price.theirs) == pytest.approx((12.0, 18.0), abs=0.3)
    assert (price.your_spread, price.their_spread) == pytest.approx((2.0, 2.0), rel=0.1)
    assert price.shift == pytest.approx(3.0, abs=0.3)
    assert size.their_spread / size.your_spread == pytest.approx(3.0, rel=0.1)
    assert colour.category == "red"
    assert (colour.yours, colour.theirs) == pytest.approx((0.1, 0.7), abs=0.15)
    assert (colour.shift, colour.your_spread) == (None, None)
    assert day.yours == pytest.approx((pd.Timestamp("2024-05-29") - pd.Timestamp(0)).days, abs=15)


def test_shares_are_marginal_distances_less_noise():
    rng = np.random.default_rng(0)
    user, theirs = rkme(rng.normal(size=(500, 3))), rkme(rng.normal([0.3, 1.0, 0.0], [1.0, 1.0, 2.0], (500, 3)))
    frame, found = Frame.pool([user, theirs]), alone(user, theirs)
    parts = []
    for j in range(3):
        U, H = (frame.apply(r.points)[:, [j]] for r in (user, theirs))
        gram = frame.kernel(np.concatenate([U, H]), np.concatenate([U, H]))
        signed = np.concatenate([user.weights, -theirs.weights])
        noise = sum((1.0 - r.weights @ frame.kernel(P, P) @ r.weights) / 500 for r, P in ((user, U), (theirs, H)))
        parts.append(max(0.0, signed @ gram @ signed - noise))
    told = {f.name: f.share for f in found.features}
    expected = (1.0 - found.joint) * np.array(parts) / np.sum(parts)
    np.testing.assert_allclose([told[f"x{j}"] for j in range(3)], expected, atol=1e-9)
    assert found.distance == pytest.approx(user.distance(theirs))


def test_what_no_column_explains_is_told():
    found = alone(rkme(table(1)[["first", "second"]]), rkme(table(2, together=0.97)[["first", "second"]]))
    assert found.joint > 0.7
    assert "lies in no single column" in str(found)
    turned = alone(rkme(table(1, together=0.97)), rkme(table(2, together=0.97, price=18.0)))
    assert turned.joint < 0.1


def test_categories_that_go_with_other_values_are_joint():
    rng = np.random.default_rng(0)
    value = rng.normal(size=1000)
    sign = np.where(value > 0.0, "up", "down")
    tied = pd.DataFrame({"value": value, "sign": sign})
    loose = pd.DataFrame({"value": rng.normal(size=1000), "sign": rng.permutation(sign)})
    assert alone(rkme(tied), rkme(loose)).joint > 0.7
    mostly_up = pd.DataFrame({"value": rng.normal(size=1000), "sign": rng.choice(["up", "down"], 1000, p=[0.9, 0.1])})
    found = alone(rkme(loose), rkme(mostly_up))
    assert found.joint < 0.2
    assert found.features[0].name == "sign"
    one, other = (rkme(tied.assign(price=rng.normal(price, 1.0, 1000))) for price in (0.0, 4.0))
    assert alone(one, other).joint < 0.1


@pytest.mark.parametrize("d", [1, 3, 10, 30])
def test_two_samples_of_one_distribution_have_nothing_to_explain(d):
    rng = np.random.default_rng(10 + d)
    found = alone(rkme(rng.normal(size=(300, d))), rkme(rng.normal(size=(600, d))))
    assert found.coverage > 0.9
    assert "hardly more than sampling" in str(found)


def test_the_same_is_covered_whole_and_does_not_differ(mine):
    found = alone(mine, mine)
    assert found.distance < 1e-7
    assert found.coverage == 1.0
    assert found.uncovered() == ()
    assert found.joint == 0.0


@pytest.mark.parametrize("d", [1, 2, 12])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_half_of_the_data_is_covered_by_who_has_half(d, share):
    rng = np.random.default_rng(d)
    known, unknown = int(1000 * share), 1000 - int(1000 * share)
    away = 8.0 * np.eye(d)[0]
    mixed = np.concatenate([rng.normal(size=(known, d)), rng.normal(size=(unknown, d)) + away])
    found = alone(rkme(mixed), rkme(rng.normal(size=(700, d))))
    assert found.coverage == pytest.approx(share, abs=0.08)
    first = found.query.points[:, 0]
    assert found.covered[first > 6.0].max() < 0.5 < found.covered[first < 2.0].min()
    assert all(point.values["x0"] > 5.0 for point in found.uncovered(5))


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0, 3.0])
def test_coverage_is_the_overlap_of_distributions(shift):
    rng = np.random.default_rng(0)
    found = alone(rkme(rng.normal(size=(5000, 1))), rkme(rng.normal(shift, 1.0, (5000, 1))))
    assert found.coverage == pytest.approx(2.0 * norm.cdf(-shift / 2.0), abs=0.07)


def test_a_wider_learnware_covers_in_part():
    rng = np.random.default_rng(0)
    narrow, wide = rkme(rng.normal(size=(1000, 1))), rkme(rng.normal(0.0, 5.0, (1000, 1)))
    assert 0.2 < alone(narrow, wide).coverage < 0.5


def test_few_rows_compare_with_many():
    # The points of few rows lie far closer together than the rows do.
    rng = np.random.default_rng(0)
    few, many = rkme(rng.normal(size=(150, 20))), rkme(rng.normal(size=(3000, 20)))
    assert np.square(few.points).mean() < 0.6
    assert alone(few, many).coverage > 0.9
    assert alone(many, few).coverage > 0.9


def test_points_of_categories_lack_the_spread_of_codes():
    X = pd.DataFrame({"colour": ["red", "green", "blue", None] * 50})
    embedding = rkme(X)
    mean = embedding.weights @ embedding.points
    variance = (embedding.weights @ (embedding.points - mean) ** 2).sum()
    # Three codes of length one and a zero, in equal parts.
    codes = np.array([category_code(value) for value in ("red", "green", "blue")])
    expected = 0.75 - np.square(0.25 * codes.sum(axis=0)).sum()
    assert variance + _lacking(embedding).sum() == pytest.approx(expected, abs=0.02)
    coarse = RKME(mean[None, :], [1.0], embedding.space, embedding.location, embedding.scale)
    assert _lacking(coarse).sum() == pytest.approx(expected, abs=0.02)


def test_a_column_that_varies_nowhere_in_yours():
    rng = np.random.default_rng(0)
    flat = np.column_stack([np.full(300, 100.0), rng.normal(size=300)])
    near = np.column_stack([rng.normal(100.0, 20.0, 300), rng.normal(size=300)])
    far = np.column_stack([rng.normal(500.0, 20.0, 300), rng.normal(size=300)])
    assert alone(rkme(flat), rkme(near)).coverage > 0.1
    assert alone(rkme(flat), rkme(far)).coverage < 0.05
    first = alone(rkme(flat), rkme(np.column_stack([np.full(300, 7.0), rng.normal(size=300)]))).features[0]
    assert (first.name, first.shift) == ("x0", None)
    lone = alone(rkme(np.ones((9, 1))), rkme(np.full((9, 1), 2.0)))
    assert lone.coverage < 0.5
    assert str(lone).startswith("Explains")


def test_uncovered_points_are_rows_of_the_table(mine):
    half = pd.concat([table(3, 400), table(4, 400, price=40.0, red=0.8)])
    found = alone(rkme(half), rkme(table(5)))
    points = found.uncovered(4)
    assert len(points) == 4
    lacking = [point.weight * (1.0 - point.covered) for point in points]
    assert lacking == sorted(lacking, reverse=True)
    for point in points:
        assert list(point.values) == list(half.columns)
        assert point.values["price"] > 30.0
        assert point.values["colour"] in {"red", "green", "blue"}
        assert pd.Timestamp("2023-12-01") < point.values["day"] < pd.Timestamp("2024-12-31")
        assert point.covered < 0.5
    assert str(points[0]).endswith(f"({points[0].weight:.0%} of your data)")
    assert "Not covered: about 4" in str(found) or "Not covered: about 5" in str(found)
    assert "around price=" in str(found)
    with pytest.raises(InvalidParameter, match="'n' parameter of Explanation.uncovered"):
        found.uncovered(0)


def test_a_mixture_tells_which_member_covers_what():
    half = pd.concat([table(3, 600), table(4, 200, price=40.0)])
    members = [("Cheap", 0.75, rkme(table(5))), ("Dear", 0.25, rkme(table(6, price=40.0)))]
    found = explain(rkme(half), members)
    assert found.coverage > 0.9
    cheap, dear = found.members
    prices = found.query.points[:, 2]
    assert cheap.covered[prices < 20.0].min() > 0.5 > dear.covered[prices < 20.0].max()
    assert dear.covered[prices > 30.0].min() > 0.5 > cheap.covered[prices > 30.0].max()
    np.testing.assert_allclose(cheap.covered + dear.covered, found.covered)
    assert "'Cheap' covers 7" in str(found)
    price = next(feature for feature in found.features if feature.name == "price")
    assert (price.theirs, price.their_spread) == pytest.approx((price.yours, price.your_spread), rel=0.1)
    assert found.distance < explain(rkme(half), [("Cheap", 1.0, members[0][2])]).distance / 1.5


def test_columns_are_matched_by_name_and_others_left_aside(mine):
    theirs = rkme(table(2, price=18.0)[["colour", "price", "first"]])
    found = alone(mine, theirs)
    assert {feature.name for feature in found.features} == {"colour", "price", "first"}
    assert found.features[0].name == "price"
    assert found.unseen == ("second", "size", "day")
    assert "'second', 'size', 'day' play no part" in str(found)
    with pytest.raises(IncomparableSpaces, match="different columns"):
        alone(theirs, mine)


def test_names_come_from_the_side_that_has_them():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    bare, named = rkme(X), rkme(pd.DataFrame(X + np.array([3.0, 0.0]), columns=["age", "income"]))
    assert [alone(*pair).features[0].name for pair in ((bare, named), (named, bare))] == ["age", "age"]
    assert alone(bare, rkme(X + np.array([0.0, 3.0]))).features[0].name == "x1"


def test_of_texts_only_coverage_is_told():
    cards = [f"my card was stolen {i}" for i in range(150)]
    games = [f"football match won by team {i}" for i in range(150)]
    both, some = (RKME.from_data(X, data="text", random_state=0) for X in (cards + games, cards))
    found = alone(both, some)
    assert found.features == ()
    assert 0.3 < found.coverage < 0.8
    assert found.uncovered(1)[0].values == {}
    assert str(found.uncovered(1)[0]).startswith("point ")
    assert "cannot be shown" in str(found)
    assert list(found.to_frame().columns) == ["weight", "covered"]
    assert "<table>" not in found._repr_html_()


def test_it_shows_itself_in_full_and_escaped():
    X = table(1).rename(columns={"price": "<b>price</b>"})
    found = alone(rkme(X), rkme(table(2, price=30.0).rename(columns={"price": "<b>price</b>"})))
    page = found._repr_html_()
    assert "&lt;b&gt;price" in page
    assert "<b>price" not in page
    assert "Not covered" in page
    assert repr(found).startswith("Explanation(coverage=")
    assert found.to_frame()["name"].iloc[0] == "<b>price</b>"
    assert len(found.to_frame()) == 6
    content = json.loads(json.dumps(found.to_dict()))
    assert content["features"][0]["name"] == "<b>price</b>"
    assert content["members"] == [{"name": "Theirs", "weight": 1.0, "coverage": pytest.approx(found.coverage)}]


def test_plot(mine):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    axes = alone(mine, rkme(table(2))).plot()
    assert len(axes.patches) == 7
    _, given_axes = pyplot.subplots()
    texts = RKME.from_data(["one two", "three"] * 10, data="text", random_state=0)
    assert alone(texts, texts).plot(given_axes) is given_axes
    assert len(given_axes.patches) == 1
    pyplot.close("all")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 3))
def test_shares_and_coverage_are_shares(seed, d, n_members):
    rng = np.random.default_rng(seed)

    def any_rkme():
        n = int(rng.integers(1, 8))
        return RKME(rng.normal(size=(n, d)) * 10.0 ** rng.integers(-3, 4), rng.dirichlet(np.ones(n)))

    weights = rng.dirichlet(np.ones(n_members))
    found = explain(any_rkme(), [(str(i), w, any_rkme()) for i, w in enumerate(weights)])
    shares = [feature.share for feature in found.features]
    assert min(shares) >= 0.0
    assert sum(shares) + found.joint == pytest.approx(1.0) or found.distance < 1e-6
    assert 0.0 <= found.joint <= 1.0
    assert ((found.covered >= 0.0) & (found.covered <= 1.0)).all()
    assert 0.0 <= found.coverage <= 1.0 + 1e-9
    assert str(found)


def test_noise_is_that_of_resampled_rows():
    rng = np.random.default_rng(0)
    points, weights, kernel = rng.normal(size=(12, 2)), rng.dirichlet(np.ones(12)), GaussianKernel((0.5, 2.0))
    noise = Noise.of(kernel(points, points), weights, 50)
    drawn = rng.multinomial(50, weights, size=20_000) / 50
    seen = np.array([squared_mmd(kernel, points, weights, points, w) for w in drawn[:4000]])
    assert noise.mean == pytest.approx(seen.mean(), rel=0.05)
    assert noise.variance == pytest.approx(seen.var(), rel=0.15)
    assert np.mean(seen > noise.bound) < 0.08


@pytest.fixture(scope="module")
def result():
    market = Market.open()
    market.submit([make_learnware(), make_learnware("Near", 0.5), make_learnware("Far", 9.0)], progress=False)
    return market.search(Specification(statistical=make_learnware("x", 0.3).specification.statistical))


def test_hits_and_mixtures_explain_themselves(result):
    for hit in result.hits:
        found = hit.explain()
        assert isinstance(found, Explanation)
        assert found.query is hit.query
        assert found.members[0].name == hit.name
    near, far = (next(h for h in result.hits if h.name == name).explain() for name in ("Near", "Far"))
    assert far.coverage < 0.1 < near.coverage
    whole = result.mixture.explain()
    assert [member.name for member in whole.members] == [hit.name for hit in result.mixture.hits]
    assert pickle.loads(pickle.dumps(result.hits[0])).explain().coverage == result.hits[0].explain().coverage


def test_what_cannot_be_explained_says_why(result):
    with pytest.raises(IncomparableSpaces, match="found by words alone"):
        replace(result.hits[0], query=None).explain()
    words = Specification(SemanticSpecification(name="Words"))
    wordy = replace(result.hits[0], describe=lambda _: words)
    with pytest.raises(IncomparableSpaces, match="a specification of words only"):
        wordy.explain()
    with pytest.raises(IncomparableSpaces, match="a specification of words only"):
        Mixture((wordy,), np.ones(1), 0.1, 0.9).explain()
    with pytest.raises(NoLearnwares, match="not tied to a market"):
        Hit("a", SemanticSpecification(), query=result.hits[0].query).explain()
