"""The reduced kernel mean embedding: a few weighted points that stand for the distribution of the data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._once import once
from learnware._validation import RandomState, as_generator, check_int, check_option, complain
from learnware.errors import IncomparableSpaces, InvalidSpecification
from learnware.kernels import inner_product, mmd
from learnware.limits import LIMITS
from learnware.specification.encoders import Encoder, decode_points
from learnware.specification.fields import read_numbers, read_points, require_fields
from learnware.specification.fitting import fit_parts
from learnware.specification.frame import Frame
from learnware.specification.labels import Label, PointLabels
from learnware.specification.measuring import LEAST_MIN_ROWS
from learnware.specification.space import DATA, Space, unnamed_space

#: Rows that every published point stands for, unless the caller asks for more.
MIN_ROWS = 5

_MOST_ROWS = 10**15

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RKME:
    r"""Reduced kernel mean embedding: weighted points whose mean embedding is near that of the data.

    .. math:: \min_{Z,\, w \in \Delta} \Big\| \frac1n \sum_{i=1}^n k(x_i, \cdot) - \sum_{j=1}^K w_j k(z_j, \cdot)
              \Big\|^2_{\mathcal H}

    Points are kept in raw units, with the location and scale of every coordinate; distances are measured in a
    common `Frame`. No point stands for fewer rows than the privacy floor, so none is a row of the data.

    Parameters
    ----------
    points : array of shape (n_points, n_features)
        In raw units, finite.
    weights : array of shape (n_points,)
        Not negative, summing to one.
    space : Space, optional
        What the coordinates mean; default: numbers without names.
    location, scale : array of shape (n_features,), optional
        Robust mean and standard deviation of the data per coordinate; default: those of the points.
    n_samples : int, optional
        Number of rows that the points stand for, if known.
    squared_error : float, default=0.0
        Squared MMD between the points and the data, in the data's own frame.
    labels : PointLabels, optional
        What a model answers at the points, or what a user's labels are there.

    Raises
    ------
    InvalidSpecification
        The arrays do not fit together, are not finite, or the weights are no distribution.

    References
    ----------
    X.-Z. Wu, W. Xu, S. Liu, Z.-H. Zhou. "Model Reuse with Reduced Kernel Mean Embedding Specification". IEEE TKDE,
    2023.

    Examples
    --------
    >>> import numpy as np
    >>> from learnware import RKME
    >>> rng = np.random.default_rng(0)
    >>> near, far = rng.normal(0.0, 1.0, (500, 3)), rng.normal(2.0, 1.0, (500, 3))
    >>> mine = RKME.from_data(rng.normal(0.0, 1.0, (500, 3)), n_points=20, random_state=0)
    >>> mine.distance(RKME.from_data(near, n_points=20)) < mine.distance(RKME.from_data(far, n_points=20))
    True
    """

    points: Array
    weights: Array
    space: Space = None  # type: ignore[assignment]
    location: Array = None  # type: ignore[assignment]
    scale: Array = None  # type: ignore[assignment]
    n_samples: int | None = None
    squared_error: float = 0.0
    labels: PointLabels | None = None

    def __post_init__(self) -> None:
        points, weights = _finite(self.points, "points", 2), _finite(self.weights, "weights", 1)
        if len(points) == 0 or points.shape[1] == 0 or weights.shape != points.shape[:1]:
            raise InvalidSpecification(
                f"An RKME must have at least one point and one weight a point. Got points of shape {points.shape} "
                f"and weights of shape {weights.shape}.",
                code="spec-shape",
            )
        if weights.min() < 0 or abs(weights.sum() - 1.0) > 1e-6:
            raise InvalidSpecification(
                f"The weights of an RKME must not be negative and must sum to 1. Got a least weight of "
                f"{weights.min():.3g} and a sum of {weights.sum():.6g}. Divide them by their sum.",
                code="spec-weights",
            )
        space = unnamed_space(points.shape[1]) if self.space is None else self.space
        location, scale = self._statistics(points, weights)
        for name, value in (
            ("points", points),
            ("weights", weights),
            ("location", location),
            ("scale", scale),
        ):
            if value.shape[-1] != space.n_features and name != "weights":
                raise InvalidSpecification(
                    f"The {name} of an RKME must have {space.n_features} coordinates, as its space says. "
                    f"Got {value.shape[-1]}.",
                    code="spec-shape",
                )
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        if scale.min() < 0:
            raise InvalidSpecification("The scale of an RKME must not be negative.", code="spec-scale")
        object.__setattr__(self, "space", space)
        if not 0.0 <= self.squared_error <= 2.0:
            raise InvalidSpecification(
                f"The squared_error of an RKME must be between 0 and 2, as squared MMDs are. Got {self.squared_error}."
            )
        if self.labels is not None and len(self.labels.values) != len(points):
            raise InvalidSpecification(
                f"The labels of an RKME must be for its {len(points)} points. Got {len(self.labels.values)}.",
                code="spec-labels",
            )
        if self.n_samples is not None:
            object.__setattr__(self, "n_samples", check_int(self.n_samples, "n_samples", "RKME"))

    def _statistics(self, points: Array, weights: Array) -> tuple[Array, Array]:
        mean = weights @ points
        location = mean if self.location is None else _finite(self.location, "location", 1)
        if self.scale is not None:
            return location, _finite(self.scale, "scale", 1)
        return location, np.sqrt(weights @ (points - mean) ** 2)

    @classmethod
    def from_data(
        cls,
        X: Any,
        n_points: int = 100,
        *,
        data: str = "table",
        encoder: Encoder | str | None = None,
        outputs: npt.ArrayLike | None = None,
        output_rows: npt.ArrayLike | None = None,
        classes: Iterable[Label] | None = None,
        score: float | None = None,
        min_rows: int = MIN_ROWS,
        random_state: RandomState = None,
        device: str | None = None,
        progress: bool | None = None,
    ) -> RKME:
        """Fit the points and weights to data.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features), list of str, or array of images
            Tables: numpy, pandas, polars, torch, or a list of rows; numbers, truth values, categories, text, dates
            and missing values are understood. Images: (n, height, width, channels), (n, channels, height, width) or
            (n, height, width). Never modified, never kept.
        n_points : int, default=100
            At most this many points; fewer when the privacy floor needs it.
        data : {"table", "text", "image"}, default="table"
            What a sample is.
        encoder : Encoder or str, optional
            What turns texts or images into points, or its name; default: one that needs no downloaded weights.
        outputs : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            What a model answers to each row, or the user's labels: probabilities of `classes`, or values. NaN in rows
            for which they are not known. The points carry means of them, see `PointLabels`.
        output_rows : array-like of int, optional
            Positions in X of the samples that `outputs` has rows for, if not all.
        classes : iterable of labels, optional
            What the columns of `outputs` stand for, if they are probabilities.
        score : float, optional
            How well the model does on rows that it was not fitted on: accuracy, or coefficient of determination.
        min_rows : int, default=5
            Rows that every point stands for; at least 3.
        random_state : None, int or generator, default=None
            Seeds the samples of rows that a long table is fitted on.
        device : str, optional
            A torch device to fit on, such as ``"cuda"``; default: numpy.
        progress : bool, optional
            Show a progress bar; default: no.

        Returns
        -------
        RKME

        Raises
        ------
        InvalidData
            X is empty, infinite somewhere, or holds values that are not understood.
        TooFewRows
            X has fewer than `min_rows` rows, or outputs for fewer.
        InvalidParameter
            There is no encoder of that name, or it takes other data.

        Notes
        -----
        A missing number takes the place of the column's location, a missing category has a code of its own.
        """
        caller = "RKME.from_data"
        if check_int(n_points, "n_points", caller) > LIMITS["points"]:
            raise complain("n_points", caller, f"an int of at most {LIMITS['points']}", n_points)
        check_int(min_rows, "min_rows", caller, minimum=LEAST_MIN_ROWS)
        check_option(data, DATA, "data", caller)
        return cls(
            **fit_parts(
                X,
                n_points,
                data=data,
                encoder=encoder,
                outputs=outputs,
                output_rows=output_rows,
                classes=None if classes is None else tuple(classes),
                score=score,
                min_rows=min_rows,
                generator=as_generator(random_state, caller),
                device=device,
                progress=progress,
            )
        )

    @once
    def frame(self) -> Frame:
        """The frame of this specification alone."""
        return Frame.pool([self])

    @once
    def digest(self) -> str:
        """Sha256 of the content."""
        arrays = (self.points, self.weights, self.location, self.scale)
        labels = None if self.labels is None else self.labels.to_dict()
        head = repr((self.space.to_dict(), self.n_samples, self.squared_error, labels)).encode()
        return hashlib.sha256(head + b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, RKME) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, f.name) for f in fields(self))

    def __repr__(self) -> str:
        rows = "an unknown number of" if self.n_samples is None else f"{self.n_samples:,}"
        what = f"rows of {len(self.space.columns)} columns" if self.space.decodable else f"{self.space.data}s"
        labelled = "" if self.labels is None else ", labelled"
        return f"RKME({len(self.points)} points for {rows} {what}{labelled})"

    def aligned_to(self, space: Space, *, surplus: bool = False) -> RKME:
        """Return this embedding with its columns in the order of `space`.

        Parameters
        ----------
        space : Space
        surplus : bool, default=False
            Drop named columns that `space` lacks: what is left stands for the distribution of the others.

        Raises
        ------
        IncomparableSpaces
            The columns differ.
        """
        index = space.coordinates_in(self.space, surplus=surplus)
        if self.space == space:
            return self
        parts = (self.points[:, index], self.weights, space, self.location[index], self.scale[index])
        return RKME(*parts, n_samples=self.n_samples, squared_error=self.squared_error, labels=self.labels)

    def distance(self, other: RKME) -> float:
        """Return the maximum mean discrepancy (not squared) to `other`, in the pooled frame of the two.

        Raises
        ------
        IncomparableSpaces
            The two describe points of different spaces.
        """
        frame, theirs = self._meet(other)
        return mmd(frame.kernel, frame.apply(self.points), self.weights, frame.apply(theirs.points), theirs.weights)

    def inner(self, other: RKME) -> float:
        """Return the inner product of the two mean embeddings in their pooled frame."""
        frame, theirs = self._meet(other)
        mine = frame.apply(self.points)
        return inner_product(frame.kernel, mine, self.weights, frame.apply(theirs.points), theirs.weights)

    def _meet(self, other: RKME) -> tuple[Frame, RKME]:
        theirs = other.aligned_to(self.space)
        return Frame.pool([self, theirs]), theirs

    def sample(self, n_samples: int = 1, random_state: RandomState = None) -> Any:
        """Draw rows: points by their weights, turned back into raw values.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.
        random_state : None, int or generator, default=None
            Seeds the draw.

        Returns
        -------
        pandas.DataFrame or ndarray of shape (n_samples, n_columns)
            A data frame where the columns have names and pandas is installed.

        Raises
        ------
        IncomparableSpaces
            They are points of texts or images, which cannot be turned back.
        """
        check_int(n_samples, "n_samples", "RKME.sample")
        if not self.space.decodable:
            raise IncomparableSpaces(
                f"Points of the encoder {self.space.encoder!r} cannot be turned back into {self.space.data}s. Only "
                "specifications of tables can be sampled."
            )
        generator = as_generator(random_state, "RKME.sample")
        chosen = generator.choice(len(self.points), size=n_samples, p=self.weights / self.weights.sum())
        return decode_points(self.points[chosen], self.space)

    def to_dict(self) -> dict[str, Any]:
        """Return the form of the file."""
        return {
            "type": "RKME",
            "space": self.space.to_dict(),
            "points": self.points.tolist(),
            "weights": self.weights.tolist(),
            "location": self.location.tolist(),
            "scale": self.scale.tolist(),
            "n_samples": self.n_samples,
            "squared_error": self.squared_error,
            **({} if self.labels is None else {"labels": self.labels.to_dict()}),
        }

    @classmethod
    def from_dict(cls, content: Any) -> RKME:
        """Read the form of the file.

        Raises
        ------
        InvalidSpecification
            A field is absent, unknown, or holds what no embedding can hold.
        """
        names = {"type", "space", "points", "weights", "location", "scale", "n_samples", "squared_error"}
        require_fields(content, names, "An RKME", optional=("labels",))
        if content["type"] != "RKME":
            raise InvalidSpecification(f"The type of an RKME must be 'RKME'. Got {content['type']!r:.60}.")
        error, rows = content["squared_error"], content["n_samples"]
        if type(error) not in (int, float) or not 0 <= error <= 2:
            raise InvalidSpecification(f"The squared_error must be a number between 0 and 2. Got {error!r:.60}.")
        if rows is not None and (type(rows) is not int or not 0 < rows <= _MOST_ROWS):
            raise InvalidSpecification(f"The n_samples must be null or a positive int. Got {rows!r:.60}.")
        arrays = {"points": read_points(content["points"])}
        arrays.update({name: read_numbers(content[name], name) for name in ("weights", "location", "scale")})
        space, labels = Space.from_dict(content["space"]), None
        if content.get("labels") is not None:
            labels = PointLabels.from_dict(content["labels"], len(arrays["points"]))
        return cls(space=space, n_samples=rows, squared_error=float(error), labels=labels, **arrays)


def _finite(values: Any, name: str, n_dimensions: int) -> Array:
    try:
        array = np.array(values, dtype=np.float64)
    except (OverflowError, TypeError, ValueError) as error:
        raise InvalidSpecification(f"The {name} of an RKME must be numbers: {error}", code="spec-shape") from error
    if array.ndim != n_dimensions:
        raise InvalidSpecification(
            f"The {name} of an RKME must be an array of {n_dimensions} dimension(s). Got shape {array.shape}.",
            code="spec-shape",
        )
    if not np.isfinite(array).all():
        raise InvalidSpecification(f"The {name} of an RKME must be finite numbers.", code="spec-not-finite")
    return array
