"""Any samples as a matrix of numbers, for models that the user trains."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from learnware.reuse.encoding import points_of
from learnware.reuse.features import TableFeatures
from learnware.specification import Space

Array = npt.NDArray[np.float64]

#: Words are hashed to so many columns: enough for the vocabulary of a few thousand texts.
_N_WORDS = 2**15
_N_COMPONENTS = 100


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


class PlainFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Samples as numbers without an encoder: the columns of a table, what words texts have; images tell nothing.

    Examples
    --------
    >>> PlainFeatures().fit_transform(["a good meal", "a bad meal", "a match"]).shape
    (3, 3)
    >>> PlainFeatures().fit_transform(np.zeros((2, 8, 8, 3))).shape
    (2, 0)
    """

    def fit(self, X: Any, y: Any = None) -> PlainFeatures:
        """Learn words or columns; y is not used."""
        self.features_: Any = None
        if isinstance(X, list):
            directions = TruncatedSVD(_N_COMPONENTS, random_state=0)
            # Scikit-learn divides by the variance of the counts, which for a single text is 0.
            with np.errstate(invalid="ignore"):
                self.features_ = make_pipeline(word_counts(), directions, StandardScaler()).fit(X)
        elif getattr(X, "ndim", 2) == 2:
            self.features_ = TableFeatures().fit(X)
        return self

    def transform(self, X: Any) -> Array:
        """Return the matrix of shape (n_samples, n_features)."""
        return np.empty((len(X), 0)) if self.features_ is None else np.asarray(self.features_.transform(X))


class NearestClassMean(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    r"""Classify by the nearest mean of a class.

    .. math:: p(y|x) \propto \exp\big(-\|x - m_y\|^2 / 2 s^2\big)

    with :math:`s^2` the mean squared distance of rows to their class mean, for a single row for each class to those
    of the others. Gaussian classes of one spherical variance would have :math:`s^2 / d` in its place, for d features;
    the answer is made flatter on purpose, for a variance of few rows tells little. (Of digits, divided by d, the
    log loss on other rows is 3.8 instead of 1.4 after ten rows, and 1.4 instead of 1.8 only after a hundred.) It has
    nothing to choose, so a row for each class will do.

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
    """Return what turns samples into scaled numbers, texts and images by the encoder of a specification if any."""
    return PlainFeatures() if space is None or space.decodable else EncodedFeatures(space)


def word_counts() -> Any:
    """Return what turns texts into weighted counts of hashed words; no vocabulary is learned, so none can be empty."""
    hashed = HashingVectorizer(n_features=_N_WORDS, alternate_sign=False, norm=None)
    return make_pipeline(hashed, TfidfTransformer(sublinear_tf=True))
