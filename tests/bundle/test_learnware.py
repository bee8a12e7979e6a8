"""The learnware object: made of a model, saved, loaded, predicting."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from learnware import Learnware, Specification
from learnware.bundle.answers import checked_probabilities, checked_values
from learnware.bundle.archive import Archive, pack
from learnware.bundle.execution import Execution
from learnware.errors import (
    BundleError,
    ChecksumMismatch,
    ColumnMismatch,
    InvalidData,
    InvalidParameter,
    InvalidSpecification,
    ModelFailure,
    UnsupportedModel,
)
from learnware.models import ModelEntry
from learnware.runtime import inprocess

X, Y = load_wine(return_X_y=True)
MODEL = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)


def make(model: Any = MODEL, X: Any = X, y: Any = None, **words: Any) -> Learnware:
    return Learnware.from_model(model, X, y, **{"name": "A model", "random_state": 0, "n_points": 10, **words})


@pytest.fixture(scope="module")
def wine() -> Learnware:
    return make(y=Y)


@pytest.fixture(scope="module")
def people() -> tuple[Any, Any, BaseEstimator]:
    """Return a data frame with categories, dates and gaps, its labels, and a pipeline for it."""
    pandas = pytest.importorskip("pandas")
    rng, n = np.random.default_rng(0), 200
    frame = pandas.DataFrame(
        {
            "age": rng.normal(40, 10, n),
            "city": rng.choice(["a", "b", "c"], n),
            "member": rng.random(n) > 0.5,
            "kind": pandas.Categorical(rng.choice(["u", "v"], n)),
            "day": pandas.date_range("2020-01-01", periods=n),
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame.loc[::11, "city"] = None
    y = np.where(rng.random(n) > 0.5, "yes", "no")
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age"]),
        (OneHotEncoder(handle_unknown="ignore"), ["city", "kind"]),
        ("passthrough", ["member"]),
    )
    return frame, y, make_pipeline(columns, RandomForestClassifier(5, random_state=0)).fit(frame, y)


def test_what_it_says_of_itself(wine: Learnware) -> None:
    assert repr(wine) == "Learnware('A model', Classification, 13 columns, id=None)"
    assert (wine.task, wine.n_outputs, wine.id, wine.columns) == ("Classification", 1, None, tuple(map(str, range(13))))
    np.testing.assert_array_equal(wine.classes_, [0, 1, 2])
    semantic = wine.specification.semantic
    assert (semantic.name, semantic.task, semantic.library, semantic.data) == (
        "A model", "Classification", "Scikit-learn", "Table",
    )  # fmt: skip
    assert semantic.outputs.dimension == 3
    assert wine.specification.statistical.n_samples == len(X)
    assert any(package.startswith("scikit-learn==") for package in wine.requirements)


def test_html_is_small_and_escaped() -> None:
    html = make(name="<script>", description="a <b> " * 200)._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert len(html) < 4000


def test_predictions_are_those_of_the_model(wine: Learnware) -> None:
    np.testing.assert_array_equal(wine.predict(X), MODEL.predict(X))
    np.testing.assert_array_equal(wine.predict_proba(X), MODEL.predict_proba(X))


def test_save_and_load(wine: Learnware, tmp_path: Path) -> None:
    path = wine.save(tmp_path / "wine.zip")
    read = Learnware.load(path)
    assert read == wine
    assert hash(read) == hash(wine)
    assert read.digest == wine.digest
    assert read.specification == wine.specification
    np.testing.assert_array_equal(read.predict(X), MODEL.predict(X))
    assert list(tmp_path.iterdir()) == [path]
    assert Learnware.from_bytes(path.read_bytes()) == wine
    assert wine != "wine"


def test_the_model_is_built_once_on_the_first_prediction(
    wine: Learnware, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    real = inprocess.load

    def counted(*args: Any) -> Any:
        calls.append(args)
        return real(*args)

    monkeypatch.setattr(inprocess, "load", counted)
    read = Learnware.load(wine.save(tmp_path / "wine.zip"), isolation="none", trust="data")
    assert repr(read)
    assert read._repr_html_()
    assert hasattr(read, "predict_proba")
    assert read.specification.statistical is not None
    assert not calls
    threads = [threading.Thread(target=read.predict, args=(X,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read.with_id("abc").predict(X)
    assert len(calls) == 1


def test_copies_are_the_object_itself(wine: Learnware) -> None:
    assert copy.copy(wine) is copy.deepcopy(wine) is wine
    pickled = pickle.loads(pickle.dumps(wine.with_id("x")))
    assert pickled == wine
    assert pickled.id == "x"


def test_an_id_is_not_part_of_the_bytes(wine: Learnware) -> None:
    named = wine.with_id("0123")
    assert (named.id, wine.id) == ("0123", None)
    assert named == wine


def test_predict_proba_is_absent_where_there_is_none() -> None:
    assert not hasattr(make(RidgeClassifier().fit(X, Y)), "predict_proba")
    regression = make(LinearRegression().fit(X, Y))
    assert not hasattr(regression, "predict_proba")
    assert regression.classes_ is None


def test_several_outputs() -> None:
    targets = np.column_stack([Y, -Y])
    learnware = make(LinearRegression().fit(X, targets), y=targets)
    assert learnware.n_outputs == 2
    assert learnware.predict(X[:4]).shape == (4, 2)
    assert learnware.specification.semantic.outputs.dimension == 2


@pytest.mark.parametrize("labels", [np.array(["no", "yes"]), np.array([False, True]), np.array([7, 9])])
def test_labels_keep_their_type(labels: np.ndarray) -> None:
    y = labels[Y % 2]
    learnware = Learnware.from_bytes(make(LogisticRegression().fit(X[:, :1], y), X[:, :1], y).to_bytes())
    assert learnware.classes_.dtype == labels.dtype
    assert learnware.predict(X[:, :1]).dtype == labels.dtype
    np.testing.assert_array_equal(learnware.classes_, labels)


def test_data_frames_of_all_kinds_of_columns(people: tuple[Any, Any, BaseEstimator]) -> None:
    polars = pytest.importorskip("polars")
    frame, y, model = people
    learnware = Learnware.from_bytes(make(model, frame, y).to_bytes())
    expected = model.predict(frame)
    assert learnware.columns == tuple(frame.columns)
    for same in (frame, frame[frame.columns[::-1]].assign(extra=1), polars.from_pandas(frame), frame.to_numpy(object)):
        np.testing.assert_array_equal(learnware.predict(same), expected)
    with pytest.raises(ColumnMismatch) as caught:
        learnware.predict(frame.drop(columns=["age", "day"]))
    assert caught.value.missing == ("age", "day")
    # Rows drawn from the specification are rows that the model takes.
    assert len(learnware.predict(learnware.specification.statistical.sample(20, 0))) == 20


def test_category_columns_survive(people: tuple[Any, Any, BaseEstimator]) -> None:
    frame, y, _ = people
    model = HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype").fit(frame[["age", "kind"]], y)
    learnware = Learnware.from_bytes(make(model, frame, y).to_bytes())
    assert learnware.columns == ("age", "kind")
    np.testing.assert_array_equal(learnware.predict(frame), model.predict(frame[["age", "kind"]]))
    text = frame.astype({"kind": object})
    np.testing.assert_array_equal(learnware.predict(text), model.predict(frame[["age", "kind"]]))


def test_a_model_of_arrays_takes_frames_by_name() -> None:
    wine = load_wine(as_frame=True).data
    learnware = make(MODEL, wine, Y)
    np.testing.assert_array_equal(learnware.predict(wine[wine.columns[::-1]]), MODEL.predict(X))
    np.testing.assert_array_equal(learnware.predict(X), MODEL.predict(X))


def test_x_is_never_changed() -> None:
    model = make_pipeline(StandardScaler(copy=False), LogisticRegression()).fit(X.copy(), Y)
    before = X.copy()
    learnware = make(model, before)
    learnware.predict(before)
    learnware.predict_proba(before)
    np.testing.assert_array_equal(before, X)


def test_torch_modules() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    names = np.array(["a", "b", "c"])[Y]
    classifier = make(torch.nn.Sequential(torch.nn.Linear(13, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)), X, names)
    assert (classifier.task, list(classifier.classes_)) == ("Classification", ["a", "b", "c"])
    assert classifier.predict_proba(X).shape == (len(X), 3)
    assert set(classifier.predict(torch.as_tensor(X))) <= {"a", "b", "c"}
    assert classifier.specification.semantic.library == "PyTorch"
    regressor = make(torch.nn.Linear(13, 1), X, Y.astype(float))
    assert (regressor.task, regressor.predict(X).shape) == ("Regression", (len(X),))
    with pytest.raises(UnsupportedModel, match="pass y"):
        make(torch.nn.Linear(13, 1), X)


def test_boosters() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    frame = load_wine(as_frame=True).data
    model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1).fit(frame, Y)
    learnware = make(model, frame[frame.columns[::-1]], Y)
    np.testing.assert_array_equal(learnware.predict(frame), model.predict(frame))
    assert learnware.specification.semantic.library == "Others"


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"name": ""}, InvalidParameter, "name"),
        ({"name": None}, InvalidParameter, "name"),
        ({"task": "clustering"}, InvalidParameter, "task"),
        ({"task": "regression"}, InvalidParameter, "said to be Regression"),
        ({"classes": ["a", "b", "c"]}, InvalidParameter, "classes"),
        ({"license": "None of them"}, InvalidSpecification, "license"),
        ({"scenarios": ["Sea"]}, InvalidSpecification, "scenarios"),
        ({"y": Y[:-1]}, InvalidData, "one value for each"),
        ({"y": Y + 5}, InvalidData, "none of the model's classes"),
        ({"X": X[:, :5]}, InvalidData, "columns|features"),
        ({"X": X[:0]}, InvalidData, "row"),
        ({"X": np.where(X > 1e3, np.inf, X)}, InvalidData, "infinite"),
        ({"model": LogisticRegression()}, UnsupportedModel, "not fitted"),
        (
            {"model": make_pipeline(FunctionTransformer(lambda Z: Z), RidgeClassifier()).fit(X, Y)},
            UnsupportedModel,
            "lambda",
        ),
        ({"specification": Specification()}, InvalidParameter, "statistical"),
    ],
)
def test_what_cannot_become_a_learnware(words: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(**words)


def test_a_given_specification_is_used() -> None:
    specification = Specification.from_data(X, description="Measured in Italy", n_points=5, random_state=1)
    learnware = make(specification=specification)
    assert learnware.specification.statistical == specification.statistical
    assert learnware.specification.semantic.description == "Measured in Italy"


SCRIPT = """
import sys
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from learnware import Learnware
X, y = load_breast_cancer(return_X_y=True)
model = RandomForestClassifier(4, random_state=0).fit(X, np.where(y, "benign", "malign"))
print(Learnware.from_model(model, X, name="Tumours", random_state=0, n_points=10).digest)
"""


def test_equal_input_gives_equal_bytes_in_every_process() -> None:
    digests = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    X, y = load_breast_cancer(return_X_y=True)
    model = RandomForestClassifier(4, random_state=0).fit(X, np.where(y, "benign", "malign"))
    digests.add(Learnware.from_model(model, X, name="Tumours", random_state=0, n_points=10).digest + "\n")
    assert len(digests) == 1


def test_a_changed_model_file_is_a_checksum_mismatch(wine: Learnware) -> None:
    archive = Archive(wine.to_bytes())
    files = {name: archive.read(name) for name in archive.names}
    model = bytearray(files["model/model.skops"])
    model[len(model) // 2] ^= 1
    read = Learnware.from_bytes(pack({**files, "model/model.skops": bytes(model)}))
    for use in (read.verify, lambda: read.predict(X)):
        with pytest.raises(ChecksumMismatch, match=r"model/model\.skops"):
            use()
    wine.verify()
    with pytest.raises(ChecksumMismatch, match="specification"):
        Learnware.from_bytes(pack({**files, "specification.json": files["specification.json"] + b" "}))


def test_files_beside_the_manifest_are_refused(wine: Learnware) -> None:
    archive = Archive(wine.to_bytes())
    files = {name: archive.read(name) for name in archive.names}
    for other in ({**files, "extra.py": b"import os"}, {k: v for k, v in files.items() if not k.startswith("model")}):
        with pytest.raises(BundleError) as caught:
            Learnware.from_bytes(pack(other))
        assert caught.value.code == "incomplete"


def test_a_file_that_changes_or_goes_does_not_change_what_is_open(wine: Learnware, tmp_path: Path) -> None:
    path = wine.save(tmp_path / "wine.zip")
    read = Learnware.load(path)
    make(LinearRegression().fit(X, Y)).save(path)
    assert read.to_bytes() == wine.to_bytes()
    path.unlink()
    np.testing.assert_array_equal(read.predict(X), wine.predict(X))


def test_a_specification_of_the_same_columns_in_another_order_is_put_in_order() -> None:
    frame = pd.DataFrame(X[:, :2] * [1.0, 100.0], columns=["a", "b"])
    model = Ridge().fit(frame, frame["a"] - frame["b"])
    turned = Specification.from_data(frame[["b", "a"]], random_state=0)
    learnware = Learnware.from_model(model, frame, name="turned", specification=turned)
    assert learnware.columns == ("a", "b")
    np.testing.assert_allclose(learnware.predict(frame), model.predict(frame))
    other = Specification.from_data(frame.rename(columns={"b": "c"}), random_state=0)
    with pytest.raises(ColumnMismatch, match="'b'"):
        Learnware.from_model(model, frame, name="other", specification=other)


def test_saving_is_whole_or_not_at_all(wine: Learnware, tmp_path: Path) -> None:
    with pytest.raises(BundleError) as caught:
        wine.save(tmp_path / "absent" / "wine.zip")
    assert caught.value.code == "unwritable"
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(BundleError):
        wine.save(folder)
    assert list(tmp_path.iterdir()) == [folder]


class Answering:
    """A stand-in for a loaded model."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def predict(self, X: Any) -> Any:
        return self.answer(X) if callable(self.answer) else self.answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda X: 1 / 0, "raised ZeroDivisionError"),
        (np.zeros(2), "3 rows"),
        (np.zeros((3, 2)), "shape"),
        (5.0, "rows"),
        (None, "rows"),
        (np.array([1.0, np.nan, np.inf]), r"not finite for 2 row\(s\), the first being row 1"),
        (np.array(["a", "b", "c"]), "numbers"),
        (np.array([1j, 1j, 1j]), "numbers"),
        ([[1], [2, 3], [4]], "array"),
    ],
)
def test_wrong_answers_are_failures_of_the_model(answer: Any, message: str) -> None:
    content = make(LinearRegression().fit(X, Y))._content
    learnware = Learnware(content, execution=Execution.of_own(content, Answering(answer)))
    with pytest.raises(ModelFailure, match=message):
        learnware.predict(X[:3])


