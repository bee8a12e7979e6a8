"""What a learnware is for, in words: tags of a fixed vocabulary, a name and a description."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from learnware.errors import InvalidSpecification
from learnware.limits import LIMITS
from learnware.specification.fields import require_fields

#: The allowed values of each tag, as the Beimingwu dock system uses them.
VOCABULARY: Mapping[str, tuple[str, ...]] = {
    "data": ("Table", "Image", "Text"),
    "task": (
        "Classification",
        "Regression",
        "Feature Extraction",
        "Segmentation",
        "Object Detection",
        "Others",
    ),
    "library": ("Scikit-learn", "PyTorch", "TensorFlow", "Others"),
    "scenarios": (
        "Business",
        "Financial",
        "Health",
        "Politics",
        "Computer",
        "Internet",
        "Traffic",
        "Nature",
        "Fashion",
        "Industry",
        "Agriculture",
        "Education",
        "Entertainment",
        "Architecture",
        "Others",
    ),
    "license": (
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "GPL-2.0",
        "GPL-3.0",
        "LGPL-2.1",
        "LGPL-3.0",
        "AGPL-3.0",
        "ECL-2.0",
        "AFL-3.0",
        "CC-BY-4.0",
        "CC-BY-SA-4.0",
        "Others",
    ),
}

_FILE_KEYS = {
    "data": "Data",
    "task": "Task",
    "library": "Library",
    "scenarios": "Scenario",
    "license": "License",
    "name": "Name",
    "description": "Description",
    "inputs": "Input",
    "outputs": "Output",
}


# More digits than any number of columns has.
_POSITION = re.compile("0|[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Fields:
    """How many numbers go in or come out, and what they mean.

    Parameters
    ----------
    dimension : int
        Number of input columns or outputs (classes, for a classifier).
    descriptions : mapping of int to str, default={}
        What position i is; positions may be left out.
    """

    dimension: int
    descriptions: Mapping[int, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if isinstance(self.dimension, bool) or not isinstance(self.dimension, int) or self.dimension < 1:
            raise InvalidSpecification(f"The dimension of Fields must be a positive int. Got {self.dimension!r}.")
        for position, text in self.descriptions.items():
            if not isinstance(position, int) or not 0 <= position < self.dimension or not isinstance(text, str):
                raise InvalidSpecification(
                    f"The descriptions of Fields must map positions 0 to {self.dimension - 1} to text. "
                    f"Got {position!r}: {text!r}."
                )
            _refuse_half_characters(f"description {position} of Fields", text)

    @classmethod
    def named(cls, names: Iterable[object]) -> Fields:
        """Describe one position per name."""
        texts = [str(name) for name in names]
        return cls(len(texts), dict(enumerate(texts)))

    def to_dict(self) -> dict[str, Any]:
        """Return the form of the file."""
        return {"Dimension": self.dimension, "Description": {str(i): t for i, t in self.descriptions.items()}}

    @classmethod
    def from_dict(cls, content: Any) -> Fields:
        """Read the form of the file; `InvalidSpecification` when it is another."""
        require_fields(content, ("Dimension",), "Input and Output", optional=("Description",))
        described, dimension = content.get("Description", {}), content["Dimension"]
        positions = isinstance(described, Mapping) and all(_POSITION.fullmatch(str(i)) for i in described)
        if not positions or type(dimension) is not int or not 1 <= dimension <= LIMITS["point-numbers"]:
            raise InvalidSpecification(
                "Input and Output must have a 'Dimension' (int) and a 'Description' (position to text). "
                f"Got {content!r:.200}."
            )
        return cls(dimension, {int(i): text for i, text in described.items()})


@dataclass(frozen=True)
class SemanticSpecification:
    """Tags and text that say what a learnware is for, or what a user looks for.

    Every field may be left out: in a search that means "any". Tags are accepted in any case and kept as the
    vocabulary spells them.

    Parameters
    ----------
    name : str, default=""
        Short title, in one line.
    description : str, default=""
        Free text, Markdown; of control characters only line feeds and tabs.
    data : str, optional
        One of ``VOCABULARY["data"]``.
    task : str, optional
        One of ``VOCABULARY["task"]``.
    library : str, optional
        One of ``VOCABULARY["library"]``.
    scenarios : str or iterable of str, default=()
        Any of ``VOCABULARY["scenarios"]``.
    license : str, optional
        One of ``VOCABULARY["license"]``.
    inputs, outputs : Fields, optional
        Number and meaning of inputs and outputs.

    Raises
    ------
    InvalidSpecification
        Names the field, the value and the allowed ones.

    Examples
    --------
    >>> from learnware import SemanticSpecification
    >>> semantic = SemanticSpecification(name="Sales, store 12", task="regression", scenarios="business")
    >>> semantic.task, semantic.scenarios
    ('Regression', ('Business',))
    """

    name: str = ""
    description: str = ""
    data: str | None = None
    task: str | None = None
    library: str | None = None
    scenarios: tuple[str, ...] = ()
    license: str | None = None
    inputs: Fields | None = None
    outputs: Fields | None = None

    def __post_init__(self) -> None:
        for text in ("name", "description"):
            object.__setattr__(self, text, _as_text(text, getattr(self, text)))
        for tag in ("data", "task", "library", "license"):
            value = getattr(self, tag)
            object.__setattr__(self, tag, None if value in (None, "") else _as_allowed(tag, value))
        scenarios: object = self.scenarios
        several = [scenarios] if isinstance(scenarios, str) else list(self.scenarios or ())
        chosen = dict.fromkeys(_as_allowed("scenarios", value) for value in several if value != "")
        object.__setattr__(self, "scenarios", tuple(chosen))

    def to_dict(self) -> dict[str, Any]:
        """Return the dictionary that Beimingwu uses; fields that are not said are left out."""
        content: dict[str, Any] = {}
        for tag in ("data", "task", "library", "license"):
            value = getattr(self, tag)
            if value is not None:
                content[_FILE_KEYS[tag]] = {"Type": "Class", "Values": [value]}
        if self.scenarios:
            content["Scenario"] = {"Type": "Tag", "Values": list(self.scenarios)}
        for text in ("name", "description"):
            if getattr(self, text):
                content[_FILE_KEYS[text]] = {"Type": "String", "Values": getattr(self, text)}
        for side in ("inputs", "outputs"):
            if getattr(self, side) is not None:
                content[_FILE_KEYS[side]] = getattr(self, side).to_dict()
        return content

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> SemanticSpecification:
        """Read the dictionary that `to_dict` and Beimingwu write.

        Raises
        ------
        InvalidSpecification
            A field is unknown, of the wrong form, or holds a value outside the vocabulary.
        """
        require_fields(content, (), "A semantic specification", optional=_FILE_KEYS.values())
        return cls(**{name: _read(name, content[key]) for name, key in _FILE_KEYS.items() if key in content})

    def said(self) -> dict[str, Any]:
        """Return the fields that are given, by name."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in given.items() if value not in (None, "", ())}


