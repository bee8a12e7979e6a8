"""From two specifications, or more of a mixture, to an explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from learnware.market.believed import believed_error
from learnware.market.explanation.coverage import covered_by
from learnware.market.explanation.difference import Difference
from learnware.market.explanation.explanation import Explanation, Member
from learnware.market.explanation.features import compare, telling_columns
from learnware.market.explanation.words import HARDLY_MORE
from learnware.specification import RKME
from learnware.specification.space import Column, Space


def explain(query: RKME, members: Sequence[tuple[str, float, RKME]]) -> Explanation:
    """Explain how learnwares relate to what was searched for.

    Parameters
    ----------
    query : RKME
        The user's.
    members : sequence of (str, float, RKME)
        Name, weight and specification of each learnware; the weights sum to one.

    Raises
    ------
    IncomparableSpaces
        The specifications describe points of different spaces.

    Examples
    --------
    >>> import numpy as np
    >>> from learnware import RKME
    >>> from learnware.market.explanation import explain
    >>> rng = np.random.default_rng(0)
    >>> mine = RKME.from_data(rng.normal([0.0, 5.0], 1.0, (500, 2)), random_state=0)
    >>> theirs = RKME.from_data(rng.normal([0.0, 2.0], 1.0, (500, 2)), random_state=0)
    >>> explanation = explain(mine, [("Theirs", 1.0, theirs)])
    >>> first = explanation.features[0]
    >>> first.name, round(first.yours), round(first.theirs), round(first.shift)
    ('x1', 5, 2, -3)
    """
    space = members[0][2].space
    user = replace(query.aligned_to(space, surplus=True), space=_common(query.space, space))
    theirs = [member.aligned_to(space) for _, _, member in members]
    weights = [weight for _, weight, _ in members]
    union = _union(theirs, weights, space)
    difference = Difference.between(user, list(zip(weights, theirs, strict=True)), union)
    squared, noise = difference.whole
    error = believed_error(user) + sum(w**2 * believed_error(m) for w, m in difference.others)
    features, joint = compare(difference, error) if space.decodable else ((), 0.0)
    telling = set(chain.from_iterable(map(_telling, _pairs(difference)))) if space.decodable else set()
    covered = covered_by(user, difference.others, difference.frame, sorted(telling))
    return Explanation(
        float(np.sqrt(squared)),
        float(np.sqrt(noise.bound + error)),
        features,
        joint,
        tuple(Member(name, weight, part) for (name, weight, _), part in zip(members, covered, strict=True)),
        query,
        _unseen(query.space, space),
    )


def _pairs(difference: Difference) -> list[Difference]:
    """Return the user and each of the learnwares in a frame of their own."""
    if len(difference.others) == 1:
        return [difference]
    return [Difference.between(difference.user, [(1.0, other)], other) for _, other in difference.others]


def _telling(pair: Difference) -> tuple[int, ...]:
    """Return the columns that tell a learnware from the user, if anything does."""
    squared, noise = pair.whole
    most = noise.bound + believed_error(pair.user) + believed_error(pair.union)
    return () if squared <= HARDLY_MORE**2 * most else telling_columns(pair)


def _union(members: Sequence[RKME], weights: Sequence[float], space: Space) -> RKME:
    """Return the weighted union of embeddings, with the location and scale of what they stand for together."""
    if len(members) == 1:
        return members[0]
    shares = np.array(weights) / np.sum(weights)
    location = shares @ np.array([m.location for m in members])
    square = shares @ np.array([m.scale**2 + (m.location - location) ** 2 for m in members])
    points = np.concatenate([m.points for m in members])
    masses = np.concatenate([share * m.weights for share, m in zip(shares, members, strict=True)])
    space = replace(space, columns=tuple(map(_merged, zip(*(m.space.columns for m in members), strict=True))))
    return RKME(points, masses, space, location, np.where(space.coded, 1.0, np.sqrt(square)))


def _merged(columns: tuple[Column, ...]) -> Column:
    return replace(columns[0], categories=tuple(sorted({value for c in columns for value in c.categories})))


def _common(query: Space, space: Space) -> Space:
    """Return the user's columns, as the user tells of them, in the order of `space` and with names if either has."""
    if query.named and space.named:
        columns = [query.columns[query.names.index(name)] for name in space.names]
    elif space.named:
        columns = [replace(c, name=name) for c, name in zip(query.columns, space.names, strict=True)]
    else:
        columns = list(query.columns)
    return Space(tuple(columns), query.named or space.named, space.data, space.encoder)


def _unseen(query: Space, space: Space) -> tuple[str, ...]:
    if not (query.named and space.named):
        return ()
    return tuple(name for name in query.names if name not in set(space.names))
