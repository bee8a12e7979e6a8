"""How wrong a learnware would be for the user: estimated from what learnwares answer at each other's points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learnware.kernels import minimize_on_simplex
from learnware.market.organizer import Answers, Island
from learnware.market.organizer.capability import MOST_LOSS, Truth, best_constant
from learnware.market.organizer.hearing import Hearing
from learnware.market.searcher.peers import N_JUDGED, Peer, closeness, groups, peers_near, surrogates
from learnware.market.searcher.statistical import Neighbours, Query, Scan
from learnware.specification import PointLabels

# The constants below were chosen on digits, wine, breast cancer and drawn tables; see tests/benchmarks/corruption.py.
_RIDGE = 0.1
_LEAST_WEIGHT = 0.01
_MOST_IMPORTANCE = 10.0
_N_PEERS = 8
_DOUBT, _USERS_DOUBT = 0.25, 0.05
_COVERED_FROM, _COVERED_AT = 0.3, 0.85
_HOPELESS, _HOPELESS_BY = 1.5, 0.1
_LEAST_BELIEF = 0.3
# Of values, larger ones do not tell who is better. Chosen on Favorita and sixty stores of Rossmann, where estimates of
# 0.5 to 1.5 misled; the drawn tables do as well without.
_TELLING = 0.5
_LEAST_CONSTANT = 0.02
_UNEXPLAINED = 0.03

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Judgement:
    """What is thought of the learnwares nearest to a user.

    Attributes
    ----------
    losses : ndarray of shape (n_learnwares,)
        Estimated loss on the user's task; NaN where nothing is known.
    useless : ndarray of bool of shape (n_learnwares,)
        No part of a mixture: contradicted by all that know the same region or, where the user has labels, far worse
        than the best.
    """

    losses: Floats
    useless: npt.NDArray[np.bool_]

    @property
    def order(self) -> Rows:
        """Positions of the learnwares with those of known loss by it; the others keep their place."""
        order = np.arange(len(self.losses))
        known = np.flatnonzero(~np.isnan(self.losses))
        order[known] = known[np.argsort(self.losses[known], kind="stable")]
        return order


def estimate_losses(hearing: Hearing, scan: Scan, near: Neighbours) -> Judgement:
    r"""Estimate the loss on the user's task of the learnwares nearest to them.

    With weights w under which the 30 learnwares t nearest to the user come nearest to them (by a quadratic program with
    a ridge, so that weight is shared by those that are alike),

    .. math:: \widehat{\mathrm{loss}}_j = \frac{\sum_t w_t r_t \sum_{z \in t} b_z \rho_t(z)\, \ell(f_j(z), f_t(z))}
              {\sum_t w_t r_t \sum_{z \in t} b_z \rho_t(z)}

    where z runs over the points of t with weights b, :math:`\rho_t = \min(10, \mu_u / \mu_t)` makes those count that
    lie where the user's data lie, and :math:`\ell` is the probability of a wrong class, or the squared error over the
    variance. What :math:`f_j` answers at z was asked when it was submitted, or is the kernel mean of its outputs at its
    own points. To this comes :math:`0.03\,(1 - \mathrm{fit}_j)`, so that the loss of a classifier may exceed 1.

    Nobody judges itself: for its own points a learnware gets the loss of the one that agrees best with it there. And
    who is contradicted by all that know the same region is believed little: with :math:`q_t` that least loss over the
    loss of a constant answer, and q the lower quartile of all :math:`q_t`, :math:`r_t = \exp(-(q_t - q)_+ / 0.25)`
    where others cover the points of t, and 1 where nobody does.

    A user with labels judges first: the loss of the nearest 100 at the user's points, by kernel means of their outputs
    there, against the labels. The 30 of the least such loss then judge each other as above, believed by
    :math:`r_t \exp(-(\mathrm{loss}_t - \min_s \mathrm{loss}_s) / 0.05)`; their estimate is the mean of the two losses,
    that of the others the first.

    Values are not estimated where not even the best three are expected to explain half of the variance.

    Texts and images, and tables of more than 256 classes, are not asked about, and to judge each other by kernel means
    alone ranks worse than distance does: there nothing is estimated without labels, and with them their loss alone.

    Parameters
    ----------
    hearing : Hearing
        Knows what models answered.
    scan : Scan
        The island, and the user on it.
    near : Neighbours
        Learnwares to estimate for, the nearest first.

    Returns
    -------
    Judgement

    References
    ----------
    Y. Xie, Z.-H. Tan, Y. Jiang, Z.-H. Zhou. "Identifying Helpful Learnwares Without Examining the Whole Market". ECAI
    2023.
    """
    island, query = scan.island, scan.query
    members, answers = peers_near(hearing, island.ruler[1], query, near)
    losses, useless = np.full(len(near.rows), np.nan), np.zeros(len(near.rows), dtype=bool)
    # Of those that answer alike, the one made for data more like the user's is the safer choice.
    apart = _UNEXPLAINED * (1.0 - near.fits)
    if query.labels is None:
        for group in groups(members):
            judged, beliefs = _by_others(answers, island, query, near, group)
            if group[0].labels.classes is not None or _best(judged) < _TELLING:
                losses[_positions(group)], useless[_positions(group)] = judged, beliefs < _LEAST_BELIEF
    elif members:
        told = _by_user(island, query, query.labels, members)
        losses[_positions(members)] = told
        order = np.argsort(told, kind="stable")
        judging = [i for i in order[:N_JUDGED] if members[i].asked]
        if len(judging) > 1:
            group = [members[i] for i in judging]
            judged, _ = _by_others(answers, island, query, near, group, told[judging])
            losses[_positions(group)] = 0.5 * (judged + told[judging])
        useless = _hopeless(losses + apart)
        # Others may contradict whoever agrees best with the user: the user is right.
        useless[members[order[0]].position] = False
    return Judgement(losses + apart, useless)


def _positions(group: Sequence[Peer]) -> list[int]:
    return [member.position for member in group]


def _hopeless(losses: Floats) -> npt.NDArray[np.bool_]:
    """Tell which are so much worse than the best that they would only harm a mixture."""
    best = _best(losses)
    return np.nan_to_num(losses, nan=0.0) > max(_HOPELESS * best, best + _HOPELESS_BY)


def _best(losses: Floats) -> float:
    """Return the mean of the least three losses, or of the lower half of fewer than six: infinite if none is known."""
    known = np.sort(losses[~np.isnan(losses)])
    return float(known[: max(1, min(3, len(known) // 2))].mean()) if len(known) else np.inf


def _by_user(island: Island, query: Query, labels: PointLabels, group: Sequence[Peer]) -> Floats:
    """Return the loss of every member against the user's labels."""
    truth = Truth.of([(labels, labels.values, query.weights)])
    said = surrogates(island, query.points.astype(np.float32), group)
    return np.array([truth.losses(a, m.labels) @ query.weights for a, m in zip(said, group, strict=True)])


