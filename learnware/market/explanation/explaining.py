"""From two specifications, or more of a mixture, to an explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from learnware.kernels import squared_mmd
from learnware.market.explanation.coverage import covered_by
from learnware.market.explanation.explanation import Explanation, Member
from learnware.market.explanation.features import compare, noise_of, telling_columns
from learnware.market.explanation.words import HARDLY_MORE
from learnware.specification import RKME, Frame
from learnware.specification.space import Column, Space

#: A learnware may say of its reduced set any error it likes; no more than this is believed.
MOST_ERROR = 0.05


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
    frame = Frame.pool([user, union])
    others = list(zip(weights, theirs, strict=True))
    U, H = frame.apply(user.points), frame.apply(union.points)
    squared = squared_mmd(frame.kernel, U, user.weights, H, union.weights)
    error = _error(user) + sum(w**2 * _error(m) for w, m in others)
    features, joint = compare(user, others, union, frame, error) if space.decodable else ((), 0.0)
    telling = {place for m in theirs for place in _telling(user, m)} if space.decodable else set()
    covered = covered_by(user, others, frame, sorted(telling))
    return Explanation(
        float(np.sqrt(squared)),
        float(np.sqrt(noise_of([(1.0, user), *others], frame).bound + error)),
        features,
        joint,
        tuple(Member(name, weight, part) for (name, weight, _), part in zip(members, covered, strict=True)),
        query,
        _unseen(query.space, space),
    )


def _error(rkme: RKME) -> float:
    return min(rkme.squared_error, MOST_ERROR)


def _telling(user: RKME, other: RKME) -> tuple[int, ...]:
    """Return the columns that tell a learnware from the user, if anything does."""
    frame = Frame.pool([user, other])
    noise = noise_of([(1.0, user), (1.0, other)], frame).bound + _error(user) + _error(other)
    if user.distance(other) <= HARDLY_MORE * np.sqrt(noise):
        return ()
    return telling_columns(user, other, frame)


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
