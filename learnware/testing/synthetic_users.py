"""Users of a synthetic market: rows from the distributions of known learnwares, in known shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._validation import check_int, complain
from learnware.errors import InvalidParameter
from learnware.specification import RKME, PointLabels, SemanticSpecification, Specification
from learnware.testing.synthetic_domains import Domains
from learnware.testing.synthetic_plan import Plan
from learnware.testing.synthetic_tasks import Tasks, Truth

#: Learnwares that are looked at for a team without common domains.
_MOST_LOOKED_AT = 2000
_EVENNESS = 5.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SyntheticUser:
    """A user whose data are known to come from learnwares of a synthetic market.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows from the distributions of the members, and of a domain that no learnware knows.
    y : ndarray of shape (n_samples,)
        Their labels, never shuffled.
    members : tuple of int
        The learnwares whose distributions the rows come from.
    weights : ndarray of shape (n_members,)
        The share of each; they sum to 1 less what is unknown.
    unknown : float
        Share of the domain that no learnware knows.
    distinct : bool
        Whether no domain belongs to two members, so that the weights can be told from the rows.
    specification : Specification
        What a market is searched with; `SyntheticMarket.user` and `SyntheticMarket.planted` say how it is made.
    """

    X: Floats
    y: npt.NDArray[Any]
    members: tuple[int, ...]
    weights: Floats
    unknown: float
    distinct: bool
    specification: Specification

    def __repr__(self) -> str:
        team = ", ".join(f"{weight:.2f} of {i}" for i, weight in zip(self.members, self.weights, strict=True))
        return f"SyntheticUser({len(self.X):,} rows: {team}, {self.unknown:.2f} unknown)"


@dataclass(frozen=True, eq=False)
class Team:
    """Learnwares in shares.

    Parameters
    ----------
    members : tuple of int
    truths : tuple of Truth
        What is true of each.
    weights : ndarray of shape (n_members,)
        Shares that sum to 1.
    """

    members: tuple[int, ...]
    truths: tuple[Truth, ...]
    weights: Floats

    @property
    def distinct(self) -> bool:
        """Whether no domain belongs to two members."""
        domains = [domain for truth in self.truths for domain in truth.domains]
        return len(set(domains)) == len(domains)

    @classmethod
    def choose(
        cls,
        plan: Plan,
        members: int | Iterable[int],
        weights: npt.ArrayLike | None,
        concept: int | None,
        generator: np.random.Generator,
        caller: str,
    ) -> Team:
        """Take the learnwares that are named, or choose as many that are sound and share no domain."""
        if isinstance(members, Iterable):
            chosen = tuple(_check_number(plan, member, caller) for member in members)
            if not chosen or len(set(chosen)) < len(chosen):
                raise complain("members", caller, "a positive int or different numbers of learnwares", members)
        else:
            chosen = _without_common_domains(plan, check_int(members, "members", caller), concept, generator)
        tasks = Tasks.draw(plan, chosen)
        truths = tuple(tasks.truth(row) for row in range(len(chosen)))
        return cls(chosen, truths, _shares(weights, len(chosen), generator, caller))


def _check_number(plan: Plan, member: object, caller: str) -> int:
    number = check_int(member, "members", caller, minimum=0)
    if number >= plan.n_learnwares:
        raise complain("members", caller, f"numbers of learnwares below {plan.n_learnwares}", member)
    return number


def _without_common_domains(
    plan: Plan, n_members: int, concept: int | None, generator: np.random.Generator
) -> tuple[int, ...]:
    n_looked_at = min(plan.n_learnwares, _MOST_LOOKED_AT)
    looked_at = generator.choice(plan.n_learnwares, n_looked_at, replace=False).tolist()
    chosen: list[int] = []
    covered: set[int] = set()
    for number in looked_at:
        truth = Tasks.draw(plan, [number]).truth(0)
        sound = not truth.corrupted and truth.copy_of is None and concept in (None, truth.concept)
        if sound and covered.isdisjoint(truth.domains):
            chosen.append(number)
            covered.update(truth.domains)
        if len(chosen) == n_members:
            return tuple(chosen)
    raise InvalidParameter(
        f"A user of {n_members} members needs as many sound learnwares without common domains. Found {len(chosen)} "
        f"among {n_looked_at:,}: ask for fewer, draw a market of more domains, or name the members."
    )


def _shares(weights: npt.ArrayLike | None, n_members: int, generator: np.random.Generator, caller: str) -> Floats:
    if weights is None:
        return generator.dirichlet(np.full(n_members, _EVENNESS))
    expected = f"{n_members} numbers, not negative and not all 0"
    try:
        shares = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise complain("weights", caller, expected, weights) from error
    if shares.shape != (n_members,) or not np.isfinite(shares).all() or shares.min() < 0 or shares.sum() <= 0:
        raise complain("weights", caller, expected, weights)
    return np.asarray(shares / shares.sum())


def drawn_rows(
    plan: Plan,
    domains: Domains,
    team: Team,
    n_samples: int,
    generator: np.random.Generator,
    *,
    concept: int | None = None,
    unknown: float = 0.0,
) -> tuple[Floats, npt.NDArray[Any]]:
    """Draw rows of the members' distributions, and their labels by a concept, or by that of the member."""
    rows = range(len(team.members))
    mixed = np.concatenate(
        [weight * np.array(team.truths[i].weights) for i, weight in zip(rows, team.weights, strict=True)]
    )
    places = np.array([domain for truth in team.truths for domain in truth.domains] + [plan.unknown_domain])
    concepts = np.array([truth.concept for truth in team.truths for _ in truth.domains] + [0])
    chosen = generator.choice(len(places), n_samples, p=np.append((1.0 - unknown) * mixed, unknown))
    z = generator.standard_normal((n_samples, plan.n_features), dtype=np.float32)
    by = concepts[chosen] if concept is None else concept
    return domains.inputs(z, places[chosen]).astype(np.float64), domains.labels(z, places[chosen], by)


def from_rows(
    plan: Plan, X: Floats, y: npt.NDArray[Any], *, fitted: bool, labelled: bool, generator: np.random.Generator
) -> Specification:
    """Return a specification of rows: fitted to all, or the first few of them with equal weights."""
    if fitted:
        told = y if labelled else None
        return Specification.from_data(X, told, task=plan.task, n_points=plan.n_points, random_state=generator)
    n = min(plan.n_points, len(X))
    labels = None
    if labelled:
        values = y[:n, None] if plan.classes is None else np.eye(plan.n_classes)[y[:n]]
        labels = PointLabels(values, plan.classes)
    rkme = RKME(X[:n], np.full(n, 1 / n), plan.space, n_samples=len(X), labels=labels)
    return Specification(SemanticSpecification(data="Table", task=plan.task), rkme)


def mixture_of(plan: Plan, members: Sequence[RKME], weights: Floats, *, labelled: bool) -> Specification:
    """Return a specification whose mean embedding is that mixture of the members' mean embeddings."""
    labels = None
    if labelled:
        outputs = [rkme.labels.values for rkme in members if rkme.labels is not None]
        labels = PointLabels(np.concatenate(outputs), plan.classes)
    points = np.concatenate([rkme.points for rkme in members])
    shares = np.concatenate([weight * rkme.weights for weight, rkme in zip(weights, members, strict=True)])
    rkme = RKME(points, shares, plan.space, n_samples=plan.n_samples, labels=labels)
    return Specification(SemanticSpecification(data="Table", task=plan.task), rkme)
