"""scikit-learn models: what round-trips, what is refused, and that files are the same every time."""

from __future__ import annotations

import inspect
import io
import json
import os
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_backend
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from learnware.errors import BundleError, InvalidParameter, UnsupportedModel
from learnware.models import load, save, verify
from learnware.models.bounds import parts_of
from learnware.models.skops_file import dumps, loads

XC, YC = make_classification(120, 6, n_informative=4, n_classes=3, random_state=0)
XR, YR = make_regression(120, 6, random_state=0)

CLASSIFIERS = [
    LogisticRegression(),
    RidgeClassifier(),
    DecisionTreeClassifier(max_depth=4),
    RandomForestClassifier(5, random_state=0),
    GradientBoostingClassifier(n_estimators=3),
    HistGradientBoostingClassifier(max_iter=3),
    BaggingClassifier(n_estimators=3, random_state=0),
    KNeighborsClassifier(),
    KNeighborsClassifier(algorithm="ball_tree", metric="manhattan"),
    MLPClassifier((4,), max_iter=5, random_state=0),
    SVC(probability=False),
    CalibratedClassifierCV(RidgeClassifier(), cv=2),
    StackingClassifier([("tree", DecisionTreeClassifier(max_depth=2)), ("line", LogisticRegression())], cv=2),
    make_pipeline(StandardScaler(), SelectKBest(k=3), LogisticRegression()),
    make_pipeline(FunctionTransformer(np.tanh), LogisticRegression()),
]
REGRESSORS = [
    Ridge(),
    ExtraTreesRegressor(5, random_state=0),
    HistGradientBoostingRegressor(max_iter=3),
    GaussianProcessRegressor(),
    MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0),
    VotingRegressor([("line", LinearRegression()), ("tree", ExtraTreesRegressor(3, random_state=0))]),
]


def fitted(model: BaseEstimator) -> BaseEstimator:
    X, y = (XC, YC) if isinstance(model, ClassifierMixin) or hasattr(model, "predict_proba") else (XR, YR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clone(model).fit(X, y)


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda model: repr(model)[:40])
def test_a_classifier_answers_as_before(model: BaseEstimator, tmp_path: Path) -> None:
    model = fitted(model)
    entry = save(model, tmp_path, sample=XC)
    stored = load(tmp_path, entry)
    assert (entry.task, entry.classes, entry.n_features, entry.frame) == ("Classification", (0, 1, 2), 6, False)
    assert entry.probabilities == hasattr(model, "predict_proba")
    np.testing.assert_array_equal(stored.predict(XC), model.predict(XC))
    if entry.probabilities:
        np.testing.assert_array_equal(stored.predict_proba(XC), model.predict_proba(XC))


@pytest.mark.parametrize("model", REGRESSORS, ids=lambda model: repr(model)[:40])
def test_a_regressor_answers_as_before(model: BaseEstimator, tmp_path: Path) -> None:
    model = fitted(model)
    entry = save(model, tmp_path, sample=XR)
    assert (entry.task, entry.classes, entry.n_outputs, entry.probabilities) == ("Regression", None, 1, False)
    np.testing.assert_array_equal(load(tmp_path, entry).predict(XR), model.predict(XR))


def jobs_of(model: object) -> list[object]:
    return [part.n_jobs for part in parts_of(model) if hasattr(part, "n_jobs")]


