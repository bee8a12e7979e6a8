"""Leave out learnwares that the search expects to err far more than others, before any reuse without labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from learnware.reuse.members import CLASSIFICATION, Members

#: Chosen on seeds 0 and 1 of tests/benchmarks/corruption.py; 1.5 and 0.1 keep more that are corrupted.
_RATIO, _MARGIN = 1.25, 0.05
#: Where not even the best are expected to explain half of the variance, estimates of values are not believed: in
#: markets of shops (Favorita) they say so of learnwares that are good. Chosen there.
_TELLING = 0.5
#: The best are so many, as the least of many estimates is too low; of few at most half, or who is judged is among them.
_MOST_BEST = 3
#: A share in the mixture below this covers no part of the rows.
_LEAST_SHARE = 0.05


def hopeful(members: Members) -> list[int]:
    r"""Return the positions of the members that reuse without labels should listen to.

    A learnware is left out if its estimated loss is far above the mean b of the best three, or of the better half of
    fewer than six, above :math:`\max(1.25\,b, b + 0.05)`. Who knows few of the user's classes errs on all others and
    may still be the only one who knows a class. So the best are sought among those that know no class beyond its own,
    who should err more. Likewise stays who has a share in the search's mixture, and may be the only one for a part of
    the rows; the search has left those out of it whom others contradict. A learnware whose loss is not known stays.
    Of values, all stay where b is at least 0.5: then the search does not know who is good.

    Parameters
    ----------
    members : Members
    """
    losses = members.losses
    if losses is None or np.isnan(losses).all():
        return list(range(len(members)))
    peers = _peers(members) & ~np.isnan(losses)
    best = np.array([_mean_of_best(losses[row]) for row in peers])
    # Of an unknown loss the comparison is false.
    hopeless = losses > np.maximum(_RATIO * best, best + _MARGIN)
    if members.task != CLASSIFICATION:
        hopeless &= best < _TELLING
    if members.weights is not None:
        hopeless &= members.weights <= _LEAST_SHARE
    return [int(i) for i in np.flatnonzero(~hopeless)]


def _mean_of_best(losses: npt.NDArray[np.float64]) -> float:
    n_best = max(1, min(_MOST_BEST, len(losses) // 2))
    return float(np.sort(losses)[:n_best].mean()) if len(losses) else np.inf


def _peers(members: Members) -> npt.NDArray[np.bool_]:
    """Tell by whom each member is judged: those that know no class beyond its own, itself among them."""
    if members.task != CLASSIFICATION:
        return np.ones((len(members), len(members)), dtype=bool)
    known = members.known(members.classes()).astype(np.float32)
    return np.asarray((1.0 - known) @ known.T == 0.0)