def test_labels_and_probabilities_are_checked() -> None:
    entry = ModelEntry("skops", (), "Others", (), "Classification", ("a", "b"), 3)
    assert checked_values(np.array(["a", "b"], dtype=object), 2, entry).dtype.kind == "U"
    with pytest.raises(ModelFailure, match="none of its classes"):
        checked_values(np.array(["a", "c"]), 2, entry)
    for wrong in (np.ones((2, 2)), np.ones((2, 3)) / 3, np.array([[1.5, -0.5]] * 2), np.full((2, 2), np.nan)):
        with pytest.raises(ModelFailure):
            checked_probabilities(wrong, 2, entry)


def test_diabetes_regression_in_a_pipeline() -> None:
    frame = load_diabetes(as_frame=True)
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(frame.data, frame.target)
    learnware = make(model, frame.data, frame.target)
    np.testing.assert_allclose(learnware.predict(frame.data), model.predict(frame.data))
    assert learnware.columns == tuple(frame.data.columns)


def test_a_model_that_fails_on_its_own_data() -> None:
    model = LinearRegression().fit(X, Y)
    texts = pd.DataFrame({str(i): ["q", "r"] * 50 for i in range(X.shape[1])})
    for rows in (X[:, :2], texts):
        with pytest.raises(InvalidData, match="The model itself fails on rows of X"):
            make(model, rows)
