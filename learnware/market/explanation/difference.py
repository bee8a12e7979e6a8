"""A user's specification and learnwares in the frame that they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from learnware._once import once
from learnware.market.explanation.noise import Noise
from learnware.specification import RKME, Frame

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Difference:
    """Two sides that are compared, over all columns and in each of them.

    Attributes
    ----------
    user : RKME
    others : sequence of (float, RKME)
        Weight and specification of each learnware, in spaces comparable with the user's and in the order of its
        columns.
    union : RKME
        All of them together, their points one after the other.
    frame : Frame
        Of the user's and the union.
    """

    user: RKME
    others: Sequence[tuple[float, RKME]]
    union: RKME
    frame: Frame

    @classmethod
    def between(cls, user: RKME, others: Sequence[tuple[float, RKME]], union: RKME) -> Difference:
        """Compare two sides in the frame of both."""
        return cls(user, others, union, Frame.pool([user, union]))

    @once
    def framed(self) -> tuple[Array, Array]:
        """The user's points in the frame, and those of the union."""
        return self.frame.apply(self.user.points), self.frame.apply(self.union.points)

    @once
    def spans(self) -> list[slice]:
        """The coordinates of each column."""
        space = self.user.space
        return [slice(s, s + c.n_coordinates) for s, c in zip(space.starts, space.columns, strict=True)]

    @once
    def whole(self) -> tuple[float, Noise]:
        """The squared MMD in all columns, and what sampling makes of it."""
        return self._measured(slice(None))

    @once
    def by_column(self) -> list[tuple[float, Noise]]:
        """The same in each column alone."""
        return [self._measured(span) for span in self.spans]

    def _measured(self, span: slice) -> tuple[float, Noise]:
        kernel, (U, H), a, b = self.frame.kernel, self.framed, self.user.weights, self.union.weights
        mine, theirs = kernel(U[:, span], U[:, span]), kernel(H[:, span], H[:, span])
        squared = float(a @ mine @ a + b @ theirs @ b - 2.0 * (a @ kernel(U[:, span], H[:, span]) @ b))
        noise, start = Noise.of(mine, a, self.user.n_samples), 0
        for weight, member in self.others:
            own = slice(start, start + len(member.weights))
            noise += Noise.of(theirs[own, own], member.weights, member.n_samples).scaled(weight)
            start = own.stop
        return max(0.0, squared), noise
