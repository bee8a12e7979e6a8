"""Packages that must be taken: all kinds of models, and contents that are unusual but sound."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import torch
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, LinearSVC

from learnware import RKME
from tests.bundle.corpus import Accepted
from tests.bundle.corpus.bases import (
    X,
    Y,
    changed_manifest,
    changed_specification,
    changed_statistical,
    files_of,
    of_images,
    of_texts,
    packed,
    plain,
)
from tests.bundle.corpus.boosters import extreme, light, light_of_categories, light_of_lines
from tests.bundle.corpus.raw import Zip
from tests.bundle.corpus.skops_files import sparse, with_vocabulary

LIGHT: dict[str, Any] = {"n_estimators": 2, "min_child_samples": 5, "verbose": -1, "n_jobs": 1}

_MODELS: list[tuple[str, Any, str]] = [
    ("a linear model", LogisticRegression(), "T0"),
    ("least squares", LinearRegression(), "T0"),
    ("a linear machine", LinearSVC(), "T0"),
    ("naive Bayes", GaussianNB(), "T0"),
    ("discriminants", LinearDiscriminantAnalysis(), "T0"),
    ("stochastic descent", SGDClassifier(loss="modified_huber", random_state=0), "T0"),
    ("a network", MLPClassifier((4,), max_iter=300, random_state=0, tol=1.0), "T0"),
    ("a Gaussian process", GaussianProcessRegressor(), "T0"),
    ("a scaled model", make_pipeline(StandardScaler(), LogisticRegression()), "T0"),
    ("polynomials", make_pipeline(PolynomialFeatures(), Ridge()), "T0"),
    ("a function", make_pipeline(FunctionTransformer(np.cbrt), LogisticRegression()), "T0"),
    ("filled gaps", make_pipeline(SimpleImputer(), LogisticRegression()), "T0"),
    ("a vote of linear models", VotingClassifier([("a", GaussianNB()), ("b", LogisticRegression())]), "T0"),
    ("a forest", RandomForestClassifier(3, random_state=0), "T1"),
    ("a forest of 100 trees", RandomForestClassifier(100, max_depth=2, random_state=0), "T1"),
    ("boosting", GradientBoostingClassifier(n_estimators=2, random_state=0), "T1"),
    ("boosting by histograms", HistGradientBoostingClassifier(max_iter=2, random_state=0), "T1"),
    ("neighbours", KNeighborsClassifier(), "T1"),
    ("neighbours by a ball tree", KNeighborsClassifier(algorithm="ball_tree"), "T1"),
    ("support vectors", SVC(), "T1"),
    ("a vote with a forest", VotingClassifier([("a", GaussianNB()), ("b", RandomForestClassifier(2))]), "T1"),
]


def network(dtype: Any = torch.float32) -> bytes:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh(), torch.nn.Linear(4, 3))
    return packed(net.to(dtype), X, Y)


def frame() -> bytes:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"größe": X[:, 0], "城市": rng.choice(["北", "ö", "a b"], len(X)), "flag": X[:, 1] > 0})
    table.loc[::9, "größe"] = np.nan
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["größe"]),
        (OneHotEncoder(handle_unknown="ignore"), ["城市"]),
        ("passthrough", ["flag"]),
    )
    return packed(make_pipeline(columns, LogisticRegression()).fit(table, Y), table)


def categories() -> bytes:
    table = pd.DataFrame({"a": X[:, 0], "kind": pd.Categorical(np.where(X[:, 1] > 0, "u", "v"))})
    model = HistGradientBoostingClassifier(max_iter=2, categorical_features="from_dtype")
    return packed(model.fit(table, Y), table)


def wide(n_columns: int) -> bytes:
    rows = np.random.default_rng(0).normal(size=(30, n_columns)).round(6)
    return packed(LinearRegression().fit(rows, rows[:, 0]), rows, None)


def labelled(labels: list[Any]) -> bytes:
    y = np.array(labels)[np.arange(len(X)) % len(labels)]
    return packed(GaussianNB().fit(X, y), y=y)


def pointed(n_points: int) -> bytes:
    rng = np.random.default_rng(0)
    rkme = RKME(rng.normal(size=(n_points, 3)), np.full(n_points, 1 / n_points), n_samples=10**6)
    return changed_statistical(**rkme.to_dict())


def named(name: str, **words: Any) -> bytes:
    return packed(LogisticRegression().fit(X, Y), name=name, **words)


def as_it_was(change: str) -> bytes:
    """Return the plain package with all files stored, or all deflated."""
    archive = Zip()
    for name, content in sorted(files_of(plain()).items()):
        archive.add(name, content, deflate=change == "deflated")
    return archive.bytes()


_PACKAGES: list[tuple[str, Callable[[], bytes], str]] = [
    ("a torch network", network, "T0"),
    ("a torch network of doubles", partial(network, torch.float64), "T0"),
    ("texts", of_texts, "T1"),
    ("texts of 400,000 words", lambda: with_vocabulary(
        b"[" + b",".join(b'"%d"' % i for i in range(400_000)) + b"]"
    ), "T1"),
    ("images", of_images, "T0"),
    ("LightGBM", light, "T1"),
    ("LightGBM with categories", light_of_categories, "T1"),
    ("LightGBM with linear leaves", light_of_lines, "T1"),
    ("XGBoost", extreme, "T1"),
    ("XGBoost with dropped trees", partial(extreme, "dart"), "T1"),
    ("XGBoost without trees", partial(extreme, "gblinear"), "T1"),
    ("XGBoost of two outputs", lambda: packed(
        xgboost.XGBRegressor(n_estimators=2, n_jobs=1, multi_strategy="multi_output_tree").fit(X, X[:, :2]), y=None
    ), "T1"),
    ("a booster of a data frame", lambda: packed(
        lightgbm.LGBMClassifier(**LIGHT).fit(pd.DataFrame(X, columns=["a", "b", "c"]), Y),
        pd.DataFrame(X, columns=["a", "b", "c"]),
    ), "T1"),
    ("a sparse model", sparse, "T1"),
    ("a data frame in many languages", frame, "T1"),
    ("columns of categories", categories, "T1"),
    ("one column", partial(wide, 1), "T0"),
    ("300 columns", partial(wide, 300), "T0"),
    ("1000 columns", partial(wide, 1000), "T0"),
    ("two outputs", lambda: packed(LinearRegression().fit(X, X[:, :2]), y=X[:, :2]), "T0"),
    ("two classes", partial(labelled, [False, True]), "T0"),
    ("classes in words", partial(labelled, ["yes", "no", "null", "true", "1e3", "é: [", "#"]), "T0"),
    ("classes in numbers", partial(labelled, [-1.0, 0.0, 2.0]), "T0"),
    ("60 classes", partial(labelled, list(range(60))), "T0"),
    ("one point", partial(pointed, 1), "T0"),
    ("1000 points", partial(pointed, 1000), "T0"),
    ("large numbers", lambda: changed_statistical(
        points=[[1e90, 0.0, -1e90]] * 5, location=[1e90, 0.0, -1e90], scale=[1e80, 1e-80, 0.0]
    ), "T0"),
    ("an unknown number of rows", partial(changed_statistical, n_samples=None), "T0"),
    ("no scenarios", partial(named, "A model", scenarios=[]), "T0"),
    ("all scenarios", partial(named, "A model", scenarios=["Business", "Health", "Others"], license="MIT"), "T0"),
    ("a title in many languages", partial(named, "模型 – modèle — نموذج 🎓", description="# Über\n\u2028x" * 50), "T0"),
    ("a long title", partial(named, "x" * 500), "T0"),
    ("a title like YAML", partial(named, "- {a: [b, *c, &d, !e]} # f: |"), "T0"),
    ("a description like JSON", partial(named, "A", description='"}],{"format":"\\u0000\\ud83d\\ude00"' * 20), "T0"),
    ("no words but name and task", lambda: changed_specification(
        lambda c: c.update(semantic={key: c["semantic"][key] for key in ("Name", "Task")})
    ), "T0"),
    ("a specification with spaces", lambda: changed_specification(lambda c: None), "T0"),
    ("a manifest by another writer", lambda: changed_manifest(lambda c: None), "T0"),
    ("a newer Python", lambda: changed_manifest(lambda c: c.update(python="9.9")), "T0"),
    ("no requirements", lambda: changed_manifest(lambda c: c.update(requirements=[])), "T0"),
    ("all stored", partial(as_it_was, "stored"), "T0"),
    ("all deflated", partial(as_it_was, "deflated"), "T0"),
]  # fmt: skip


def accepted() -> Iterator[Accepted]:
    """Yield packages that must be taken."""
    for name, model, level in _MODELS:
        yield Accepted(name, partial(_fitted, model), level)
    for name, make, level in _PACKAGES:
        yield Accepted(name, make, level)


def _fitted(model: Any) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return packed(model.fit(X, Y))
