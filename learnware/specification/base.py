"""A specification: what a model is for, in words and in points."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from learnware import _strict_json as strict_json
from learnware._validation import RandomState, check_option
from learnware._writing import write_whole
from learnware.errors import InvalidParameter, InvalidSpecification
from learnware.limits import LIMITS
from learnware.specification.encoders import Encoder, n_samples_of
from learnware.specification.fields import require_fields
from learnware.specification.rkme import RKME
from learnware.specification.semantic import Fields, SemanticSpecification
from learnware.specification.space import DATA, Space
from learnware.specification.targets import Targets
from learnware.specification.upstream import is_upstream, rkme_from_upstream

FORMAT = "learnware-specification"
VERSION = 1


@dataclass(frozen=True)
class Specification:
    """What a learnware is for, or what a user looks for: a semantic and a statistical part.

    Parameters
    ----------
    semantic : SemanticSpecification, optional
        Tags and text; default: nothing said.
    statistical : RKME, optional
        Stands for the distribution of the inputs.
    level : {"T0", "T1", "T2"}, optional
        What running the model can do, as the market found when it took the learnware: nothing but compute (data),
        compute in memory that only checks keep safe, or anything (code). Never read from a file.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from learnware import Specification
    >>> spec = Specification.from_data(load_wine(as_frame=True).data, task="classification", random_state=0)
    >>> spec.semantic.task, spec.statistical.n_samples
    ('Classification', 178)
    """

    semantic: SemanticSpecification = field(default_factory=SemanticSpecification)
    statistical: RKME | None = None
    level: str | None = field(default=None, compare=False)

    @classmethod
    def from_data(
        cls,
        X: Any,
        y: Any = None,
        *,
        data: str = "table",
        encoder: Encoder | str | None = None,
        task: str | None = None,
        name: str | None = None,
        description: str | None = None,
        scenarios: str | Iterable[str] = (),
        license: str | None = None,
        inputs: Mapping[str, str] | None = None,
        outputs: Iterable[object] | None = None,
        n_points: int = 100,
        random_state: RandomState = None,
        progress: bool | None = None,
        min_rows: int = 5,
        device: str | None = None,
    ) -> Specification:
        """Build a specification of data on this machine; no row of it becomes part of the result.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features), list of str, or array of images
            See `RKME.from_data`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Labels, or values for regression; None or NaN in rows without. The points carry means of them over at
            least `min_rows` rows, so that a market can look for models that answer alike.
        data : {"table", "text", "image"}, default="table"
            What a sample is.
        encoder : Encoder or str, optional
            What turns texts or images into points: an `Encoder`, or a name such as
            ``"sentence-transformers:all-MiniLM-L6-v2"``. Default: one that needs no downloaded weights.
        task, name, description, scenarios, license : optional
            Words of the `SemanticSpecification`. In a search, what is not said means "any". With `y`, the task is
            regression if that holds floats, else classification, unless it is said; it must be said if these floats are
            all whole, with NaN among them.
        inputs : mapping of str to str, optional
            What columns mean, by name; others are told by their names.
        outputs : iterable, optional
            What the outputs, or the classes, are; default: the classes in `y`.
        n_points : int, default=100
            At most this many points.
        random_state : None, int or generator, default=None
            Seeds the fit.
        progress : bool, optional
            Show a progress bar.
        min_rows : int, default=5
            The privacy floor: rows that every published point stands for; at least 3.
        device : str, optional
            A torch device to fit on.

        Returns
        -------
        Specification

        Raises
        ------
        InvalidData, TooFewRows
            X cannot be used; the message says why.
        InvalidSpecification
            A word is not in the vocabulary; the message lists it.
        """
        kind = check_option(data.lower() if isinstance(data, str) else data, DATA, "data", "Specification.from_data")
        targets = None if y is None else Targets.read(y, n_samples_of(X, kind), task)
        tags = (scenarios,) if isinstance(scenarios, str) else tuple(scenarios)
        told = task if targets is None or task is not None else targets.task
        words = SemanticSpecification(name or "", description or "", kind, told, scenarios=tags, license=license)
        rkme = RKME.from_data(
            X,
            n_points,
            data=kind,
            encoder=encoder,
            outputs=None if targets is None else targets.outputs,
            classes=None if targets is None else targets.classes,
            min_rows=min_rows,
            random_state=random_state,
            device=device,
            progress=progress,
        )
        described = Fields.named(outputs) if outputs is not None else None if targets is None else targets.fields
        return cls(replace(words, inputs=_inputs(rkme.space, inputs or {}), outputs=described), rkme)

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as plain values, as for JSON."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "semantic": self.semantic.to_dict(),
            "statistical": None if self.statistical is None else self.statistical.to_dict(),
        }

    def to_json(self) -> str:
        """Return the specification as JSON text; equal specifications give equal text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Specification:
        """Read JSON text: this library's, or a table specification of Beimingwu's ``stat.json``.

        Raises
        ------
        InvalidSpecification
            The text is no such JSON; the message says where it departs.
        """
        content = strict_json.parse(
            text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text),
            _no_json,
            max_bytes=LIMITS["specification-bytes"],
            max_depth=LIMITS["json-depth"],
        )
        return cls.from_dict(content)

    @classmethod
    def from_dict(cls, content: Any) -> Specification:
        """Read what `to_dict` wrote, or a table specification of Beimingwu's; see `from_json`."""
        if is_upstream(content):
            return cls(SemanticSpecification(data="Table"), rkme_from_upstream(content))
        if not isinstance(content, Mapping) or content.get("format") != FORMAT:
            raise InvalidSpecification(
                f'A specification file must be a mapping with "format": "{FORMAT}".', code="spec-format"
            )
        if type(content.get("version")) is not int or content["version"] != VERSION:
            raise InvalidSpecification(
                f"This version of learnware reads specifications of version {VERSION}. Got "
                f"{content.get('version')!r:.60}: a newer learnware may read it.",
                code="spec-format",
            )
        require_fields(content, {"format", "version", "semantic", "statistical"}, "A specification file")
        statistical = content["statistical"]
        return cls(
            SemanticSpecification.from_dict(content["semantic"]),
            None if statistical is None else RKME.from_dict(statistical),
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the specification as JSON; the file is there whole or not at all."""
        try:
            return write_whole(Path(path), self.to_json().encode())
        except OSError as error:
            raise InvalidParameter(f"The specification cannot be written to {os.fspath(path)!r}: {error}.") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Specification:
        """Read a specification file; see `from_json`."""
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise InvalidParameter(f"The specification file {os.fspath(path)!r} cannot be read: {error}.") from error
        return cls.from_json(content)

    def __repr__(self) -> str:
        said = [f"{n}={v!r}" for n, v in self.semantic.said().items() if n not in ("description", "inputs", "outputs")]
        parts = said if self.statistical is None else [*said, repr(self.statistical)]
        if self.level is not None:
            parts.append(f"level={self.level!r}")
        return f"Specification({', '.join(parts)})"

    def _repr_html_(self) -> str:
        rows = [(name, _shown(value)) for name, value in self.semantic.said().items()]
        if self.statistical is not None:
            rows.append(("statistical", repr(self.statistical)))
        if self.level is not None:
            rows.append(("level", self.level))
        cells = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in rows
        )
        return f"<table><caption>Specification</caption>{cells}</table>"


def _inputs(space: Space, described: Mapping[str, str]) -> Fields | None:
    if not space.decodable and not described:
        return None
    unknown = sorted(set(described) - set(space.names))
    if unknown:
        raise InvalidSpecification(
            f"The 'inputs' parameter must describe columns of X. Not among them: {', '.join(map(repr, unknown))}."
        )
    if not space.named and not described:
        return Fields(len(space.columns))
    return Fields.named([described.get(name, name) for name in space.names])


def _shown(value: object) -> str:
    if isinstance(value, Fields):
        names = ", ".join(value.descriptions[i] for i in sorted(value.descriptions)[:6])
        more = ", ..." if len(value.descriptions) > 6 else ""
        return f"{value.dimension}" + (f": {names}{more}" if names else "")
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _no_json(reason: str, code: str) -> InvalidSpecification:
    return InvalidSpecification(
        f"A specification file must hold plain JSON, but {reason}. Write it again with Specification.save.", code=code
    )
