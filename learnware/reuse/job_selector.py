"""Tell for each row whose job it is, or that it is nobody's; needs no labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from learnware._validation import RandomState, as_generator, check_fraction, check_int, check_option
from learnware.errors import InvalidParameter
from learnware.kernels import GaussianKernel, minimize_nonnegative
from learnware.reuse.averaging import pool
from learnware.reuse.base import Array, Ask, Reuser
from learnware.reuse.class_shares import ClassShift, training_shares
from learnware.reuse.encoding import points_of
from learnware.reuse.members import CLASSIFICATION, name_of
from learnware.reuse.novelty import Novelty
from learnware.reuse.rows import read_rows, take
from learnware.specification import RKME
from learnware.specification.frame import Frame

#: Mean embeddings below this are as good as none: the row is far from everything.
_NOWHERE = 1e-9

_FEWEST_NEIGHBOURS = 5


class JobSelectorReuser(Reuser):
    r"""Weight each learnware, row by row, by the probability that the row comes from its domain.

    The user's rows are seen as a mixture of the learnwares' domains and possibly of something that no learnware
    knows, :math:`P_u = \sum_k w_k P_k + w_0 P_{new}`. With mean embeddings :math:`\mu_k` from the specifications
    and :math:`\mu_u` from the rows,

    .. math:: w = \arg\min_{w \ge 0,\ \sum w \le 1} \Big\|\mu_u - \sum_k w_k \mu_k\Big\|^2, \qquad
              r_k(x) = \big(1 - r_0(x)\big) \frac{w_k\,\mu_k(x)}{\sum_l w_l\,\mu_l(x)},

    where :math:`r_k(x)` is the posterior probability of job k, and :math:`r_0(x)` that of none, by distances to nearest
    neighbours (see `Novelty`). Nothing is trained.
    For classes the answers are coupled with these weights, and classes that the user hardly has are held back, where
    the specifications tell how often each was met in training (see `ClassShift`).

    Parameters
    ----------
    learnwares : SearchResult, Mixture, or list of Hit or Learnware
        Each with a statistical specification. Of a search result all hits enter but those of hopeless estimated loss
        (see `hopeful`); most get the weight 0.
    gate : {"soft", "hard"}, default="soft"
        Weight the answers by :math:`r_k(x)`, or take that of the most probable learnware alone.
    max_rows : int, default=2000
        Rows that stand for the user; more are sampled.
    random_state : None, int or generator, default=None
        Seeds that sample.
    progress : bool, default=None
        Show a progress bar while learnwares are asked. None shows one when that takes long.

    Attributes
    ----------
    weights_ : ndarray of shape (n_members,)
        Share of the user's rows that is each learnware's job; with `reject_share_` they sum to one.
    reject_share_ : float
        Share that is nobody's job.
    shift_ : ClassShift or None
        Classification only: shares of the classes, of the learnwares and of the user.
    members_, task_, classes_, n_features_in_, feature_names_in_
        See `Reuser`.

    Notes
    -----
    The embedding of the user at one of the rows of ``fit`` leaves that row out, as it would otherwise count as
    evidence for itself. One round of expectation maximisation, :math:`w_k \leftarrow \frac1n \sum_x r_k(x)`, follows
    the least squares, whose weights suffer from what reduced sets leave out. Where an unknown domain overlaps known
    ones, part of it counts as theirs: `reject_share_` is too low, though the order of :math:`r_0(x)` may be good. Rows
    with missing values, and all if there are but a few, have :math:`r_0(x) = \max(0, 1 - \sum_k w_k\,\mu_k(x) /
    \mu_u(x))` of the kernels, where :math:`\mu_u` is the embedding of the user. Rows predicted although they are
    nobody's job get the answer of the members in the proportion of what is left of them; see `rejected`.

    References
    ----------
    Y.-J. Zhang, Y.-H. Yan, P. Zhao, Z.-H. Zhou, "Towards enabling learnware to handle unseen jobs", AAAI 2021.
    X.-Z. Wu, W. Xu, S. Liu, Z.-H. Zhou, "Model reuse with reduced kernel mean embedding specification", IEEE TKDE
    2023.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyRegressor
    >>> from learnware import Learnware
    >>> from learnware.reuse import JobSelectorReuser
    >>> rng = np.random.default_rng(0)
    >>> left, right, odd = (rng.normal(m, 1.0, (300, 2)) for m in (-4.0, 4.0, [[-12.0, 12.0]]))
    >>> team = [
    ...     Learnware.from_model(DummyRegressor(constant=c, strategy="constant").fit(D, np.zeros(300)), D,
    ...                          name=f"always {c}", task="regression", random_state=0)
    ...     for D, c in ((left, 1.0), (right, 2.0))
    ... ]
    >>> reuser = JobSelectorReuser(team, random_state=0).fit(np.vstack([left[:200], right[:200], odd[:100]]))
    >>> reuser.weights_.round(1).tolist(), round(reuser.reject_share_, 1)
    ([0.4, 0.4], 0.2)
    >>> reuser.predict([[-4.0, -4.0], [4.0, 4.0]]).round(1).tolist()
    [1.0, 2.0]
    >>> reuser.rejected([[-4.0, -4.0], [-12.0, 12.0]]).tolist()
    [False, True]
    """

    _whole = True
    _hopeful = True

    def __init__(
        self,
        learnwares: Any,
        *,
        gate: str = "soft",
        max_rows: int = 2000,
        random_state: RandomState = None,
        progress: bool | None = None,
    ) -> None:
        super().__init__(learnwares, progress=progress)
        self.gate = gate
        self.max_rows = max_rows
        self.random_state = random_state

    def responsibilities(self, X: Any) -> Array:
        """Return the probability of each learnware's domain, and last that of none.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Columns as in fit.

        Returns
        -------
        ndarray of shape (n_samples, n_members + 1)
            Rows sum to one.
        """
        check_is_fitted(self, "weights_")
        return self._responsibilities(self._points(read_rows(self, X, reset=False)))

    def rejected(self, X: Any, threshold: float = 0.5) -> npt.NDArray[np.bool_]:
        """Tell which rows are probably nobody's job.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Columns as in fit.
        threshold : float, default=0.5
            Reject where the probability of no domain is larger.

        Returns
        -------
        ndarray of bool of shape (n_samples,)
        """
        check_fraction(threshold, "threshold", "JobSelectorReuser.rejected")
        return np.asarray(self.responsibilities(X)[:, -1] > threshold)

    def _learn(self, X: Any, y: npt.NDArray[Any] | None, ask: Ask) -> None:
        check_option(self.gate, ("soft", "hard"), "gate", "JobSelectorReuser")
        check_int(self.max_rows, "max_rows", "JobSelectorReuser", minimum=2)
        generator = as_generator(self.random_state, "JobSelectorReuser")
        embeddings = self._embeddings()
        sample = None
        if len(X) > self.max_rows:
            sample = np.sort(generator.choice(len(X), self.max_rows, replace=False))
        points = self._points(X if sample is None else take(X, sample))
        filled = self._filled(points)
        user = RKME(filled, np.full(len(points), 1.0 / len(points)), self._space)
        self._frame = Frame.pool([*embeddings, user])
        # The middle one of the frame's widths. The widest blurs domains into each other and halves the reject share;
        # the narrowest sees no domain at all between a hundred points in ten dimensions.
        self._kernel = GaussianKernel((float(np.median(self._frame.kernel.gammas)),))
        self._rows = self._frame.apply(filled)
        self._row_keys = frozenset(row.tobytes() for row in self._rows)
        self._sets = [(self._frame.apply(e.points), e.weights) for e in embeddings]
        heights = self._heights(self._rows)
        self.weights_ = minimize_nonnegative(self._gram(), heights.mean(axis=0), max_sum=1.0)
        self._novelty = self._neighbours(_whole(points))
        shares = self._responsibilities(points).mean(axis=0)
        self.weights_, self.reject_share_ = shares[:-1], float(shares[-1])
        self.shift_ = self._estimated(points, sample, ask) if self.task_ == CLASSIFICATION else None

    def _estimated(self, points: Array, sample: npt.NDArray[np.intp] | None, ask: Ask) -> ClassShift | None:
        prior = training_shares(self._members.subset(self._used), self.classes_)
        return None if prior is None else ClassShift.estimate(self._gated(points, ask(sample)[self._used]), prior)

    def _embeddings(self) -> list[RKME]:
        embeddings: list[Any] = [getattr(learnware.specification, "statistical", None) for learnware in self.members_]
        for learnware, embedding in zip(self.members_, embeddings, strict=True):
            if embedding is None:
                raise InvalidParameter(
                    f"{name_of(learnware)} has no statistical specification, which JobSelectorReuser needs. "
                    "Leave it out, or use AveragingReuser."
                )
        self._space = embeddings[0].space
        aligned = [embedding.aligned_to(self._space) for embedding in embeddings]
        self._fill = np.median([embedding.location for embedding in aligned], axis=0)
        return aligned

    def _points(self, X: Any) -> Array:
        return points_of(X, self._space)

    def _filled(self, points: Array) -> Array:
        return np.where(np.isnan(points), self._fill, points)

    def _neighbours(self, whole: npt.NDArray[np.bool_]) -> Novelty | None:
        """Return what tells novelty by neighbours, if enough rows miss nothing; filled values lie far from all."""
        if whole.sum() <= _FEWEST_NEIGHBOURS:
            return None
        n_points = sum(len(points) for (points, _), weight in zip(self._sets, self.weights_, strict=True) if weight > 0)
        return Novelty(self._rows[whole], [points for points, _ in self._sets], n_points)

    def _gram(self) -> Array:
        K = np.array([[self._kernel.mean(P, Q, b) @ a for Q, b in self._sets] for P, a in self._sets])
        return np.asarray((K + K.T) / 2.0)

    def _heights(self, framed: Array) -> Array:
        """Return the embedding of each member at framed rows: shape (n_samples, n_members)."""
        return np.column_stack([self._kernel.mean(framed, Q, b) for Q, b in self._sets])

    def _user_height(self, framed: Array) -> Array:
        n_rows = len(self._rows)
        height = self._kernel.mean(framed, self._rows, np.full(n_rows, 1.0 / n_rows))
        if n_rows == 1:
            return np.asarray(height)
        own = np.fromiter((row.tobytes() in self._row_keys for row in framed), dtype=bool, count=len(framed))
        return np.asarray(np.where(own, (height * n_rows - 1.0) / (n_rows - 1), height))

    def _responsibilities(self, points: Array) -> Array:
        framed = self._frame.apply(self._filled(points))
        ratios = self.weights_ * self._heights(framed) / (self._user_height(framed)[:, None] + _NOWHERE)
        total = ratios.sum(axis=1)
        unknown = np.maximum(0.0, 1.0 - total)
        if self._novelty is not None:
            whole = _whole(points)
            unknown[whole] = self._novelty(framed[whole])
        unknown[total <= _NOWHERE] = 1.0
        known = ratios / np.maximum(total, _NOWHERE)[:, None]
        return np.column_stack([known * (1.0 - unknown)[:, None], unknown])

    @property
    def _used(self) -> npt.NDArray[np.intp]:
        # Where no learnware's domain is found at all, some answer is still due: everybody's.
        working = np.flatnonzero(self.weights_ > 0)
        return working if len(working) else np.arange(len(self._members))

    def _combine(self, X: Any, outputs: Array) -> Array:
        joined = self._gated(self._points(X), outputs)
        return joined if self.shift_ is None else self.shift_.apply(joined)

    def _gated(self, points: Array, outputs: Array) -> Array:
        """Return the answers of the members in ``_used``, weighted row by row."""
        used = self._used
        ratios = self._responsibilities(points)[:, used]
        if self.gate == "hard":
            ratios = np.eye(len(used))[ratios.argmax(axis=1)] * (ratios.max(axis=1, keepdims=True) > 0)
        prior = self.weights_[used] + _NOWHERE
        ratios = ratios + _NOWHERE * prior / prior.sum()
        gates = (ratios / ratios.sum(axis=1, keepdims=True)).T
        return pool("auto", outputs, self._members.subset(used), gates, getattr(self, "classes_", None))


def _whole(points: Array) -> npt.NDArray[np.bool_]:
    """Tell which rows miss no value."""
    return np.asarray(~np.isnan(points).any(axis=1))