def _read(name: str, content: Any) -> Any:
    if name in ("inputs", "outputs"):
        return Fields.from_dict(content)
    require_fields(content, ("Values",), f"The field {_FILE_KEYS[name]!r}", optional=("Type",))
    values = content["Values"]
    if name in ("name", "description"):
        return values
    if isinstance(values, str):
        values = [values]
    if not isinstance(values, list):
        raise InvalidSpecification(
            f"The field {_FILE_KEYS[name]!r} must hold a list of 'Values'. Got {content!r:.200}."
        )
    if name == "scenarios":
        return tuple(values)
    if len(values) > 1:
        raise InvalidSpecification(f"The field {_FILE_KEYS[name]!r} takes one value. Got {values!r:.200}.")
    return values[0] if values else None


def _as_text(name: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidSpecification(f"The field {name!r} must be text. Got {value!r}.")
    if name == "description":
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    _refuse_half_characters(f"field {name!r}", value)
    hidden = next((c for c in value if _is_hidden(c, name)), None)
    if hidden is not None:
        raise InvalidSpecification(
            f"The field {name!r} must hold no control characters"
            f"{'' if name == 'description' else ', line breaks or invisible ones'}. Got {hidden!r} in {value!r:.100}: "
            "leave it out."
        )
    return value


def _refuse_half_characters(what: str, text: str) -> None:
    """Raise InvalidSpecification for a lone surrogate, which no file, database or network takes for text."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidSpecification(
            f"The {what} must be text that UTF-8 can write. Got {text[error.start]!r}, half a character, in "
            f"{text!r:.100}: leave it out, or decode the text from its bytes again."
        ) from error


def readable(text: str, name: str) -> str:
    """Return the text of the field `name` without the characters that it must not hold."""
    return "".join(c for c in text if not _is_hidden(c, name))


def _is_hidden(character: str, name: str) -> bool:
    """Tell whether a character would change what a terminal or a page shows besides itself."""
    kind = unicodedata.category(character)
    if name == "description":
        return kind in ("Cc", "Cs") and character not in "\n\t"
    return kind in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in _JOINERS


# Persian and Indian scripts, and many emoji, are not written without them.
_JOINERS = "\u200c\u200d"


def _as_allowed(name: str, value: object) -> str:
    for allowed in VOCABULARY[name]:
        if isinstance(value, str) and value.casefold() == allowed.casefold():
            return allowed
    raise InvalidSpecification(
        f"The field {name!r} must be one of {', '.join(VOCABULARY[name])}. Got {value!r} instead."
    )
