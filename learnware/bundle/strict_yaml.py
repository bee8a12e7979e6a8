"""The plain part of YAML: mappings, lists, text, numbers, truth values and null.

Tags, anchors, aliases, merge keys, dates, several documents and repeated keys are refused, and size, depth and number
of items are limited, so that reading costs time in proportion to the text and never names a Python object. The
document is built from the parser's events without recursion.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from learnware.errors import BundleError, LimitExceeded, MalformedManifest
from learnware.limits import LIMITS

FILE_NAME = "learnware.yaml"

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
    MalformedManifest
        The text is not plain YAML; ``code`` begins with ``"yaml-"`` and says which rule it breaks.
    LimitExceeded
        It is too large, too deep, or has too many items.

    Examples
    --------
    >>> from learnware.bundle.strict_yaml import parse
    >>> parse(b"task: Regression\\nclasses: [1, 'yes', true]\\n")
    {'task': 'Regression', 'classes': [1, 'yes', True]}
    """
    if len(text) > LIMITS["manifest-bytes"]:
        raise _beyond(f"it has {len(text):,} bytes, more than {LIMITS['manifest-bytes']:,}", "yaml-size")
    try:
        return _build(yaml.parse(text.decode("utf-8"), Loader=yaml.SafeLoader))
    except UnicodeDecodeError as error:
        raise _refused(f"it is not UTF-8 ({error.reason} at byte {error.start})", "yaml-encoding") from error
    except yaml.YAMLError as error:
        raise _refused(" ".join(str(error).split())[:300], "yaml-syntax") from error


def _build(events: Iterator[yaml.Event]) -> Any:
    """Build the document; the stack holds open containers, each with the key that waits for its value."""
    root: list[Any] = []
    stack: list[tuple[Any, list[Any]]] = [(root, [])]
    documents = 0
    for count, event in enumerate(events):
        if count > LIMITS["yaml-events"]:
            raise _beyond(f"it has more than {LIMITS['yaml-events']:,} items", "yaml-items")
        if len(stack) > LIMITS["yaml-depth"]:
            raise _beyond(f"it is more than {LIMITS['yaml-depth']} levels deep", "yaml-depth")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1 or event.version or event.tags:
                raise _refused("it must hold one document without directives", "yaml-documents")
        _check_plain(event)
        if isinstance(event, yaml.ScalarEvent):
            _put(stack[-1], _scalar(event), event)
        elif isinstance(event, yaml.CollectionStartEvent):
            container: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            _put(stack[-1], container, event)
            stack.append((container, []))
        elif isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
    if not root:
        raise _refused("it is empty", "yaml-documents")
    return root[0]


def _check_plain(event: yaml.Event) -> None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise _refused(f"{_place(event)} has an anchor or an alias", "yaml-anchor")
    if getattr(event, "tag", None) is not None:
        raise _refused(f"{_place(event)} has a tag", "yaml-tag")


def _put(place: tuple[Any, list[Any]], value: Any, event: yaml.Event) -> None:
    container, waiting = place
    if isinstance(container, list):
        container.append(value)
    elif waiting:
        container[waiting.pop()] = value
    elif not isinstance(value, str) or value == "<<":
        raise _refused(f"{_place(event)} has a key that is not text", "yaml-key")
    elif value in container:
        raise _refused(f"{_place(event)} has the key {value[:60]!r} again", "yaml-duplicate-key")
    else:
        waiting.append(value)


def _scalar(event: yaml.ScalarEvent) -> Any:
    text: str = event.value
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _refused(f"{_place(event)} has text that is not UTF-8", "yaml-encoding")
    if event.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if not _FLOAT.fullmatch(text):
        return text
    number = float(text)
    if not math.isfinite(number):
        raise _refused(f"{_place(event)} has the number {text[:20]}, which no float can hold", "yaml-number")
    return number


def _place(event: yaml.Event) -> str:
    return "it" if event.start_mark is None else f"line {event.start_mark.line + 1}"


def _refused(reason: str, code: str) -> BundleError:
    advice = "Write it again with Learnware.save."
    return MalformedManifest(f"{FILE_NAME} is not plain YAML: {reason}. {advice}", code=code, file=FILE_NAME)


def _beyond(reason: str, code: str) -> BundleError:
    advice = "`learnware limits` lists the limits: make it smaller."
    return LimitExceeded(f"{FILE_NAME} is beyond the limits: {reason}. {advice}", code=code, file=FILE_NAME)
