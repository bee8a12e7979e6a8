"""Pick the learnwares that together fit the labels best, one at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._validation import RandomState, check_int
from learnware.reuse.base import Array
from learnware.reuse.combination import LearnedCombination
from learnware.reuse.evidence import Evidence
from learnware.reuse.labels import places

_FLOOR = 1e-4
_LEAST_BAG = 3


class EnsembleSelectionReuser(LearnedCombination):
    r"""Average a multiset of learnwares and own models, grown greedily by the loss on labelled rows.

    Start with `prior_weight` copies of the answer that needs no labels. In each step add, with replacement, the one
    that lowers the loss of the mean most,

    .. math:: S_{t+1} = S_t \cup \Big\{ \arg\min_k
              \frac1n \sum_i \ell\Big( \frac{\sum_{j \in S_t} f_j(x_i) + f_k(x_i)}{|S_t| + 1},\ y_i \Big) \Big\},

    with the squared error, or for classes the log loss, and keep the best of all prefixes. This is done for `n_bags`
    random halves of the learnwares, the user's own models in each, and the weights are averaged: selection among
    many by few labels is luck, which bags even out. The copies of the prior are worth as many picks, so that a few
    labels change little.

    Parameters
    ----------
    learnwares : SearchResult, Mixture, or list of Hit or Learnware
        Candidates. Of a search result all hits enter.
    own_model : scikit-learn estimator, default=None
        What the user would train without learnwares; it takes X as it is. None: a few that suit the number of
        labels. False: none. They compete by answers to rows that they were not fitted on.
    prior_weight : int, default=5
        Copies of the label-free answer to start with.
    n_steps : int, default=40
        Picks in each bag.
    n_bags : int, default=20
        Bags; 1 takes all learnwares at once.
    random_state : None, int or generator, default=None
        Seeds the bags.
    progress : bool, default=None
        Show a progress bar while learnwares are asked. None shows one when that takes long.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
        Share of each learnware.
    own_weights_ : ndarray of shape (n_own_models,)
        Share of the user's own models.
    prior_weight_ : float
        Share of the label-free answer; with the other shares it sums to one.
    members_, task_, classes_, n_features_in_, feature_names_in_
        See `Reuser`.

    Notes
    -----
    A learnware that knows other classes than the labels have is given the label-free answer outside of its own, and
    classes that the labels have hardly are held back: n labels of the class of C count as
    :math:`\min(1, C (n_y + 1/2) / (n + C/2))`. One whose classes are named otherwise is translated by a
    `BridgeHead`.

    References
    ----------
    R. Caruana, A. Niculescu-Mizil, G. Crew, A. Ksikes, "Ensemble selection from libraries of models", ICML 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from learnware import Learnware
    >>> from learnware.reuse import EnsembleSelectionReuser
    >>> X = np.arange(40.0).reshape(-1, 1)
    >>> team = [
    ...     Learnware.from_model(LinearRegression().fit(X, X[:, 0] * slope), X, name=f"{slope}", task="regression")
    ...     for slope in (1.0, 2.0, 4.0)
    ... ]
    >>> reuser = EnsembleSelectionReuser(team, own_model=False, n_bags=1, prior_weight=0).fit(X, 3.0 * X[:, 0])
    >>> float(reuser.predict([[10.0]])[0].round(1))
    30.0
    """

    def __init__(
        self,
        learnwares: Any,
        *,
        own_model: Any = None,
        prior_weight: int = 5,
        n_steps: int = 40,
        n_bags: int = 20,
        random_state: RandomState = None,
        progress: bool | None = None,
    ) -> None:
        super().__init__(learnwares, own_model=own_model, random_state=random_state, progress=progress)
        self.prior_weight = prior_weight
        self.n_steps = n_steps
        self.n_bags = n_bags

    def _weigh(self, evidence: Evidence, y: npt.NDArray[Any], generator: np.random.Generator) -> None:
        caller = type(self).__name__
        copies = check_int(self.prior_weight, "prior_weight", caller, minimum=0)
        n_steps, n_bags = check_int(self.n_steps, "n_steps", caller), check_int(self.n_bags, "n_bags", caller)
        classes = getattr(self, "classes_", None)
        self._hold_back(y)
        prior, answers = self._answers(evidence, np.arange(len(evidence.members)))
        if classes is None:
            chances, start, target = answers, prior, y.reshape(prior.shape)
        else:
            rows, place = np.arange(len(y)), places(y, classes)
            chances, start, target = answers[:, rows, place], prior[rows, place], None
        always = len(evidence.own)
        shares = bagged_selection(
            chances, target, start, copies, n_steps=n_steps, n_bags=n_bags, always=always, generator=generator
        )
        n_members = len(evidence.members)
        self.weights_, self.own_weights_ = shares[:n_members], shares[n_members:-1]
        self.prior_weight_ = float(shares[-1])

    def _blend(self, evidence: Evidence) -> Array:
        prior, answers = self._answers(evidence, np.arange(len(evidence.members)))
        shares = np.concatenate([self.weights_, self.own_weights_])
        return np.asarray(np.tensordot(shares, answers, axes=1) + self.prior_weight_ * prior)


def bagged_selection(
    answers: Array,
    target: Array | None,
    start: Array,
    copies: int,
    *,
    n_steps: int,
    n_bags: int,
    always: int,
    generator: np.random.Generator,
) -> Array:
    """Return the mean shares of selections from random halves: shape (n_candidates + 1,), the start's last.

    Parameters as in `select`, and

    Parameters
    ----------
    n_bags : int
        One bag holds everybody.
    always : int
        The last so many candidates are in each bag.
    """
    n_candidates = len(answers)
    n_drawn = n_candidates - always
    size = n_drawn if n_bags == 1 else max(min(_LEAST_BAG, n_drawn), (n_drawn + 1) // 2)
    shares = np.zeros(n_candidates + 1)
    for _ in range(n_bags):
        drawn = generator.permutation(n_drawn)[:size]
        bag = np.sort(np.concatenate([drawn, np.arange(n_drawn, n_candidates)]))
        counts = select(answers[bag], target, start, copies, n_steps=n_steps)
        shares[np.append(bag, n_candidates)] += counts / counts.sum() / n_bags
    return shares


def select(answers: Array, target: Array | None, start: Array, copies: int, *, n_steps: int) -> Array:
    """Return how often each candidate is picked, and last how often the start counts: shape (n_candidates + 1,).

    Parameters
    ----------
    answers : ndarray of shape (n_candidates, n_samples, n_outputs) or (n_candidates, n_samples)
        Values; or without target the probabilities of the true classes.
    target : ndarray of shape (n_samples, n_outputs), default=None
        True values.
    start : ndarray, as one of `answers`
        What to start with.
    copies : int
        How often it counts.
    n_steps : int
        Picks; the best prefix of them is kept, the earliest of equals.
    """
    counts = np.zeros(len(answers) + 1)
    counts[-1] = copies
    total, best, kept = copies * start, np.inf, counts.copy()
    if copies:
        best = float(_loss(start[None], target)[0])
    for step in range(n_steps):
        losses = _loss((total + answers) / (copies + step + 1), target)
        pick = int(losses.argmin())
        total = total + answers[pick]
        counts[pick] += 1
        if losses[pick] < best - 1e-12:
            best, kept = float(losses[pick]), counts.copy()
    return kept


def _loss(means: Array, target: Array | None) -> Array:
    """Return the mean squared error or log loss of each mean."""
    flat = means.reshape(len(means), -1)
    if target is None:
        return np.asarray(-np.log(np.maximum(flat, _FLOOR)).mean(axis=1))
    return np.asarray(((flat - target.reshape(1, -1)) ** 2).mean(axis=1))
