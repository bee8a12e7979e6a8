"""The main job through the public door alone: pack, submit, specify, search, reuse; and what bad input does to it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.datasets import load_wine
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import learnware
from learnware import Learnware, Market, Reuser, Specification, errors

X_ALL, Y_ALL = load_wine(return_X_y=True, as_frame=True)
ORDER = np.random.default_rng(0).permutation(len(X_ALL))
THEIRS, MINE = ORDER[:110], ORDER[110:]


def developer(classes, name):
    rows = THEIRS[np.isin(Y_ALL.iloc[THEIRS], classes)]
    X, y = X_ALL.iloc[rows], Y_ALL.iloc[rows]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    return Learnware.from_model(model, X, y, name=name, scenarios="business", license="mit", random_state=0)


@pytest.fixture(scope="module")
def learnwares():
    return [developer(classes, f"Wine {classes}") for classes in ([0, 1], [1, 2], [0, 2], [0, 1, 2])]


@pytest.fixture(params=["memory", "folder"])
def market(request, tmp_path, learnwares):
    opened = Market.open(None if request.param == "memory" else tmp_path / "market")
    opened.submit(learnwares)
    yield opened
    opened.close()


@pytest.fixture
def X():
    return X_ALL.iloc[MINE]


@pytest.fixture
def y():
    return Y_ALL.iloc[MINE]


def test_without_and_with_labels(market, X, y):
    result = market.search(Specification.from_data(X, task="classification", random_state=0))
    assert result.verdict == "match"
    unlabelled = Reuser.auto(result).fit(X)
    assert unlabelled.score(X, y) > 0.85
    few = np.arange(20)
    labelled = Reuser.auto(result, random_state=0).fit(X.iloc[few], y.iloc[few])
    assert labelled.score(X.iloc[20:], y.iloc[20:]) > 0.85
    assert labelled.leaderboard_


def test_any_table_library_gives_the_same_answers(market, X):
    result = market.search(Specification.from_data(X, task="classification", random_state=0))
    reuser = Reuser.auto(result).fit(X)
    expected = reuser.predict(X)
    turned = X[X.columns[::-1]].assign(colour="red")
    np.testing.assert_array_equal(result.hits[0].learnware.predict(turned), result.hits[0].learnware.predict(X))
    for table in (X.to_numpy(), pl.from_pandas(X), torch.tensor(X.to_numpy())):
        again = market.search(Specification.from_data(table, task="classification", random_state=0))
        assert [hit.id for hit in again.hits] == [hit.id for hit in result.hits]
        np.testing.assert_array_equal(Reuser.auto(again).fit(table).predict(table), expected)


def test_the_caller_keeps_data_and_random_state(market, X, y):
    before, state = X.copy(deep=True), np.random.get_state()[1].copy()
    result = market.search(Specification.from_data(X, task="classification"))
    Reuser.auto(result).fit(X, y).predict(X)
    pd.testing.assert_frame_equal(X, before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


BAD_TABLES = {
    "empty": (X_ALL.iloc[:0], errors.InvalidData),
    "no columns": (X_ALL[[]], errors.InvalidData),
    "one row": (X_ALL.iloc[:1], errors.TooFewRows),
    "infinite": (X_ALL.replace(X_ALL.iloc[0, 0], np.inf), errors.InvalidData),
    "a column without values": (X_ALL.assign(alcohol=np.nan), errors.InvalidData),
    "one dimension": (X_ALL["alcohol"].to_numpy(), errors.InvalidData),
    "nested": (X_ALL.assign(alcohol=[[1.0]] * len(X_ALL)), errors.InvalidData),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_tables_that_cannot_be_specified(name):
    table, error = BAD_TABLES[name]
    with pytest.raises(error):
        Specification.from_data(table)


def test_holes_and_constant_columns_are_fine(market, X):
    holes = X.mask(np.random.default_rng(0).random(X.shape) < 0.05)
    assert market.search(Specification.from_data(holes, task="classification", random_state=0)).hits
    constant = X.assign(alcohol=13.0)
    assert market.search(Specification.from_data(constant, task="classification", random_state=0)).hits


def test_columns_that_a_learnware_needs(market, X):
    result = market.search(Specification.from_data(X, task="classification"))
    for predict in (result.hits[0].learnware.predict, Reuser.auto(result).fit(X).predict):
        with pytest.raises(ValueError, match="alcohol"):
            predict(X.drop(columns=["alcohol", "hue"]))
    for predict in (result.hits[0].learnware.predict, Reuser.auto(result).fit(X.to_numpy()).predict):
        with pytest.raises(ValueError, match="13"):
            predict(X.to_numpy()[:, :5])


def test_a_table_of_other_columns_finds_nothing(market, X):
    result = market.search(Specification.from_data(X[["alcohol", "hue"]], task="classification"))
    assert result.verdict == "nothing fits"
    with pytest.raises(errors.NoLearnwares):
        Reuser.auto(result).fit(X)


def test_labels_of_a_class_that_no_learnware_knows(market, X, y):
    result = market.search(Specification.from_data(X, task="classification", random_state=0))
    new = y.where(X["alcohol"] < 13.5, 9)
    reuser = Reuser.auto(result, random_state=0).fit(X, new)
    assert 9 in reuser.classes_
    assert (reuser.predict(X) == 9).any()


def test_unknown_ids(market):
    for call in (market.describe, market.fetch, market.remove):
        with pytest.raises(errors.LearnwareNotFound, match="no-such-id"):
            call("no-such-id")
    assert "no-such-id" not in market
    assert len(market) == 4


def test_a_refused_learnware_leaves_the_market_as_it_was(market, tmp_path, learnwares):
    file = learnwares[0].save(tmp_path / "a.zip")
    data = file.read_bytes()
    before = list(market)
    for broken in (data[:100], data[:-1], b"", data[:2000] + bytes([data[2000] ^ 1]) + data[2001:]):
        file.write_bytes(broken)
        with pytest.raises(errors.BundleError):
            market.submit(file)
    with pytest.raises(errors.BundleError):
        market.submit([learnwares[0], file])
    with pytest.raises(errors.BundleError):
        market.submit(tmp_path / "absent.zip")
    assert list(market) == before


def test_a_million_rows_are_specified_in_bounded_memory():
    import tracemalloc

    X = np.random.default_rng(0).normal(size=(1_000_000, 4))
    tracemalloc.start()
    spec = Specification.from_data(X, random_state=0)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    assert spec.statistical.n_samples == 1_000_000
    assert peak < 400 - X.nbytes / 2**20 + 100


def test_unknown_categories_go_where_the_model_sends_them():
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OneHotEncoder

    rng = np.random.default_rng(0)
    X = pd.DataFrame({"shop": rng.choice(["a", "b"], 200), "price": rng.normal(size=200)})
    y = X["price"] + (X["shop"] == "a")

    def pack(handle_unknown):
        encode = make_column_transformer(
            (OneHotEncoder(handle_unknown=handle_unknown), ["shop"]), remainder="passthrough"
        )
        return Learnware.from_model(make_pipeline(encode, Ridge()).fit(X, y), X, y, name="prices", random_state=0)

    new = X.head(10).assign(shop="c")
    assert np.isfinite(pack("ignore").predict(new)).all()
    with pytest.raises(errors.ModelFailure, match="unknown categor"):
        pack("error").predict(new)


def test_missing_values_reach_models_that_take_them(X, y):
    holes = X.mask(np.random.default_rng(0).random(X.shape) < 0.2)
    lw = Learnware.from_model(HistGradientBoostingClassifier().fit(holes, y), holes, y, name="holes", random_state=0)
    assert lw.predict(holes).shape == (len(X),)
    assert Market.open().submit(lw)


def test_every_public_name_is_there():
    for name in learnware.__all__:
        assert getattr(learnware, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = learnware.Nothing
