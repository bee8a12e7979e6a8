"""The plain part of YAML: mappings, lists, text, numbers, truth values and null.

Tags, anchors, aliases, merge keys, dates, several documents and repeated keys are refused, and size, depth and number
of items are limited, so that reading costs time in proportion to the text and never names a Python object. The
document is built from the parser's events without recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from learnware.errors import BundleError

MAX_BYTES = 64 * 2**10
MAX_DEPTH = 16
MAX_EVENTS = 5000

# Just what the writer leaves unquoted; everything else that is unquoted is text.
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,39})")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+][0-9]{1,3})?")
_WORDS = {"null": None, "~": None, "": None, "true": True, "false": False}


def dump(content: Any) -> str:
    """Return `content` as YAML text with keys in the given order."""
    return yaml.dump(content, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=110)


class _PlainDumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def parse(text: bytes) -> Any:
    """Return the content of one YAML document.

    Raises
    ------
    BundleError
        The text is not plain YAML; code ``"yaml"``.

    Examples
    --------
    >>> from learnware.bundle.strict_yaml import parse
    >>> parse(b"task: Regression\\nclasses: [1, 'yes', true]\\n")
    {'task': 'Regression', 'classes': [1, 'yes', True]}
    """
    if len(text) > MAX_BYTES:
        raise _refused(f"it has {len(text):,} bytes, more than {MAX_BYTES:,}")
    try:
        return _build(yaml.parse(text.decode("utf-8"), Loader=yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _refused(" ".join(str(error).split())) from error


def _build(events: Iterator[yaml.Event]) -> Any:
    """Build the document; the stack holds open containers, each with the key that waits for its value."""
    root: list[Any] = []
    stack: list[tuple[Any, list[Any]]] = [(root, [])]
    documents = 0
    for count, event in enumerate(events):
        if count > MAX_EVENTS or len(stack) > MAX_DEPTH:
            raise _refused("it has too many items, or too deep ones")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or _tagged(event):
            raise _refused(f"{_place(event)} has a tag, an anchor or an alias")
        if isinstance(event, yaml.ScalarEvent):
            _put(stack[-1], _scalar(event), event)
        elif isinstance(event, yaml.CollectionStartEvent):
            container: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            _put(stack[-1], container, event)
            stack.append((container, []))
        elif isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
    if documents != 1 or len(root) != 1:
        raise _refused("it must hold one document")
    return root[0]


def _tagged(event: yaml.Event) -> bool:
    return getattr(event, "tag", None) is not None


def _put(place: tuple[Any, list[Any]], value: Any, event: yaml.Event) -> None:
    container, waiting = place
    if isinstance(container, list):
        container.append(value)
    elif waiting:
        container[waiting.pop()] = value
    elif not isinstance(value, str) or value in container or value == "<<":
        raise _refused(f"{_place(event)} has a key that is repeated or not text")
    else:
        waiting.append(value)


def _scalar(event: yaml.ScalarEvent) -> Any:
    text: str = event.value
    if event.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _place(event: yaml.Event) -> str:
    return "it" if event.start_mark is None else f"line {event.start_mark.line + 1}"


def _refused(reason: str) -> BundleError:
    return BundleError(f"The manifest of this learnware is not plain YAML: {reason}.", code="yaml")