def _by_others(
    answers: Answers,
    island: Island,
    query: Query,
    near: Neighbours,
    group: list[Peer],
    told: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Return the loss of every member by the answers of the others, and how far each is to be believed."""
    gram, products = _gram(island, near, group)
    weights = minimize_on_simplex(gram + _RIDGE * np.diag(np.diag(gram)), products)
    fits = _fits(group, gram)
    heard = np.flatnonzero(weights > _LEAST_WEIGHT)
    columns = _columns(answers, island, group, heard)
    doubts = np.array([_without_own_voice(c, fits, group, int(t)) for t, c in zip(heard, columns, strict=True)])
    covered = np.clip((fits[:, heard].max(axis=0) - _COVERED_FROM) / (_COVERED_AT - _COVERED_FROM), 0.0, 1.0)
    beliefs = np.ones(len(group))
    beliefs[heard] = np.exp(-covered * np.maximum(doubts - np.quantile(doubts, 0.25), 0.0) / _DOUBT)
    voices = weights * beliefs
    if told is not None:
        voices = voices * np.exp(-(told - told.min()) / _USERS_DOUBT)
    total, mass = np.zeros(len(group)), 0.0
    importances = _importances(island, query, [group[t] for t in heard])
    for t, column, importance in zip(heard, columns, importances, strict=True):
        counted = voices[t] * group[t].shares * importance
        total += column @ counted
        mass += float(counted.sum())
    judged = np.minimum(total / mass, MOST_LOSS) if mass > 0.0 else np.full(len(group), np.nan)
    return judged, beliefs


def _without_own_voice(column: Floats, fits: Floats, group: list[Peer], t: int) -> float:
    """Give a learnware the loss of its best peer at its own points; return that over the loss of a constant answer."""
    member, peers = group[t], np.argsort(-fits[:, t], kind="stable")[: min(_N_PEERS, len(group) - 1)]
    means = column[peers] @ member.shares
    column[t] = column[peers[means.argmin()]]
    constant = best_constant(member.truth, member.labels, member.shares)
    return float(means.min()) / max(constant, _LEAST_CONSTANT)


def _columns(answers: Answers, island: Island, group: list[Peer], heard: Rows) -> list[Floats]:
    """Return, for each of `heard`, the loss of every member at each of its probes."""
    asked = [group[t] for t in heard]
    points = np.concatenate([member.points[member.probes] for member in asked])
    ends = np.cumsum([len(member.probes) for member in asked])
    truth = Truth.of([(member.labels, member.truth, member.shares) for member in asked])
    losses = np.empty((len(group), len(points)))
    for j, (member, said) in enumerate(zip(group, surrogates(island, points, group), strict=True)):
        for other, end in zip(asked, ends, strict=True):
            known = answers.at(member.digest, other.digest, member.labels, len(other.probes))
            if known is not None:
                said[end - len(other.probes) : end] = known
        losses[j] = truth.losses(said, member.labels)
    return np.split(losses, ends[:-1], axis=1)


def _gram(island: Island, near: Neighbours, group: list[Peer]) -> tuple[Floats, Floats]:
    positions = [member.position for member in group]
    rows = near.rows[positions]
    sketches = island.sketches(rows).astype(np.float64)
    gram = sketches @ sketches.T
    np.fill_diagonal(gram, np.maximum(island.self_products[rows], np.diag(gram)))
    return gram, near.products[positions]


def _fits(group: list[Peer], gram: Floats) -> Floats:
    """Return the share of each embedding that every other explains, freed of sampling noise; -1 for itself."""
    rows = [one.member.embedding.n_samples or len(one.weights) for one in group]
    own = np.diag(gram)
    length = np.maximum(own - (1.0 - own) / np.array(rows), 0.25 * own)
    fits = np.clip(gram**2 / np.outer(length, length), 0.0, 1.0)
    np.fill_diagonal(fits, -1.0)
    return np.asarray(fits)


def _importances(island: Island, query: Query, members: Sequence[Peer]) -> list[Floats]:
    """Return how much denser the user's data lie at the probes of learnwares than their own."""
    probes = [member.points[member.probes] for member in members]
    users = closeness(island, np.concatenate(probes), query.points.astype(np.float32)) @ query.weights
    own = [closeness(island, p, m.points) @ m.weights for p, m in zip(probes, members, strict=True)]
    importances = np.minimum(users / (np.concatenate(own) + 1e-9), _MOST_IMPORTANCE)
    return np.split(importances, np.cumsum([len(each) for each in own])[:-1])
