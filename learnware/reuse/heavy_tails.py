"""Learn values from few labels of which some lie far off, and go no farther than they tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from learnware.reuse.candidates import Candidate
from learnware.reuse.choice import Outcome, Trial

Array = npt.NDArray[np.float64]

_MEDIAN_DEVIATIONS = 1.4826
#: Standard errors by which learning from labels as they are must be better. Chosen on Favorita, Rossmann, Beijing air
#: and the years of Walmart before the one that is reported.
_SURELY = 2.0
#: A correction goes so many times the usual size, or as far as so many times log n held-out rows. Chosen on the same
#: sets: three times alone loses gains with 500 labels, and as far as log n rows is less safe with 100.
_USUALLY, _OFTEN = 3.0, 2.0


def cautious(trial: Trial, candidates: Sequence[Candidate]) -> Outcome:
    r"""Return how the prior and its rivals are best blended, with labels far off held in bounds.

    A few labels far off, such as logarithms of sales near zero, decide a least-squares fit to a hundred. So all ways
    and the blend learn from bounded labels, and from the labels as they are only where these have answered held-out
    rows better by two standard errors, as they do where it can be foreseen which labels are far off.

    Parameters
    ----------
    trial : Trial
        Of values.
    candidates : sequence of Candidate
    """
    truth = trial.truth
    near = bounded(truth, trial.evidence.prior)
    as_they_are = trial.outcome(candidates)
    if (near == truth).all():
        return as_they_are
    safe = trial.relabelled(near.reshape(trial.y.shape)).outcome(candidates)
    gains = ((safe.blended - truth) ** 2 - (as_they_are.blended - truth) ** 2).mean(axis=1)
    surely = gains.mean() > _SURELY * gains.std(ddof=1) / np.sqrt(len(gains))
    return as_they_are if surely else safe


def bounded(truth: Array, prior: Array) -> Array:
    r"""Return labels no farther from the prior than is usual for so many.

    .. math:: y' = f_0 + \min\big(\max(y - f_0, -\tau), \tau\big), \qquad
              \tau = 1.4826\ \mathrm{MAD}(y - f_0) \sqrt{n / \log n}

    with the median absolute deviation from the median. The bound grows with the number of labels, so that with many
    nothing is lost.

    Parameters
    ----------
    truth, prior : ndarray of shape (n_samples, n_outputs)
        At least two rows.

    References
    ----------
    Q. Sun, W.-X. Zhou, J. Fan, "Adaptive Huber regression", Journal of the American Statistical Association 115, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.array([-1.0, 0.0, 1.0, -1.0, 0.0, 1.0, 0.0, 100.0])[:, None]
    >>> bounded(truth, np.zeros((8, 1)))[:, 0].round(1).tolist()
    [-1.0, 0.0, 1.0, -1.0, 0.0, 1.0, 0.0, 2.9]
    """
    residual = truth - prior
    deviation = _MEDIAN_DEVIATIONS * np.median(np.abs(residual - np.median(residual, axis=0)), axis=0)
    # More than half of the labels are one and the same distance off: no scale to tell what is far.
    bound = np.where(deviation > 0, deviation * np.sqrt(len(truth) / np.log(len(truth))), np.inf)
    return np.where(np.abs(residual) <= bound, truth, prior + np.sign(residual) * np.minimum(np.abs(residual), bound))


def reach(corrections: Array) -> Array:
    r"""Return how far a correction of the prior may go: shape (n_outputs,).

    .. math:: \rho = \max\Big( 3, \sqrt{\frac{n}{2 \log n}} \Big) \sqrt{\textstyle\frac1n \sum_i g_i^2}

    On rows unlike the labelled ones, such as a shop's first near zero, own models may say anything, and no held-out
    row tells whether they are right. The second factor lets pass what :math:`2 \log n` rows or more have tried.

    Parameters
    ----------
    corrections : ndarray of shape (n_samples, n_outputs)
        What is added to the prior on rows held out; at least two.

    Examples
    --------
    >>> import numpy as np
    >>> reach(np.array([0.1, -0.1, 0.1, -0.1])[:, None]).round(2).tolist()
    [0.3]
    """
    n_samples = len(corrections)
    times = max(_USUALLY, np.sqrt(n_samples / (_OFTEN * np.log(n_samples))))
    return np.asarray(times * np.sqrt((corrections**2).mean(axis=0)))
