"""Models that a user would train on a few labels of their own, by the kind of samples and the number of labels."""

from __future__ import annotations

from typing import Any

from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import KFold
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline

from learnware.reuse.features import TableFeatures
from learnware.reuse.members import CLASSIFICATION
from learnware.reuse.own_model import linear_model
from learnware.reuse.sample_features import EncodedFeatures, NearestClassMean, word_counts
from learnware.specification import Space

_ENOUGH_FOR_BOOSTING = 100
_ENOUGH_FOR_LINEAR = 10
_N_COMPONENTS = 100
#: Leaving each of more texts out takes time that grows with the cube of their number. Of generated texts folds choose
#: as well from here on; singular vectors of the counts are as quick, and lose values that hang on single words.
_MANY_TEXTS = 1000
_STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)


def portfolio(task: str, n_samples: int, data: str = "table", space: Space | None = None) -> dict[str, Any]:
    """Return unfitted models by name that suit so many labelled samples.

    Parameters
    ----------
    task : {"Classification", "Regression"}
    n_samples : int
    data : {"table", "text", "image"}, default="table"
    space : Space, default=None
        Names the encoder of images; without it there is no model of images.
    """
    if data == "text":
        return _of_texts(task, n_samples)
    if data == "image":
        return {} if space is None else _of_images(task, n_samples, space)
    return _of_tables(task, n_samples)


def _of_tables(task: str, n_samples: int) -> dict[str, Any]:
    classify = task == CLASSIFICATION
    models = {"linear": linear_model(task), "neighbours": _neighbours(task, n_samples)}
    if n_samples < _ENOUGH_FOR_BOOSTING * 10:
        trees = ExtraTreesClassifier if classify else ExtraTreesRegressor
        models["trees"] = trees(60, min_samples_leaf=1 if classify else 2, random_state=0)
    if n_samples >= _ENOUGH_FOR_BOOSTING:
        boosting = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
        models["boosting"] = boosting(random_state=0, early_stopping=False, max_iter=60)
    return {name: make_pipeline(TableFeatures(), model) for name, model in models.items()}


def _of_texts(task: str, n_samples: int) -> dict[str, Any]:
    if task != CLASSIFICATION:
        folds = KFold(3, shuffle=True, random_state=0)
        model = linear_model(task) if n_samples <= _MANY_TEXTS else RidgeCV(_STRENGTHS, cv=folds)
        return {"linear": make_pipeline(word_counts(), model)}
    return {
        "naive Bayes": make_pipeline(word_counts(), MultinomialNB(alpha=0.1)),
        "linear": make_pipeline(word_counts(), LogisticRegression(C=10.0, max_iter=100)),
    }


def _of_images(task: str, n_samples: int, space: Space) -> dict[str, Any]:
    models: dict[str, Any] = {}
    if task == CLASSIFICATION:
        models["class means"] = NearestClassMean()
    else:
        models["neighbours"] = _neighbours(task, n_samples)
    if n_samples >= _ENOUGH_FOR_LINEAR:
        n_components = min(_N_COMPONENTS, n_samples // 2, space.n_features)
        # A linear model on all coordinates takes minutes for a thousand images and predicts no better.
        models["linear"] = make_pipeline(TruncatedSVD(n_components, random_state=0), linear_model(task))
    return {name: make_pipeline(EncodedFeatures(space), model) for name, model in models.items()}


def _neighbours(task: str, n_samples: int) -> Any:
    n_neighbors = max(1, min(5, n_samples // 3))
    return (KNeighborsClassifier if task == CLASSIFICATION else KNeighborsRegressor)(n_neighbors, weights="distance")