@pytest.mark.parametrize(
    ("model", "several"),
    [
        (BaggingClassifier(RandomForestClassifier(2, random_state=0), 2, n_jobs=2, random_state=0), False),
        (RandomForestClassifier(3, n_jobs=3, random_state=0), False),
        (make_pipeline(StandardScaler(), RandomForestClassifier(3, n_jobs=2, random_state=0)), False),
        (MultiOutputRegressor(ExtraTreesRegressor(3, n_jobs=2, random_state=0), n_jobs=-1), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_stored_model_starts_no_processes(model: BaseEstimator, several: bool, tmp_path: Path) -> None:
    X, y = (XR, np.column_stack([YR, -YR])) if several else (XC, YC)
    with parallel_backend("threading"):
        model = model.fit(X, y)
        expected = model.predict(X)
        wanted = jobs_of(model)
    entry = save(model, tmp_path, sample=X)
    assert jobs_of(model) == wanted != [None] * len(wanted)
    assert b"n_jobs" in (tmp_path / "model.skops").read_bytes()
    stored = load(tmp_path, entry)
    assert jobs_of(stored) == [None] * len(wanted)
    np.testing.assert_array_equal(stored.predict(X), expected)
    assert dumps(stored) == (tmp_path / "model.skops").read_bytes()


def test_a_file_that_asks_for_processes_gets_none(tmp_path: Path) -> None:
    save(RandomForestClassifier(2, random_state=0).fit(XC, YC), tmp_path, sample=XC)
    with zipfile.ZipFile(tmp_path / "model.skops") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files["schema.json"])
    schema["content"]["content"]["n_jobs"]["content"] = "400"
    files["schema.json"] = json.dumps(schema).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    assert loads(buffer.getvalue()).n_jobs is None


def test_several_outputs_are_counted(tmp_path: Path) -> None:
    model = LinearRegression().fit(XR, np.column_stack([YR, -YR, YR]))
    entry = save(model, tmp_path, sample=XR)
    assert entry.n_outputs == 3
    assert load(tmp_path, entry).predict(XR).shape == (120, 3)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array(["no", "yes"])[YC % 2], ("no", "yes")),
        (YC > 0, (False, True)),
        (YC % 2 + 0.5, (0.5, 1.5)),
        ((YC % 2).astype(np.int8), (0, 1)),
    ],
)
def test_labels_keep_their_type(labels: np.ndarray, expected: tuple[object, ...], tmp_path: Path) -> None:
    if labels.dtype.kind == "f":
        labels = labels * 2  # whole numbers, as scikit-learn wants them for labels
        expected = (1.0, 3.0)
    entry = save(RidgeClassifier().fit(XC, labels), tmp_path, sample=XC)
    assert entry.classes == expected
    assert [type(label) for label in entry.classes or ()] == [type(label) for label in expected]


def test_a_search_is_stored_as_its_best_estimator(tmp_path: Path) -> None:
    search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.1, 1]})
    search.fit(XC, YC)
    entry = save(search, tmp_path, sample=XC)
    stored = load(tmp_path, entry)
    verify(search, stored, entry, XC)
    assert type(stored).__name__ == "Pipeline"


def test_unknown_code_is_refused_with_advice(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(lambda X: X + 1), LogisticRegression()).fit(XC, YC)
    with pytest.raises(UnsupportedModel, match=r"<lambda>.*replace functions, lambdas"):
        save(model, tmp_path, sample=XC)


class OwnClassifier(ClassifierMixin, BaseEstimator):
    def fit(self, X: object, y: object) -> OwnClassifier:
        self.classes_ = np.unique(y)
        self.n_features_in_ = 6
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.zeros(len(X), dtype=int)


