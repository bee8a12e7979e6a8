"""The contract of an encoder of texts or images, and how one is found by name."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware._validation import complain
from learnware.errors import InvalidData, InvalidParameter
from learnware.limits import LIMITS
from learnware.registry import Registry
from learnware.specification.encoders.samples import read_samples
from learnware.specification.space import ENCODER_NAME

#: Encoders by name; other packages add theirs in the entry-point group ``learnware.encoders``.
ENCODERS = Registry(
    "learnware.encoders",
    {
        "text-hash-1": "learnware.specification.encoders.text:HashedText",
        "sentence-transformers": "learnware.specification.encoders.sentences:SentenceTransformer",
        "image-conv-1": "learnware.specification.encoders.image:RandomConvolutions",
    },
)

DEFAULTS = {"text": "text-hash-1", "image": "image-conv-1"}

# What the user passed, by id: a market hands out specifications that name it long after. Names out of files add nothing
# but encoders without an argument, of which there are only so many.
_used: dict[str, Encoder] = {}


class Encoder(ABC):
    """Turns raw samples into points; the same sample gives the same point for everyone.

    A subclass sets the attributes and writes `_encode`. One that can be announced under a name, and downloads anything
    or looks for it in folders, takes the parameter ``cached``: it is true where a specification, and not the user,
    asks for the encoder, which then may read nothing but what is on this machine already, under just that name.
    Encoders of one class and one id are equal.

    Attributes
    ----------
    id : str
        Name and version. Only points of the same id are compared, so whatever changes points changes the id.
    data : {"text", "image"}
        What it takes.
    """

    id: str
    data: str

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def encode(self, X: Any, *, device: str | None = None, progress: bool | None = None) -> npt.NDArray[np.float64]:
        """Return one point a sample.

        Parameters
        ----------
        X : list of str, or array of images
            As `data` says. Never modified.
        device : str, optional
            A torch device to compute on; encoders without torch pass it over.
        progress : bool, optional
            Show a progress bar.

        Returns
        -------
        ndarray of float64 of shape (n_samples, n_features)

        Raises
        ------
        InvalidData
            X holds something else, or the encoder answers with anything but finite numbers.
        """
        samples = read_samples(X, self.data)
        told = self._encode(samples, device=device, progress=progress)
        try:
            points = np.asarray(told, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidData(f"{self._contract(len(samples))} Got what numpy cannot read: {error}.") from error
        if points.ndim != 2 or len(points) != len(samples) or not 1 <= points.shape[1] <= LIMITS["columns"]:
            raise InvalidData(f"{self._contract(len(samples))} Got shape {points.shape}.")
        if not np.isfinite(points).all():
            raise InvalidData(f"{self._contract(len(samples))} Got infinite numbers or NaN.")
        return points

    def _contract(self, n_samples: int) -> str:
        return (
            f"The encoder {self.id!r} must give an array of finite numbers with one row a sample ({n_samples} here) "
            f"and at most {LIMITS['columns']:,} columns."
        )

    @abstractmethod
    def _encode(self, samples: Any, *, device: str | None, progress: bool | None) -> Any:
        """Return an array of shape (n_samples, n_features) for a list of str, or an array of images."""


class FunctionEncoder(Encoder):
    """An encoder made of a function of one's own.

    Parameters
    ----------
    id : str
        Name and version, in letters, digits and ``. _ - / :``. Give another one whenever the function changes.
    data : {"text", "image"}
        What the function takes: a list of str, or an array of images.
    function : callable
        Returns an array of shape (n_samples, n_features), with as many features for every call.

    Notes
    -----
    Two are equal if they have the same function. One that was defined again, as by running a cell of a notebook twice,
    is the same if its code is and it takes no variables from the function around it.

    Examples
    --------
    >>> from learnware import Specification
    >>> from learnware.specification import FunctionEncoder
    >>> lengths = FunctionEncoder("lengths-1", "text", lambda texts: [[len(t), t.count(" ")] for t in texts])
    >>> spec = Specification.from_data(["a b", "c", "d e f", "g", "h i"], data="text", encoder=lengths)
    >>> spec.statistical.space.encoder
    'lengths-1'
    """

    def __init__(self, id: str, data: str, function: Callable[[Any], Any]) -> None:
        if not isinstance(id, str) or not ENCODER_NAME.fullmatch(id):
            raise complain("id", "FunctionEncoder", "a name of letters, digits and . _ - / :", id)
        if data not in DEFAULTS:
            raise complain("data", "FunctionEncoder", "'text' or 'image'", data)
        if not callable(function):
            raise complain("function", "FunctionEncoder", "a function", function)
        self.id, self.data, self._function = id, data, function

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and _same(self._function, other._function)  # type: ignore[attr-defined]

    __hash__ = Encoder.__hash__

    def _encode(self, samples: Any, *, device: str | None, progress: bool | None) -> Any:
        return self._function(samples)


def encoder_for(data: str, encoder: Encoder | str | None = None) -> Encoder:
    """Return an encoder of `data`.

    Parameters
    ----------
    data : {"text", "image"}
        What the samples are.
    encoder : Encoder or str, optional
        An encoder, or the name of one, such as ``"sentence-transformers:all-MiniLM-L6-v2"``; what follows a colon
        goes to the encoder, which may download what it needs. The name must be the user's own choice: for one out of
        a specification there is `encoder_of`. Default: the one that needs nothing but this library. An encoder of
        one's own is found by its id once it was passed here.

    Raises
    ------
    InvalidParameter
        There is none of that name, it takes other data, or another encoder of its id was passed before.
    """
    found = encoder
    if encoder is None or isinstance(encoder, str):
        found = _named(encoder or DEFAULTS[data], data, cached=False)
    if not isinstance(found, Encoder):
        raise complain("encoder", "Specification.from_data", "an Encoder or the name of one", encoder)
    return _remembered(_taking(data, found))


def encoder_of(data: str, id: str) -> Encoder:
    """Return the encoder whose id a specification names, by reading nothing but what is on this machine.

    A specification may come from a stranger, who must not choose what is downloaded or which folders are read. So this
    finds what the user passed before, what this library and installed packages bring, and downloaded networks.

    Parameters
    ----------
    data : {"text", "image"}
        What the samples are.
    id : str
        Name and version.

    Raises
    ------
    InvalidParameter
        There is none of that id, or it takes other data.
    """
    if id in _used:
        return _taking(data, _used[id])
    found = _taking(data, _named(id, data, cached=True))
    if found.id != id:
        raise InvalidParameter(
            f"There is no encoder of the id {id!r} here: the one of that name has the id {found.id!r}. Pass the "
            "encoder itself, as in Specification.from_data(X, data=..., encoder=...), and it is found."
        )
    return _remembered(found) if id in ENCODERS else found


def _taking(data: str, encoder: Encoder) -> Encoder:
    if encoder.data != data:
        raise InvalidParameter(
            f"The encoder {encoder.id!r} takes {encoder.data} data. Got data={data!r}: pass data={encoder.data!r}, or "
            "another encoder."
        )
    return encoder


def _remembered(encoder: Encoder) -> Encoder:
    if encoder.id in ENCODERS:
        known = ENCODERS[encoder.id]
        if isinstance(known, type) and not isinstance(encoder, known):
            raise InvalidParameter(
                f"{encoder.id!r} is the id of another encoder, {known.__name__}. Give yours an id of its own."
            )
    if _used.get(encoder.id, encoder) != encoder:
        raise InvalidParameter(
            f"Another encoder of the id {encoder.id!r} was passed before, and points of one id must come from one "
            "encoder. Give the new one an id of its own, or start Python again if it takes the place of the other."
        )
    _used[encoder.id] = encoder
    return encoder


def _same(one: Callable[[Any], Any], other: Callable[[Any], Any]) -> bool:
    if one == other:
        return True
    # What defaults and closures hold may not compare by one truth value.
    plain = all(
        isinstance(f, FunctionType) and not (f.__closure__ or f.__defaults__ or f.__kwdefaults__) for f in (one, other)
    )
    return plain and _told(one.__code__) == _told(other.__code__)


def _told(code: CodeType) -> tuple[Any, ...]:
    """Return what code does, wherever in a file it stands."""
    constants = [_told(value) if isinstance(value, CodeType) else value for value in code.co_consts]
    return code.co_code, code.co_names, repr(constants)


def _named(name: str, data: str, *, cached: bool) -> Encoder:
    if name in _used:
        return _used[name]
    known, _, argument = name.partition(":")
    if known not in ENCODERS:
        raise InvalidParameter(
            f"There is no encoder {name!r} here. Known: {', '.join(ENCODERS)}. Pass the encoder itself, or install the "
            "package that brings it."
        )
    target: Any = ENCODERS[known]
    if isinstance(target, type) and issubclass(target, Encoder):
        return _made(target, known, argument, cached)
    if argument:
        raise InvalidParameter(f"The encoder {known!r} takes nothing after a colon. Got {name!r}.")
    return target if isinstance(target, Encoder) else FunctionEncoder(name, data, target)


def _made(kind: type[Encoder], known: str, argument: str, cached: bool) -> Encoder:
    signature = dict(inspect.signature(kind).parameters)
    options = {"cached": cached} if signature.pop("cached", None) else {}
    parameters = signature.values()
    needed = [parameter for parameter in parameters if parameter.default is parameter.empty]
    if argument and not parameters:
        raise InvalidParameter(f"The encoder {known!r} takes nothing after a colon. Got {known + ':' + argument!r}.")
    if needed and not argument:
        raise InvalidParameter(f"The encoder {known!r} needs a name after a colon, such as '{known}:name'.")
    make: Callable[..., Encoder] = kind
    return make(*([argument] if argument else []), **options)
