"""Turn the zip of a Beimingwu learnware into a learnware of ours, as data: nothing of it is imported or run.

Its code becomes a model of the format ``"python"``, which only ever runs in a sandbox; its table specification becomes
points of ours, compared by a kernel of the market's choice.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import replace

from learnware.bundle.archive import pack
from learnware.bundle.foreign_archive import ForeignArchive
from learnware.bundle.manifest import FILE_NAME as MANIFEST
from learnware.bundle.manifest import MODEL_FOLDER, SPECIFICATION, Manifest
from learnware.bundle.upstream_manifest import (
    DROPPED,
    FILE_NAME,
    TABLE,
    UpstreamManifest,
    parse_manifest,
    read_manifest,
)
from learnware.bundle.upstream_words import read_points, read_words
from learnware.errors import (
    BundleError,
    InvalidSpecification,
    LimitExceeded,
    MalformedArchive,
    MalformedManifest,
    MalformedSpecification,
    UnsupportedModel,
)
from learnware.limits import LIMITS
from learnware.models import ModelEntry
from learnware.models.python import pack_code
from learnware.runtime.environment.requirements import parse_conda, parse_requirements
from learnware.specification import RKME, SemanticSpecification, Specification

_ENVIRONMENTS = {
    "environment.yaml": parse_conda,
    "environment.yml": parse_conda,
    "requirements.txt": parse_requirements,
}
_DATA = {"RKMEImageSpecification": "Image", "RKMETextSpecification": "Text"}
_OWN_START = b"PK\x03\x04\x14\x00\x00\x08"


def is_upstream(data: bytes) -> bool:
    """Tell whether bytes are to be read by `convert`, not as a learnware of this library.

    Parameters
    ----------
    data : bytes
        The content of a file.

    Returns
    -------
    bool
        True for a zip with a manifest of Beimingwu, and for a zip that `convert` refuses for its form.

    Examples
    --------
    >>> from learnware.bundle.upstream import is_upstream
    >>> is_upstream(b"no zip")
    False
    """
    name = data[30 : 30 + len(MANIFEST)]
    if not data.startswith(b"PK") or (data.startswith(_OWN_START) and name == MANIFEST.encode()):
        return False
    try:
        _opened(data)
    except BundleError as error:
        return error.code != "format"
    return True


def convert(data: bytes, *, semantic: SemanticSpecification | None = None) -> bytes:
    """Return a learnware of this library, of format 2, made of a Beimingwu learnware.

    Parameters
    ----------
    data : bytes
        The content of the zip, flat or with one top folder.
    semantic : SemanticSpecification, optional
        Words about it, which take precedence over those in the zip. Needed where the zip has none: Beimingwu adds them
        only when it takes a learnware.

    Returns
    -------
    bytes
        The same for the same zip.

    Raises
    ------
    BundleError
        The zip, its manifest or a specification in it cannot be read, or is not safe; ``code`` says why.

    Examples
    --------
    >>> import io, zipfile
    >>> from learnware.bundle.archive import Archive
    >>> from learnware.bundle.upstream import convert
    >>> from learnware.specification import SemanticSpecification
    >>> buffer = io.BytesIO()
    >>> with zipfile.ZipFile(buffer, "w") as archive:
    ...     archive.writestr("learnware.yaml", "model: {class_name: MyModel}")
    ...     archive.writestr("__init__.py", "class MyModel: ...")
    ...     archive.writestr("stat_spec.json", '{"z": [[0, 1], [2, 3]], "beta": [0.5, 0.5], "gamma": 0.1}')
    >>> words = SemanticSpecification(name="Sales, store 12", task="regression")
    >>> Archive(convert(buffer.getvalue(), semantic=words)).names
    ('learnware.yaml', 'model/f0', 'model/paths.json', 'specification.json')
    """
    archive, base, manifest = _opened(data)
    statistical = _statistical(archive, base, manifest)
    words = _words(archive, base, manifest, semantic)
    _check_together(words, statistical)
    code = _code(archive, base, manifest)
    requirements = _requirements(archive, base)
    files = pack_code(code)
    entry = _entry(manifest, words, statistical, tuple(files), requirements)
    return _packed(entry, Specification(words, statistical), files)


def _opened(data: bytes) -> tuple[ForeignArchive, str, UpstreamManifest]:
    """Return the zip, the folder within it that holds the learnware, and its manifest."""
    archive = ForeignArchive(data)
    base = _base(archive.names)
    content = parse_manifest(archive.read(base + FILE_NAME, limit=LIMITS["manifest-bytes"]))
    if "format" in content:
        raise MalformedManifest(
            "The zip must be a learnware of Beimingwu. Its manifest has a format, as those of this library have: open "
            "it with Learnware.load.",
            code="format",
            file=FILE_NAME,
        )
    inside = {name[len(base) :] for name in archive.names}
    return archive, base, read_manifest(content, inside)


def _base(names: tuple[str, ...]) -> str:
    """Return the one folder that holds everything, with ``/`` at its end, or nothing for a flat zip."""
    if FILE_NAME in names:
        return ""
    tops = {name.partition("/")[0] for name in names}
    base = f"{min(tops, default='')}/"
    if len(tops) != 1 or base + FILE_NAME not in names:
        raise MalformedArchive(
            f"The zip of a learnware must have {FILE_NAME} at its top, or in its one top folder. This one has it in "
            "neither: pack the folder of the learnware.",
            code="incomplete",
            file=FILE_NAME,
        )
    return base


def _statistical(archive: ForeignArchive, base: str, manifest: UpstreamManifest) -> RKME | None:
    """Return the points of the table specification; other kinds leave a learnware that is found by its words."""
    for statistic in manifest.statistics:
        if statistic.use == TABLE:
            return read_points(archive.read(base + statistic.file, limit=LIMITS["specification-bytes"]), statistic.file)
    return None


def _words(
    archive: ForeignArchive, base: str, manifest: UpstreamManifest, given: SemanticSpecification | None
) -> SemanticSpecification:
    """Return words that at least name the learnware and its task."""
    file = manifest.semantic_file
    if file is None and given is None:
        raise MalformedSpecification(
            "The zip says nothing about what the learnware is for, since Beimingwu adds that only when it takes it. "
            "Pass semantic=SemanticSpecification(name=..., task=..., outputs=...), or use "
            "learnware import FILE --name ... --task ...",
            code="semantic-missing",
        )
    words = SemanticSpecification()
    if file is not None:
        words = read_words(archive.read(base + file, limit=LIMITS["specification-bytes"]), file)
    if given is not None:
        words = replace(words, **given.said())
    kinds = [_DATA.get(statistic.class_name, "Table") for statistic in manifest.statistics]
    title = " ".join((words.name or manifest.name).split())
    try:
        words = replace(words, name=title, data=words.data or (kinds[0] if kinds else None))
    except InvalidSpecification as error:
        raise MalformedSpecification(str(error), code=error.code, file=FILE_NAME) from error
    if not title or words.task is None:
        raise _incomplete("a name and a task", file)
    if words.task == "Classification" and (words.outputs is None or words.outputs.dimension < 2):
        raise _incomplete("the number of classes, at least 2, as the dimension of its outputs", file)
    return words


def _incomplete(what: str, file: str | None) -> MalformedSpecification:
    return MalformedSpecification(
        f"The words about a learnware must tell {what}. Pass them as semantic=SemanticSpecification(...), or use "
        "learnware import FILE --name ... --task ...",
        code="semantic-incomplete",
        file=file,
    )


def _check_together(words: SemanticSpecification, statistical: RKME | None) -> None:
    if statistical is None:
        if words.data in (None, "Table"):
            raise MalformedSpecification(
                "A learnware of tables must have points that stand for its data: an RKMETableSpecification among its "
                "stat_specifications. Add one, or make the learnware with Learnware.from_model.",
                code="stat-missing",
                file=FILE_NAME,
            )
        return
    width = len(statistical.space.columns)
    if words.inputs is not None and words.inputs.dimension != width:
        raise MalformedSpecification(
            f"Both specifications must be of the same columns. In words there are {words.inputs.dimension}, in points "
            f"{width}: correct the dimension of the inputs.",
            code="dimension",
        )


def _requirements(archive: ForeignArchive, base: str) -> tuple[str, ...]:
    for file, parse in _ENVIRONMENTS.items():
        if base + file in archive.names:
            return parse(_text(archive.read(base + file, limit=LIMITS["manifest-bytes"]), file), file=file)
    return ()


def _text(content: bytes, file: str) -> str:
    # Windows writes what a shell redirects into a file as UTF-16.
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedManifest(
            f"{file} must be text in UTF-8. It is not ({error.reason} at byte {error.start}): save it as UTF-8.",
            code="requirements",
            file=file,
        ) from error


def _code(archive: ForeignArchive, base: str, manifest: UpstreamManifest) -> dict[str, bytes]:
    """Return every file of the model: what is neither read here nor a cache of compiled code."""
    read = {FILE_NAME, manifest.semantic_file, *_ENVIRONMENTS}
    read.update(statistic.file for statistic in manifest.statistics if statistic.use in (TABLE, DROPPED))
    read.discard(manifest.module_path)
    names = [name[len(base) :] for name in archive.names]
    return {name: archive.read(base + name) for name in names if name not in read and not _compiled(name)}


def _compiled(name: str) -> bool:
    return "__pycache__" in name.split("/") or name.endswith((".pyc", ".pyo"))


def _entry(
    manifest: UpstreamManifest,
    words: SemanticSpecification,
    statistical: RKME | None,
    files: tuple[str, ...],
    requirements: tuple[str, ...],
) -> ModelEntry:
    """Return how the model is stored; whatever is not classification answers with numbers."""
    classifies = words.task == "Classification"
    n_outputs = 1 if words.outputs is None else words.outputs.dimension
    if n_outputs > LIMITS["yaml-events"]:
        raise LimitExceeded(
            f"A model may have at most {LIMITS['yaml-events']:,} outputs or classes. Got {n_outputs:,}.",
            code="too-large",
            file=manifest.semantic_file,
        )
    if statistical is not None:
        n_features = len(statistical.space.columns)
    else:
        n_features = 1 if words.inputs is None else words.inputs.dimension
    return ModelEntry(
        format="python",
        files=files,
        library=words.library or "Others",
        requirements=requirements,
        task="Classification" if classifies else "Regression",
        classes=tuple(range(n_outputs)) if classifies else None,
        n_features=n_features,
        n_outputs=1 if classifies else n_outputs,
        parameters={
            "class_name": manifest.class_name,
            "module_path": manifest.module_path,
            "kwargs": manifest.kwargs,
        },
    )


def _packed(entry: ModelEntry, specification: Specification, code: Mapping[str, bytes]) -> bytes:
    files = {SPECIFICATION: specification.to_json().encode()}
    files.update({f"{MODEL_FOLDER}/{name}": content for name, content in code.items()})
    try:
        manifest = Manifest.of(specification.semantic.name, entry, files).to_yaml()
    except UnsupportedModel as error:
        raise LimitExceeded(
            f"A learnware must have a manifest within the limits, but this one has {len(code) - 1:,} files and "
            f"{len(entry.classes or ()):,} classes: leave out files that the model does not need. ({error})",
            code="too-large",
        ) from error
    return pack({MANIFEST: manifest, **files})