def test_an_estimator_of_ones_own_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match=r"OwnClassifier.*scikit-learn itself"):
        save(OwnClassifier().fit(XC, YC), tmp_path, sample=XC)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LogisticRegression(), "not fitted"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "not fitted"),
        (StandardScaler().fit(XC), "neither a classifier nor a regressor"),
        (MultiOutputClassifier(LogisticRegression()).fit(XC, np.c_[YC, YC]), "several labels"),
        (object(), "must be a fitted scikit-learn"),
        ("model", "must be a fitted scikit-learn"),
    ],
)
def test_models_that_cannot_be_learnwares(model: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        save(model, tmp_path, sample=XC)


def test_task_and_classes_must_agree(tmp_path: Path) -> None:
    model = LogisticRegression().fit(XC, YC)
    with pytest.raises(InvalidParameter, match="said to be Regression"):
        save(model, tmp_path, sample=XC, task="Regression")
    with pytest.raises(InvalidParameter, match="has the classes"):
        save(model, tmp_path, sample=XC, classes=["a", "b", "c"])


@pytest.mark.parametrize("model", [*CLASSIFIERS, *REGRESSORS], ids=lambda model: repr(model)[:40])
def test_equal_models_give_equal_bytes(model: BaseEstimator) -> None:
    model = fitted(model)
    assert dumps(model) == dumps(model)


SCRIPT = """
import hashlib, warnings
import numpy as np, pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from learnware.models.skops_file import dumps
rng = np.random.default_rng(0)
X = pd.DataFrame({"a": rng.normal(size=60), "b": rng.choice(["u", "v", "w"], 60)})
X["t"] = rng.choice(["xa ya", "za xa"], 60)
y = rng.choice(["no", "yes"], 60)
columns = make_column_transformer((OneHotEncoder(categories=[["u", "v", "w"]]), ["b"]),
    (TfidfVectorizer(stop_words=["q", "r"]), "t"), remainder="passthrough")
models = [make_pipeline(columns, RandomForestClassifier(3, random_state=0)).fit(X, y),
    HistGradientBoostingClassifier(max_iter=2, random_state=0).fit(X[["a"]], y),
    KNeighborsRegressor().fit(X[["a"]], X["a"])]
models[1].words_ = set("abcdefgh")
print(hashlib.sha256(b"".join(dumps(model) for model in models)).hexdigest())
"""


def test_bytes_do_not_depend_on_the_process() -> None:
    digests = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def rewritten(data: bytes, change: object) -> bytes:
    """Return a skops file whose tree was changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(contents["schema.json"])
    change(schema)  # type: ignore[operator]
    contents["schema.json"] = json.dumps(schema).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "node",
    [
        {"__loader__": "ObjectNode", "__module__": "subprocess", "__class__": "Popen", "content": None},
        {"__loader__": "FunctionNode", "__module__": "os", "__class__": "system"},
        {"__loader__": "TypeNode", "__module__": "builtins", "__class__": "eval"},
        {"__loader__": "ConstructorFromReduceNode", "__module__": "builtins", "__class__": "str", "content": None},
        {"__loader__": "OperatorFuncNode", "__module__": "operator", "__class__": "methodcaller", "attrs": None},
        {"__loader__": "MethodNode", "__module__": "builtins", "__class__": "str", "content": {}},
        # Trusted by skops itself, but not by us.
        {"__loader__": "TypeNode", "__module__": "builtins", "__class__": "map"},
        {"__loader__": "ObjectNode", "__module__": "sklearn.cluster._dbscan", "__class__": "DBSCAN", "content": None},
    ],
    ids=lambda node: node["__class__"],
)
def test_a_file_with_an_untrusted_type_is_refused(node: dict[str, object]) -> None:
    data = rewritten(dumps(LogisticRegression().fit(XC, YC)), lambda schema: schema["content"].update(extra=node))
    with pytest.raises(BundleError, match="not trusted") as caught:
        loads(data)
    assert caught.value.code == "untrusted-type"


def test_another_protocol_is_refused() -> None:
    # Older protocols read the names of types from places that the audit does not look at.
    data = rewritten(dumps(LogisticRegression().fit(XC, YC)), lambda schema: schema.update(protocol=0))
    with pytest.raises(BundleError, match="protocol"):
        loads(data)


def test_entries_that_inflate_are_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b" " * 10**6)
    with pytest.raises(BundleError, match="not one that this library writes"):
        loads(buffer.getvalue())


def test_frames_are_remembered(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame({"a": XC[:, 0], "b": np.array(["u", "v", "w"])[YC]})
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["b"]), remainder="passthrough"), LogisticRegression()
    ).fit(X, YC)
    entry = save(model, tmp_path, sample=X)
    assert entry.frame
    verify(model, load(tmp_path, entry), entry, X)


NEEDS = {
    "estimators": lambda base: [("a", base), ("b", base)],
    "estimator": lambda base: base,
    "base_estimator": lambda base: base,
}
#: Of the classifiers and regressors of scikit-learn, these predict several labels per row or search.
LEFT_OUT = {
    "ClassifierChain",
    "GridSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "MultiOutputClassifier",
    "RandomizedSearchCV",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_nearly_all_estimators_round_trip(tmp_path: Path) -> None:
    from sklearn.utils import all_estimators

    stored, failed = [], {}
    for name, cls in all_estimators(type_filter=["classifier", "regressor"]):
        if name in LEFT_OUT:
            continue
        model, X = fitted_by_name(name, cls)
        try:
            entry = save(model, tmp_path, sample=X)
            verify(model, load(tmp_path, entry), entry, X)
            stored.append(name)
        except UnsupportedModel as error:
            failed[name] = str(error)
    assert not failed
    assert len(stored) >= 95


def fitted_by_name(name: str, cls: type) -> tuple[BaseEstimator, np.ndarray]:
    classifies = issubclass(cls, ClassifierMixin)
    X, y = (XC, YC) if classifies else (XR, np.abs(YR) / 100 + 1)
    base = LogisticRegression() if classifies else Ridge()
    parameters = inspect.signature(cls).parameters
    required = {
        key: make(base)
        for key, make in NEEDS.items()
        if key in parameters and (parameters[key].default is inspect.Parameter.empty or name.startswith("SelfTraining"))
    }
    if "Threshold" in name or name.startswith("SelfTraining"):
        y = (y > 0).astype(int)
    if name.startswith("MultiTask") or name in ("MultiOutputRegressor", "RegressorChain"):
        y = np.column_stack([y, y])
    if name in ("BernoulliNB", "CategoricalNB", "ComplementNB", "MultinomialNB"):
        X = np.abs(X).astype(int)
    if name == "IsotonicRegression":
        X = X[:, :1]
    if name in ("CCA", "PLSCanonical"):
        required["n_components"] = 1
    if name == "QuadraticDiscriminantAnalysis":
        required["reg_param"] = 0.1
    return cls(**required).fit(X, y), X
