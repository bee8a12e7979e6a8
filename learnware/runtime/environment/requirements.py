"""What a learnware wants installed, read from its requirements.txt or environment.yaml.

Only names with versions and markers pass. Everything by which such a file could choose where packages come from, or run
something while they are installed, is refused: addresses, paths, options, variables of the environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from learnware.errors import LimitExceeded, MalformedManifest
from learnware.limits import LIMITS
from learnware.runtime.environment.conda import conda_lines

# Longer than any honest line, and short enough for the parser of nested markers.
_MAX_LINE = 500
_COMMENT = re.compile(r"(^|\s)#.*$")
_PACKED = (".whl", ".zip", ".gz", ".bz2", ".xz", ".tgz", ".egg")
# The runner brings the part of it that stored source code imports.
_OURS = "learnware"

_Line = tuple[int, str]


def parse_requirements(text: str, *, file: str = "requirements.txt") -> tuple[str, ...]:
    """Return the requirements of a ``requirements.txt``, normalised and sorted.

    Parameters
    ----------
    text : str
        One requirement per line: a name, optional extras, versions and a marker. Comments and blank lines are skipped.
    file : str, default="requirements.txt"
        Its name, for messages.

    Returns
    -------
    tuple of str
        Each package once per marker, without ``learnware`` itself.

    Raises
    ------
    LimitExceeded
        The text is too long, or has too many requirements.
    MalformedManifest
        A line is something else, such as a URL, a path or an option, or contradicts another one; code
        ``"requirements"``.

    Examples
    --------
    >>> from learnware.runtime.environment.requirements import parse_requirements
    >>> parse_requirements("Scikit_Learn>=1.5  # trees\\n\\nnumpy<3\\nnumpy >= 1.26\\n")
    ('numpy<3,>=1.26', 'scikit-learn>=1.5')
    """
    _check_size(text, file)
    lines = ((number, _COMMENT.sub("", line).strip()) for number, line in enumerate(text.splitlines(), start=1))
    return _normalised(((number, line) for number, line in lines if line), file)


def parse_conda(text: str, *, file: str = "environment.yaml") -> tuple[str, ...]:
    """Return the requirements in an ``environment.yaml`` of conda, normalised and sorted.

    Parameters
    ----------
    text : str
        The YAML document; of its keys only ``dependencies`` is read. Its ``pip:`` list is taken over, and of the conda
        packages those that an index of Python packages has too.
    file : str, default="environment.yaml"
        Its name, for messages.

    Returns
    -------
    tuple of str
        As `parse_requirements` returns them.

    Raises
    ------
    LimitExceeded
        The text is too long, or has too many requirements.
    MalformedManifest
        The text is no plain YAML of that form, or a requirement is not one that `parse_requirements` takes; code
        ``"requirements"``.

    Examples
    --------
    >>> from learnware.runtime.environment.requirements import parse_conda
    >>> parse_conda("dependencies: [python=3.8, pytorch=1.13=py38, scikit-learn=1.2, pip: [skops]]")
    ('scikit-learn==1.2.*', 'skops', 'torch==1.13')
    """
    _check_size(text, file)
    return _normalised(conda_lines(text, file), file)


def _check_size(text: str, file: str) -> None:
    """Raise `LimitExceeded` for a text that is too long."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > LIMITS["requirements-bytes"]:
        raise LimitExceeded(
            f"{file} may have at most {LIMITS['requirements-bytes']:,} bytes. Got {size:,}: list what the model "
            "itself imports, and leave the packages that those need to the installer.",
            code="requirements",
            file=file,
        )


def _normalised(lines: Iterable[_Line], file: str) -> tuple[str, ...]:
    """Return the requirements of numbered lines: checked, each package once per marker, sorted."""
    merged: dict[tuple[str, str], Requirement] = {}
    for count, (number, line) in enumerate(lines):
        if count >= LIMITS["requirements-lines"]:
            raise LimitExceeded(
                f"{file} may have at most {LIMITS['requirements-lines']} requirements: list what the model itself "
                "imports, and leave the packages that those need to the installer.",
                code="requirements",
                file=file,
            )
        found = _parsed(line, number, file)
        key = (found.name, str(found.marker or ""))
        if found.name != _OURS:
            merged[key] = _joined(merged[key], found, number, file) if key in merged else found
    return tuple(sorted(map(str, merged.values())))


def _parsed(line: str, number: int, file: str) -> Requirement:
    reason = _foreign(line)
    if reason:
        raise _refused(file, number, line, reason)
    try:
        found = Requirement(line)
        if found.marker is not None:
            found.marker.evaluate({"extra": ""})
    except (ValueError, RecursionError) as error:
        raise _refused(file, number, line, str(error).partition("\n")[0] or "it is nested too deeply") from error
    if found.url is not None or found.name.lower().endswith(_PACKED):
        raise _refused(file, number, line, "it names a file or an address")
    if any(specifier.operator == "===" for specifier in found.specifier):
        raise _refused(file, number, line, "=== compares texts; write ==")
    found.name = canonicalize_name(found.name)
    found.extras = {canonicalize_name(extra) for extra in found.extras}
    return found


def _foreign(line: str) -> str | None:
    """Return what a line is, if it is plainly no requirement."""
    if len(line) > _MAX_LINE or not line.isprintable():
        return f"it has more than {_MAX_LINE} characters, or invisible ones"
    if line.startswith("-") or re.search(r"\s--?\w", line):
        return "options are not allowed, not even hashes: versions are locked here, and the user chooses the index"
    if line.endswith("\\"):
        return "a requirement must stand on one line"
    if re.search(r"\$\{?\w|%\w+%", line):
        return "variables of the environment are not read"
    if "://" in line or re.match(r"[\w\[\],. -]+@|(git|hg|svn|bzr)\+|file:", line):
        return "addresses are not allowed: packages come from the index that the user has chosen"
    requirement = line.partition(";")[0]
    if requirement.startswith((".", "~")) or "/" in requirement or "\\" in requirement:
        return "paths are not allowed: put source code beside the model"
    return None


def _joined(first: Requirement, second: Requirement, number: int, file: str) -> Requirement:
    """Return one requirement that asks for both; one exact version must satisfy all it is asked with."""
    both = Requirement(str(first))
    both.extras = first.extras | second.extras
    both.specifier = first.specifier & second.specifier
    for pinned in _pins(both.specifier):
        if not both.specifier.contains(pinned, prereleases=True):
            raise _refused(file, number, str(second), f"it contradicts {str(first)!r}")
    return both


def _pins(specifier: SpecifierSet) -> Iterator[str]:
    return (part.version for part in specifier if part.operator == "==" and not part.version.endswith(".*"))


def _refused(file: str, number: int, line: str, reason: str) -> MalformedManifest:
    """Return the error for a line that is no requirement."""
    shown = line if len(line) <= 80 else f"{line[:77]}..."
    return MalformedManifest(
        f"Line {number} of {file} must be a package name with versions, such as 'numpy>=1.26,<3'. Got {shown!r}: "
        f"{reason}.",
        code="requirements",
        file=file,
    )
