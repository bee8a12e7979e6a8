"""Names of files that come from outside: safe on every system, and never two for one file."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from learnware.errors import MalformedArchive
from learnware.limits import LIMITS

_DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    "conin$",
    "conout$",
    "clock$",
    *(f"{port}{i}" for port in ("com", "lpt") for i in range(10)),
}
_FORBIDDEN = set(':*?"<>|\\')
# Control, format (among them those that reverse the direction of text), surrogate, private, unassigned; separators of
# lines and paragraphs.
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def check_name(name: str) -> None:
    """Check the name of one file.

    Parameters
    ----------
    name : str
        Relative to the folder that holds the files, with ``/`` between its parts.

    Raises
    ------
    MalformedArchive
        Some system would refuse it, or take it for another name or for a place outside of the folder; code ``"name"``.

    Examples
    --------
    >>> from learnware._names import check_name
    >>> check_name("weights/model.bin")
    >>> check_name("../model.bin")
    Traceback (most recent call last):
    ...
    learnware.errors.MalformedArchive: ... Got '../model.bin': it has a part that is empty, '.' or '..'. Rename it.
    """
    reason = _fault(name)
    if reason:
        raise MalformedArchive(
            f"The name of a file must be relative, short, and one that every system can write. Got {_shown(name)}: "
            f"{reason}. Rename it.",
            code="name",
            file=name,
        )


def check_names(files: Iterable[str], folders: Iterable[str] = ()) -> None:
    """Check the names of all files of an archive together.

    Parameters
    ----------
    files : iterable of str
        Their names, each as often as it occurs.
    folders : iterable of str, default=()
        Names of folders, without the ``/`` at the end, besides those that the files are in.

    Raises
    ------
    MalformedArchive
        A name is unsafe (code ``"name"``), or two would be one file or one folder on some system, or one is both a
        file and a folder (``"name-collision"``).

    Examples
    --------
    >>> from learnware._names import check_names
    >>> check_names(["a.txt", "b/a.txt"])
    >>> check_names(["a.txt", "A.TXT"])
    Traceback (most recent call last):
    ...
    learnware.errors.MalformedArchive: ... Got 'a.txt' and 'A.TXT'. Rename one of them.
    """
    files, folders = list(files), list(folders)
    for name in [*files, *folders]:
        check_name(name)
    taken: dict[str, str] = {}
    for folder in folders:
        _take(taken, folder)
    for name in [*files, *folders]:
        for parent in _parents(name):
            _take(taken, parent, again=True)
    for name in files:
        _take(taken, name)


def _take(taken: dict[str, str], name: str, *, again: bool = False) -> None:
    """Note a name, which must be new or, if it is that of a folder met `again`, spelled as before."""
    key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    other = taken.get(key)
    if other is None or (again and other == name):
        taken[key] = name
        return
    raise MalformedArchive(
        f"Two files must not have names that some systems take for one. Got {_shown(other)} and {_shown(name)}. "
        "Rename one of them.",
        code="name-collision",
        file=name,
    )


def _parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:i]) for i in range(1, len(parts))]


def _fault(name: str) -> str | None:
    """Return what is wrong with a name, or None."""
    odd = [c for c in name if unicodedata.category(c) in _INVISIBLE]
    if odd:
        return f"it has the character U+{ord(odd[0]):04X}, which cannot be seen"
    forbidden = sorted(_FORBIDDEN & set(name))
    if forbidden:
        return f"it has the character {forbidden[0]}"
    if len(name.encode()) > LIMITS["name-bytes"]:
        return f"it has more than {LIMITS['name-bytes']} bytes"
    if name.count("/") >= LIMITS["name-depth"]:
        return f"it has more than {LIMITS['name-depth']} parts"
    if unicodedata.normalize("NFC", name) != name:
        return "it is not in the composed form of Unicode, NFC"
    # Some systems turn wide and other variants of '/' and '.' into the plain characters.
    plain = unicodedata.normalize("NFKC", name)
    if plain.count("/") != name.count("/") or "\\" in plain:
        return "it has a character that some systems turn into a separator"
    return next(filter(None, map(_part_fault, [*name.split("/"), *plain.split("/")])), None)


def _part_fault(part: str) -> str | None:
    if part in ("", ".", ".."):
        return "it has a part that is empty, '.' or '..'"
    if part[0].isspace() or part[-1].isspace():
        return "it has a part that begins or ends with a space"
    if part.endswith("."):
        return "it has a part that ends with a dot"
    if part.partition(".")[0].rstrip().casefold() in _DEVICES:
        return "it has a part that is a device on Windows"
    return None


def _shown(name: str) -> str:
    text = repr(name)
    return text if len(text) <= 100 else f"{text[:96]}...'"
