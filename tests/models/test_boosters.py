"""LightGBM and XGBoost models through their own formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression

from learnware.errors import BundleError, InvalidParameter, UnsupportedModel
from learnware.models import load, save, verify

lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")

XC, YC = make_classification(150, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=0)
XR, YR = make_regression(150, 5, random_state=0)
NAMES = np.array(["ant", "bee", "cow"])
LIGHT: dict[str, Any] = {"n_estimators": 5, "verbose": -1, "n_jobs": 1}
EXTREME: dict[str, Any] = {"n_estimators": 5, "n_jobs": 1}


@pytest.mark.parametrize(
    ("model", "classes"),
    [
        (lightgbm.LGBMClassifier(**LIGHT).fit(XC, NAMES[YC]), ("ant", "bee", "cow")),
        (lightgbm.LGBMClassifier(**LIGHT).fit(XC, YC > 0), (False, True)),
        (xgboost.XGBClassifier(**EXTREME).fit(XC, YC), (0, 1, 2)),
        (xgboost.XGBClassifier(**EXTREME, gamma=2).fit(XC, YC % 2), (0, 1)),
    ],
)
def test_classifiers_answer_as_before(model: Any, classes: tuple[object, ...], tmp_path: Path) -> None:
    entry = save(model, tmp_path, sample=XC)
    stored = load(tmp_path, entry)
    assert entry.classes == classes
    assert entry.probabilities
    np.testing.assert_array_equal(stored.predict(XC), model.predict(XC))
    np.testing.assert_allclose(stored.predict_proba(XC), model.predict_proba(XC), rtol=1e-6)


@pytest.mark.parametrize(
    "model",
    [
        lightgbm.LGBMRegressor(**LIGHT),
        lightgbm.LGBMRegressor(**LIGHT, linear_tree=True),
        xgboost.XGBRegressor(**EXTREME),
        xgboost.XGBRegressor(**EXTREME, booster="dart"),
        xgboost.XGBRegressor(**EXTREME, booster="gblinear"),
        xgboost.XGBRegressor(**EXTREME, num_parallel_tree=2),
    ],
)
def test_regressors_answer_as_before(model: Any, tmp_path: Path) -> None:
    model.fit(XR, YR)
    entry = save(model, tmp_path, sample=XR)
    assert entry.task == "Regression"
    # XGBoost rounds the weights of dropped trees when it writes them.
    np.testing.assert_allclose(load(tmp_path, entry).predict(XR), model.predict(XR), rtol=1e-5)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore:The argument 'eval_set'")
def test_early_stopping_is_kept(tmp_path: Path) -> None:
    for model, options in (
        (xgboost.XGBRegressor(n_estimators=60, early_stopping_rounds=2, n_jobs=1), {"verbose": False}),
        (
            lightgbm.LGBMRegressor(**{**LIGHT, "n_estimators": 60}),
            {"callbacks": [lightgbm.early_stopping(2, verbose=False)]},
        ),
    ):
        model.fit(XR[:100], YR[:100], eval_set=[(XR[100:], YR[100:][::-1])], **options)
        entry = save(model, tmp_path, sample=XR)
        np.testing.assert_allclose(load(tmp_path, entry).predict(XR), model.predict(XR), rtol=1e-6)


def test_several_targets(tmp_path: Path) -> None:
    model = xgboost.XGBRegressor(**EXTREME).fit(XR, np.column_stack([YR, -YR]))
    entry = save(model, tmp_path, sample=XR)
    assert entry.n_outputs == 2
    verify(model, load(tmp_path, entry), entry, XR)


def test_bare_boosters_take_their_labels_from_the_caller(tmp_path: Path) -> None:
    rows = xgboost.DMatrix(XC, YC % 2)
    for booster, outputs in (
        (lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(XC, YC % 2), 9), XC),
        (xgboost.train({"objective": "binary:logistic"}, rows, 4), rows),
    ):
        entry = save(booster, tmp_path, sample=XC, classes=["no", "yes"])
        stored = load(tmp_path, entry)
        verify(booster, stored, entry, XC)
        np.testing.assert_array_equal(stored.predict(XC) == "yes", booster.predict(outputs) > 0.5)
        with pytest.raises(InvalidParameter, match="2 classes"):
            save(booster, tmp_path, sample=XC, classes=["a", "b", "c"])


def test_what_is_refused(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": XC[:, 0], "b": pandas.Categorical(NAMES[YC])})

    def objective(y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return p - y, np.ones_like(y)

    refused = [
        (lightgbm.LGBMRegressor(), "not fitted"),
        (xgboost.XGBRegressor(), "not fitted"),
        (lightgbm.LGBMRegressor(**LIGHT, objective=objective).fit(XR, YR), "custom objective"),
        (lightgbm.LGBMClassifier(**LIGHT).fit(frame, YC), "OrdinalEncoder"),
        (xgboost.XGBClassifier(**EXTREME, enable_categorical=True).fit(frame, YC), "OrdinalEncoder"),
        (xgboost.XGBRegressor(**EXTREME, missing=0.0).fit(XR, YR), "NaN"),
    ]
    for model, message in refused:
        with pytest.raises(UnsupportedModel, match=message):
            save(model, tmp_path, sample=XR)
    with pytest.raises(InvalidParameter, match="said to be Classification"):
        save(xgboost.XGBRegressor(**EXTREME).fit(XR, YR), tmp_path, sample=XR, task="Classification")


@pytest.mark.parametrize(
    ("old", "new"),
    [("left_child=", "left_child=99999 "), ("split_feature=", "split_feature=77 "), ("num_leaves=", "num_leaves=9")],
)
def test_tampered_lightgbm_text_is_refused(old: str, new: str, tmp_path: Path) -> None:
    entry = save(lightgbm.LGBMRegressor(**LIGHT).fit(XR, YR), tmp_path, sample=XR)
    file = tmp_path / entry.files[0]
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(BundleError):
        load(tmp_path, entry)


@pytest.mark.parametrize(("name", "value"), [("left_children", 9999), ("right_children", 0), ("split_indices", 500)])
def test_tampered_xgboost_json_is_refused(name: str, value: int, tmp_path: Path) -> None:
    entry = save(xgboost.XGBRegressor(**EXTREME).fit(XR, YR), tmp_path, sample=XR)
    file = tmp_path / entry.files[0]
    content = json.loads(file.read_text())
    content["learner"]["gradient_booster"]["model"]["trees"][0][name][0] = value
    file.write_text(json.dumps(content))
    with pytest.raises(BundleError):
        load(tmp_path, entry)
