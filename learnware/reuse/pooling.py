r"""Turn the answers of several learnwares into one: means, medians, votes, and coupling of different class sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_FLOOR = 1e-9


def weighted_mean(outputs: Array, weights: Array) -> Array:
    """Return the mean over members.

    Parameters
    ----------
    outputs : ndarray of shape (n_members, n_samples, n_outputs)
    weights : ndarray of shape (n_members,) or (n_members, n_samples)
        Summing to one over members.

    Returns
    -------
    ndarray of shape (n_samples, n_outputs)
    """
    if weights.ndim == 1:
        return np.asarray(np.tensordot(weights, outputs, axes=1))
    return np.asarray(np.einsum("kn,kno->no", weights, outputs))


def weighted_median(outputs: Array, weights: Array) -> Array:
    """Return the median over members: the value below and above which at most half the weight lies.

    Where half the weight lies exactly on either side, the two middle values are averaged, so equal weights give
    the usual median. Shapes as in `weighted_mean`.

    Examples
    --------
    >>> import numpy as np
    >>> outputs = np.array([1.0, 2.0, 9.0]).reshape(3, 1, 1)
    >>> weighted_median(outputs, np.full(3, 1 / 3)).item()
    2.0
    """
    order = np.argsort(outputs, axis=0, kind="stable")
    values = np.take_along_axis(outputs, order, axis=0)
    spread = weights.reshape(weights.shape + (1,) * (outputs.ndim - weights.ndim))
    mass = np.cumsum(np.take_along_axis(np.broadcast_to(spread, outputs.shape), order, axis=0), axis=0)
    lower = np.argmax(mass >= 0.5 - _FLOOR, axis=0)[None]
    upper = np.argmax(mass > 0.5 + _FLOOR, axis=0)[None]
    middle = np.take_along_axis(values, lower, axis=0) + np.take_along_axis(values, upper, axis=0)
    return np.asarray(middle[0] / 2.0)


def vote(outputs: Array, weights: Array) -> Array:
    """Return each class's share of the votes, every member voting for its most probable class."""
    ballots = np.zeros_like(outputs)
    np.put_along_axis(ballots, outputs.argmax(axis=2)[..., None], 1.0, axis=2)
    return weighted_mean(ballots, weights)


def couple(
    outputs: Array,
    known: npt.NDArray[np.bool_],
    weights: Array,
    *,
    prior: float = 0.02,
    max_iter: int = 60,
    tol: float = 1e-3,
) -> Array:
    r"""Join probabilities over different class sets into one distribution.

    A member that knows only the classes :math:`C_k` answers as if no others existed: its :math:`p_k(y|x)` is a
    distribution *given* that y is in :math:`C_k`. So p is chosen such that its restrictions fit the answers best,

    .. math:: \max_p \sum_k w_k \sum_{y \in C_k} p_k(y) \log \frac{p(y)}{p(C_k)},

    by Hunter's minorisation steps (a generalised Bradley-Terry model),

    .. math:: p(y) \leftarrow \frac{\sum_k w_k\,p_k(y) + \epsilon\,\bar p(y)}
                                   {\sum_{k:\,y \in C_k} w_k / p(C_k) + \epsilon},

    normalised after each step. A member that lacks a class thus says nothing for or against it, and one that knows
    a single class says nothing at all. When all class sets are equal this is the weighted mean. The small weight
    :math:`\epsilon` of the plain mean :math:`\bar p` settles what the answers leave open, such as the balance
    between two groups of classes that no member connects.

    Parameters
    ----------
    outputs : ndarray of shape (n_members, n_samples, n_classes)
        Probabilities, 0 for unknown classes.
    known : ndarray of bool of shape (n_members, n_classes)
        Which member knows which class.
    weights : ndarray of shape (n_members,) or (n_members, n_samples)
        Summing to one over members.
    prior : float, default=0.02
        The weight epsilon. Small, since the plain mean lets those who lack a class outvote those who know it.
    max_iter, tol : int, float
        Steps at most, and the largest change at which to stop.

    Returns
    -------
    ndarray of shape (n_samples, n_classes)

    References
    ----------
    D. R. Hunter, "MM algorithms for generalized Bradley-Terry models", Annals of Statistics 32, 2004.
    T.-K. Huang, R. C. Weng, C.-J. Lin, "Generalized Bradley-Terry models and multi-class probability estimates",
    JMLR 7, 2006.

    Examples
    --------
    Two members know {a, b}, two {b, c}; at a row of class c the first two must err, and do not outvote the others:

    >>> import numpy as np
    >>> outputs = np.array([[[0.1, 0.9, 0.0]]] * 2 + [[[0.0, 0.1, 0.9]]] * 2)
    >>> known = np.array([[True, True, False]] * 2 + [[False, True, True]] * 2)
    >>> couple(outputs, known, np.full(4, 0.25)).argmax().item()
    2
    """
    mean = weighted_mean(outputs, weights)
    sets, owner = np.unique(known, axis=0, return_inverse=True)
    if len(sets) == 1:
        return mean
    shares = _weight_of_sets(weights, np.ravel(owner), len(sets), outputs.shape[1])
    member_of = sets.astype(np.float64)
    estimate = (mean + _FLOOR) / (mean + _FLOOR).sum(axis=1, keepdims=True)
    for _ in range(max_iter):
        covered = np.maximum(estimate @ member_of.T, _FLOOR)
        fitted = (1.0 + prior) * mean / ((shares / covered) @ member_of + prior)
        fitted /= fitted.sum(axis=1, keepdims=True)
        change = np.abs(fitted - estimate).max(initial=0.0)
        estimate = fitted
        if change < tol:
            break
    return np.asarray(estimate)


def _weight_of_sets(weights: Array, owner: npt.NDArray[Any], n_sets: int, n_samples: int) -> Array:
    """Return the weight behind each distinct class set, for every row: shape (n_samples, n_sets)."""
    belongs = np.eye(n_sets)[owner]
    if weights.ndim == 1:
        return np.broadcast_to(weights @ belongs, (n_samples, n_sets))
    return np.asarray(weights.T @ belongs)
