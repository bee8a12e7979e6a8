"""Markets drawn at random whose truth is known: to test searchers and reusers, and to measure large markets."""

from __future__ import annotations

import numpy as np

from learnware._validation import RandomState, as_generator, check_fraction, check_int, check_option, complain
from learnware.testing.synthetic_learnwares import SyntheticMarket
from learnware.testing.synthetic_plan import Plan

_TASKS = ("classification", "regression")


def synthetic_market(
    n_learnwares: int,
    *,
    n_features: int = 20,
    n_points: int = 100,
    n_domains: int | None = None,
    components: int = 3,
    task: str = "classification",
    n_classes: int = 3,
    corrupted: float = 0.0,
    shifted: float = 0.0,
    duplicates: float = 0.0,
    n_samples: int = 2000,
    labels: bool = True,
    separation: float = 3.0,
    random_state: RandomState = None,
) -> SyntheticMarket:
    """Plan a market of learnwares whose data, labels and relations are known; nothing is drawn until it is asked for.

    Data are mixtures of Gaussian clusters, the *domains*; every learnware has data of a few of them. Learnware i is a
    function of `random_state`, the other parameters and i: it can be drawn without the others, and is the same in a
    larger market. The shares of corrupted and shifted learnwares change their labels, not their inputs.

    Parameters
    ----------
    n_learnwares : int
        Learnwares in the market.
    n_features : int, default=20
        Columns of every table.
    n_points : int, default=100
        Points of every specification.
    n_domains : int, optional
        Domains that all learnwares choose from. Default: domains come with the learnwares, one for every five, at least
        four for every component and at most 2,000.
    components : int, default=3
        Domains that a learnware has data of.
    task : {"classification", "regression"}, default="classification"
        What is predicted.
    n_classes : int, default=3
        Classes of a classification; at most twice `n_features`.
    corrupted : float, default=0.0
        Share of learnwares whose labels are shuffled.
    shifted : float, default=0.0
        Share of learnwares whose inputs are labelled by another concept.
    duplicates : float, default=0.0
        Share of learnwares that are near copies of an earlier one: of the same data, but of slightly other points.
    n_samples : int, default=2000
        Rows that a learnware's points are said to stand for, and that `SyntheticMarket.learnware` fits.
    labels : bool, default=True
        Whether specifications tell what models answer at their points.
    separation : float, default=3.0
        How far domains lie apart, in their typical scale; positive.
    random_state : None, int or generator, default=None
        Decides everything.

    Returns
    -------
    SyntheticMarket

    Examples
    --------
    >>> from learnware.testing import synthetic_market
    >>> market = synthetic_market(1_000_000, corrupted=0.1, random_state=0)
    >>> market.truth(999_999).corrupted, market.specification(999_999).statistical
    (False, RKME(100 points for 2,000 rows of 20 columns, labelled))
    """
    caller = "synthetic_market"
    n_features = check_int(n_features, "n_features", caller)
    components = check_int(components, "components", caller)
    if n_domains is not None:
        n_domains = check_int(n_domains, "n_domains", caller, minimum=components)
    n_classes = check_int(n_classes, "n_classes", caller, minimum=2)
    if n_classes > 2 * n_features:
        raise complain("n_classes", caller, f"at most twice n_features, {2 * n_features}", n_classes)
    if isinstance(separation, bool) or not isinstance(separation, int | float) or not 0 < separation < np.inf:
        raise complain("separation", caller, "a positive number", separation)
    high, low = as_generator(random_state, caller).integers(0, 2**63, size=2).tolist()
    return SyntheticMarket(
        Plan(
            n_learnwares=check_int(n_learnwares, "n_learnwares", caller),
            n_features=n_features,
            n_points=check_int(n_points, "n_points", caller),
            n_domains=n_domains,
            components=components,
            task=check_option(task, _TASKS, "task", caller),
            n_classes=n_classes,
            corrupted=check_fraction(corrupted, "corrupted", caller),
            shifted=check_fraction(shifted, "shifted", caller),
            duplicates=check_fraction(duplicates, "duplicates", caller),
            n_samples=check_int(n_samples, "n_samples", caller),
            labels=bool(labels),
            separation=float(separation),
            key=(high, low),
        )
    )
