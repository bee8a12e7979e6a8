"""The main job in small, as ``learnware demo`` runs it: developers submit, a user searches and reuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._validation import RandomState, as_generator
from learnware.bundle import Learnware
from learnware.market import Market
from learnware.specification import Specification

N_DEVELOPERS = 10
N_LABELS = 20

_Array = npt.NDArray[Any]


def run(random_state: RandomState = 0) -> dict[str, Any]:
    """Let ten developers who know four digits each serve a user who has five.

    Parameters
    ----------
    random_state : None, int or generator, default=0
        Seeds who gets which rows.

    Returns
    -------
    dict
        ``n_learnwares``, ``verdict``, and ``accuracy`` on the user's rows by method.
    """
    from sklearn.datasets import load_digits

    generator = as_generator(random_state, "demo.run")
    X, y = load_digits(return_X_y=True)
    order = generator.permutation(len(X))
    developers, user = order[: len(X) // 2], order[len(X) // 2 :]
    market = Market.open()
    for number in range(N_DEVELOPERS):
        digits = [(number + step) % 10 for step in range(4)]
        known = developers[np.isin(y[developers], digits)]
        market.submit(_learnware(X[known], y[known], digits))
    rows = user[np.isin(y[user], [1, 2, 5, 6, 9])]
    result = market.search(Specification.from_data(X[rows], random_state=generator))
    singles = [market.fetch(learnware_id).predict(X[rows]) for learnware_id in market]
    accuracy = {
        "best single learnware (needs all labels to know)": max(np.mean(s == y[rows]) for s in singles),
        "mean over all learnwares": np.mean([np.mean(s == y[rows]) for s in singles]),
        **_reused(result, X[rows], y[rows], generator.choice(len(rows), N_LABELS, replace=False)),
    }
    return {
        "n_learnwares": len(market),
        "verdict": result.verdict,
        "accuracy": {method: round(float(value), 4) for method, value in accuracy.items()},
    }


def _learnware(X: _Array, y: _Array, digits: list[int]) -> Learnware:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(30, random_state=0).fit(X, y)
    name = f"Handwritten digits {', '.join(map(str, sorted(digits)))}"
    return Learnware.from_model(model, X, y, name=name, scenarios="Education", random_state=0)


def _reused(result: Any, X: _Array, y: _Array, few: _Array) -> dict[str, float]:
    from learnware.reuse import AveragingReuser, JobSelectorReuser, Reuser

    auto = Reuser.auto(result, random_state=0)
    return {
        "nearest learnware": np.mean(result.hits[0].learnware.predict(X) == y),
        "mixture, averaged": AveragingReuser(result).fit(X).score(X, y),
        "job selector": JobSelectorReuser(result, random_state=0).fit(X).score(X, y),
        "auto, no labels": auto.fit(X).score(X, y),
        f"auto, {N_LABELS} labels": auto.fit(X[few], y[few], unlabelled=X).score(X, y),
    }
