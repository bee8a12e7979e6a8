"""Any samples as a matrix of numbers, for models that the user trains."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from learnware.reuse.encoding import points_of
from learnware.reuse.features import TableFeatures
from learnware.specification import Space

Array = npt.NDArray[np.float64]

#: Words are hashed to so many columns: enough for the vocabulary of a few thousand texts.
_N_WORDS = 2**15


class EncodedFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Points of an encoder of texts or images, each coordinate scaled.

    Parameters
    ----------
    space : Space
        Names the encoder.
    """

    def __init__(self, space: Space) -> None:
        self.space = space

    def fit(self, X: Any, y: Any = None) -> EncodedFeatures:
        """Learn the scales; y is not used."""
        self.scaler_ = StandardScaler().fit(points_of(X, self.space))
        return self

    def transform(self, X: Any) -> Array:
        """Return the matrix of shape (n_samples, n_features)."""
        return np.asarray(self.scaler_.transform(points_of(X, self.space)))


class NearestClassMean(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    r"""Classify by the nearest mean of a class, as Gaussian classes of one common spherical variance would.

    .. math:: p(y|x) \propto \exp\big(-\|x - m_y\|^2 / 2 s^2\big)

    with :math:`s^2` the mean squared distance of rows to their class mean, for a single row for each class to those
    of the others. It has nothing to choose, so a row for each class will do.

    Examples
    --------
    >>> NearestClassMean().fit([[0.0], [1.0], [9.0]], ["a", "a", "b"]).predict([[2.0], [8.0]]).tolist()
    ['a', 'b']
    """

    def fit(self, X: Any, y: npt.ArrayLike) -> NearestClassMean:
        """Fit on features of shape (n_samples, n_features)."""
        X = np.asarray(X, dtype=np.float64)
        self.classes_, place = np.unique(np.asarray(y), return_inverse=True)
        self.means_ = np.array([X[place == i].mean(axis=0) for i in range(len(self.classes_))])
        n_free = len(X) - len(self.classes_)
        spread = ((X - self.means_[place]) ** 2).sum() / n_free if n_free else X.var(axis=0).sum()
        self.variance_ = max(float(spread), 1e-12)
        return self

    def predict_proba(self, X: Any) -> Array:
        """Predict probabilities of ``classes_``."""
        X = np.asarray(X, dtype=np.float64)
        distances = (X**2).sum(axis=1, keepdims=True) - 2.0 * X @ self.means_.T + (self.means_**2).sum(axis=1)
        logits = -distances / (2.0 * self.variance_)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict labels."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


def features_of(space: Space | None) -> Any:
    """Return what turns samples into scaled numbers: the columns of a table, or the points of an encoder."""
    return TableFeatures() if space is None or space.decodable else EncodedFeatures(space)


def word_counts() -> Any:
    """Return what turns texts into weighted counts of hashed words; no vocabulary is learned, so none can be empty."""
    hashed = HashingVectorizer(n_features=_N_WORDS, alternate_sign=False, norm=None)
    return make_pipeline(hashed, TfidfTransformer(sublinear_tf=True))
