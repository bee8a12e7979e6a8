"""Which models carry rows of their training data, wherever these sit."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, GradientBoostingClassifier, StackingClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.impute import KNNImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from learnware import Learnware
from learnware.errors import UnsupportedModel
from learnware.models.kept_rows import keepers_of_rows

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize(
    ("model", "keepers"),
    [
        (KNeighborsClassifier(), ("KNeighborsClassifier",)),
        (SVC(), ("SVC",)),
        (KernelRidge(), ("KernelRidge",)),
        (GaussianProcessClassifier(), ("_BinaryGaussianProcessClassifierLaplace",)),
        (make_pipeline(StandardScaler(), SVC()), ("SVC",)),
        (make_pipeline(KNNImputer(), LogisticRegression()), ("KNNImputer",)),
        (make_pipeline(make_column_transformer((KNNImputer(), [0, 1])), LogisticRegression()), ("KNNImputer",)),
        (BaggingClassifier(KNeighborsClassifier(), n_estimators=2), ("KNeighborsClassifier",)),
        (StackingClassifier([("near", KNeighborsClassifier())]), ("KNeighborsClassifier",)),
        (CalibratedClassifierCV(SVC(), cv=2), ("SVC",)),
        (GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3]}, cv=2), ("KNeighborsClassifier",)),
        (make_pipeline(Nystroem(n_components=5), LogisticRegression()), ("Nystroem",)),
        (make_pipeline(PCA(2), LogisticRegression()), ()),
        (make_pipeline(StandardScaler(), LinearSVC()), ()),
        (GradientBoostingClassifier(n_estimators=2), ()),
        (MLPClassifier((4,), max_iter=3000, tol=0.1), ()),
        ("no estimator", ()),
    ],
)
def test_keepers(model, keepers):
    fitted = model if isinstance(model, str) else model.fit(X, Y)
    assert keepers_of_rows(fitted) == keepers


def test_such_models_are_packed_on_request_only():
    model = KNeighborsClassifier().fit(X, Y)
    with pytest.raises(UnsupportedModel, match="KNeighborsClassifier keeps rows of its training data"):
        Learnware.from_model(model, X, Y, name="neighbours")
    learnware = Learnware.from_model(model, X, Y, name="neighbours", share_training_rows=True)
    np.testing.assert_array_equal(learnware.predict(X), model.predict(X))


def test_support_vectors_are_found_in_onnx_too():
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node("SVMClassifier", ["X"], ["label", "scores"], domain="ai.onnx.ml")
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "converted", [], []))
    assert keepers_of_rows(model) == ("SVMClassifier",)
    assert keepers_of_rows(onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))) == ()
