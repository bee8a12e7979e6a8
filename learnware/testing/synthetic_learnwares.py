"""The learnwares and users of a synthetic market, each drawn when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._once import once
from learnware._validation import RandomState, as_generator, check_fraction, check_int, complain
from learnware.bundle import Learnware
from learnware.specification import Specification
from learnware.testing.synthetic_bundles import Template
from learnware.testing.synthetic_domains import CONCEPTS, Domains
from learnware.testing.synthetic_plan import Plan, Purpose
from learnware.testing.synthetic_points import drawn_embeddings
from learnware.testing.synthetic_tasks import Tasks, Truth
from learnware.testing.synthetic_users import SyntheticUser, Team, drawn_rows, from_rows, mixture_of
from learnware.testing.synthetic_words import drawn_words

_AT_ONCE = 64
_MOST_LEAVES = 128


@dataclass(frozen=True)
class SyntheticMarket:
    """A market drawn at random whose truth is known; see `synthetic_market`.

    Parameters
    ----------
    plan : Plan
        The parameters that it is drawn by.

    Examples
    --------
    >>> from learnware.testing import synthetic_market
    >>> market = synthetic_market(60, random_state=0)
    >>> user = market.planted(members=3, random_state=0)
    >>> user.members, user.weights.round(2)
    ((31, 8, 1), array([0.35, 0.27, 0.38]))
    """

    plan: Plan

    def __len__(self) -> int:
        return self.plan.n_learnwares

    def truth(self, number: int) -> Truth:
        """Return what is true of learnware `number`."""
        return Tasks.draw(self.plan, [self._checked(number, "truth")]).truth(0)

    def specification(self, number: int) -> Specification:
        """Return the drawn specification of learnware `number`; see `specifications`."""
        number = self._checked(number, "specification")
        return next(self.specifications(number, number + 1))

    def specifications(self, start: int = 0, stop: int | None = None) -> Iterator[Specification]:
        """Draw specifications one after the other, without fitting anything.

        Points are drawn from the mixture of the learnware's domains, in number and weight by their shares. They carry
        soft answers of the concept, at shuffled points for corrupted learnwares. All numbers are exact in single
        precision.

        Parameters
        ----------
        start, stop : int, default=0, all
            First learnware, and the one before which to stop.

        Yields
        ------
        Specification
        """
        first, last = self._span(start, stop, "specifications")
        for begin in range(first, last, _AT_ONCE):
            tasks = Tasks.draw(self.plan, range(begin, min(begin + _AT_ONCE, last)))
            embeddings = drawn_embeddings(self.plan, self._domains, tasks)
            for number, heaviest, rkme in zip(tasks.numbers, tasks.domains[:, 0].tolist(), embeddings, strict=True):
                yield Specification(drawn_words(self.plan, number, heaviest), rkme)

    def bundle(self, number: int) -> tuple[bytes, Specification]:
        """Return a file for learnware `number` and its drawn specification; see `bundles`."""
        number = self._checked(number, "bundle")
        return next(self.bundles(number, number + 1))

    def bundles(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[bytes, Specification]]:
        """Draw files and specifications one after the other, as a store takes them.

        Every file is sound and has the words of its learnware, so no two are alike. But the model in it is the same in
        all of them and answers every row alike, and it is said to be for a single point; the drawn points are in the
        specification beside the file only. Models that know their data are made by `learnware`.

        Parameters
        ----------
        start, stop : int, default=0, all
            First learnware, and the one before which to stop.

        Yields
        ------
        (bytes, Specification)
        """
        for specification in self.specifications(*self._span(start, stop, "bundles")):
            yield self._template.filled(specification.semantic), specification

    def learnware(self, number: int) -> Learnware:
        """Fit learnware `number`: a decision tree on rows of its domains, and points fitted to the same rows.

        Takes a fraction of a second. Its labels are shuffled, or of another concept, as the truth says. A copy has the
        rows and the model of its origin, and points fitted to the rows in another order.
        """
        number = self._checked(number, "learnware")
        X, y = self._data_of(number)
        model = _tree(self.plan.task).fit(X, y)
        words = drawn_words(self.plan, number, self.truth(number).domains[0])
        # Equal rows in another order are reduced to other points.
        order = self.plan.generator(Purpose.PERTURBATION, number).permutation(len(X))
        return Learnware.from_model(
            model,
            X[order],
            y[order],
            name=words.name,
            description=words.description,
            scenarios=words.scenarios,
            license=words.license,
            n_points=self.plan.n_points,
            random_state=0,
        )

    def user(
        self,
        members: int | Iterable[int] = 3,
        *,
        weights: npt.ArrayLike | None = None,
        n_samples: int = 2000,
        concept: int | None = None,
        unknown: float = 0.0,
        fitted: bool = True,
        labelled: bool = False,
        random_state: RandomState = None,
    ) -> SyntheticUser:
        """Draw a user with rows of the distributions of some learnwares.

        The rows are drawn afresh, so even the true mixture is some way off, by sampling.

        Parameters
        ----------
        members : int or sequence of int, default=3
            Learnwares, or how many to choose: such that are neither corrupted nor copies, and share no domain.
        weights : array of shape (n_members,), optional
            Shares of the members, up to a factor; default: drawn.
        n_samples : int, default=2000
            Number of rows.
        concept : {0, 1}, optional
            What labels the rows, and what members that are chosen have learned; default: that of each member.
        unknown : float, default=0.0
            Share of rows of a domain that no learnware knows.
        fitted : bool, default=True
            Whether the specification is fitted to the rows. Else it is the first `n_points` of them with equal weights,
            for many users in little time.
        labelled : bool, default=False
            Whether the specification tells labels.
        random_state : None, int or generator, default=None
            Decides everything.

        Returns
        -------
        SyntheticUser

        Raises
        ------
        InvalidParameter
            There are not so many learnwares without common domains.

        Examples
        --------
        >>> from learnware.testing import synthetic_market
        >>> synthetic_market(60, random_state=0).user([4, 7], weights=[3, 1], unknown=0.2)
        SyntheticUser(2,000 rows: 0.60 of 4, 0.20 of 7, 0.20 unknown)
        """
        caller = "SyntheticMarket.user"
        if concept not in (None, *CONCEPTS):
            raise complain("concept", caller, "None, 0 or 1", concept)
        share, generator = check_fraction(unknown, "unknown", caller), as_generator(random_state, caller)
        team = Team.choose(self.plan, members, weights, concept, generator, caller)
        n_rows = check_int(n_samples, "n_samples", caller)
        X, y = drawn_rows(self.plan, self._domains, team, n_rows, generator, concept=concept, unknown=share)
        found = from_rows(self.plan, X, y, fitted=fitted, labelled=labelled, generator=generator)
        return SyntheticUser(X, y, team.members, (1.0 - share) * team.weights, share, team.distinct, found)

    def planted(
        self,
        members: int | Iterable[int] = 3,
        *,
        weights: npt.ArrayLike | None = None,
        n_samples: int = 2000,
        labelled: bool = False,
        random_state: RandomState = None,
    ) -> SyntheticUser:
        """Draw a user whose mean embedding is exactly a mixture of those of some learnwares.

        The specification has the drawn points of all members, weighted by their shares: the planted mixture of the
        drawn specifications has a distance of 0. The rows are drawn as by `user`.

        Parameters
        ----------
        members, weights, n_samples, random_state
            As for `user`.
        labelled : bool, default=False
            Whether the specification tells the members' outputs at the points.

        Returns
        -------
        SyntheticUser
        """
        caller = "SyntheticMarket.planted"
        if labelled and not self.plan.labels:
            raise complain("labelled", caller, "False for a market without labels", labelled)
        generator = as_generator(random_state, caller)
        team = Team.choose(self.plan, members, weights, None, generator, caller)
        X, y = drawn_rows(self.plan, self._domains, team, check_int(n_samples, "n_samples", caller), generator)
        embeddings = drawn_embeddings(self.plan, self._domains, Tasks.draw(self.plan, team.members))
        specification = mixture_of(self.plan, embeddings, team.weights, labelled=labelled)
        return SyntheticUser(X, y, team.members, team.weights, 0.0, team.distinct, specification)

    @once
    def _domains(self) -> Domains:
        return Domains.draw(self.plan)

    @once
    def _template(self) -> Template:
        return Template.of(self.plan)

    def _checked(self, number: object, method: str) -> int:
        checked = check_int(number, "number", f"SyntheticMarket.{method}", minimum=0)
        if checked >= len(self):
            raise complain("number", f"SyntheticMarket.{method}", f"an int below {len(self)}", number)
        return checked

    def _span(self, start: object, stop: object, method: str) -> tuple[int, int]:
        caller = f"SyntheticMarket.{method}"
        first = check_int(start, "start", caller, minimum=0)
        last = len(self) if stop is None else check_int(stop, "stop", caller, minimum=first)
        if last > len(self):
            raise complain("stop", caller, f"an int of at most {len(self)}", stop)
        return first, last

    def _data_of(self, number: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any]]:
        tasks = Tasks.draw(self.plan, [number])
        generator = self.plan.generator(Purpose.ROWS, tasks.origins[0])
        team = Team((number,), (tasks.truth(0),), np.ones(1))
        X, y = drawn_rows(self.plan, self._domains, team, self.plan.n_samples, generator)
        return X, generator.permutation(y) if tasks.corrupted[0] else y


def _tree(task: str) -> Any:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    tree = DecisionTreeRegressor if task == "regression" else DecisionTreeClassifier
    return tree(max_leaf_nodes=_MOST_LEAVES, min_samples_leaf=5, random_state=0)
