"""The ``learnware.yaml`` of a Beimingwu learnware: which class is the model, and which files specify it.

There it names Python objects to import. Here it is text that is compared with what is known: nothing is imported, and a
class of specifications is one of a fixed table or refused.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from learnware._names import check_name
from learnware.bundle import strict_yaml
from learnware.errors import MalformedArchive, MalformedManifest

FILE_NAME = "learnware.yaml"
SEMANTIC_FILE = "semantic_specification.json"

#: What is done with the file of a specification: points are read, words of images and texts are kept as files of the
#: model, and what a market made for itself is dropped.
TABLE, KEPT, DROPPED = "table", "kept", "dropped"
_CLASSES = {
    "RKMETableSpecification": TABLE,
    "RKMEStatSpecification": TABLE,
    "RKMEImageSpecification": KEPT,
    "RKMETextSpecification": KEPT,
    "GenerativeModelSpecification": KEPT,
    "LLMGeneralCapabilitySpecification": KEPT,
    "HeteroMapTableSpecification": DROPPED,
}
_MODULE = "learnware.specification"
_DEFAULT_STATISTICS = ("RKMETableSpecification", "stat_spec.json")


@dataclass(frozen=True)
class StatisticFile:
    """A file that describes the data of the model.

    Parameters
    ----------
    class_name : str
        What it holds, one of a fixed table.
    file : str
        Its name in the zip.
    """

    class_name: str
    file: str

    @property
    def use(self) -> str:
        """What is done with it: ``"table"``, ``"kept"`` or ``"dropped"``."""
        return _CLASSES[self.class_name]


@dataclass(frozen=True)
class UpstreamManifest:
    """What the file says.

    Parameters
    ----------
    name : str
        Title, often empty.
    class_name, module_path : str
        The class of the model, and the file of the zip that defines it.
    kwargs : str
        JSON of the arguments it is made with.
    statistics : tuple of StatisticFile
        What describes its data.
    semantic_file : str or None
        The file that describes it in words, if there is one.
    """

    name: str
    class_name: str
    module_path: str
    kwargs: str
    statistics: tuple[StatisticFile, ...]
    semantic_file: str | None


def parse_manifest(text: bytes) -> dict[str, Any]:
    """Return the content of the file, with values as Beimingwu reads them.

    Raises
    ------
    BundleError
        It is no mapping in plain YAML.
    """
    strict_yaml.parse(text)
    try:
        # What passed is plain and small. The reader there takes more words for truth values and numbers than ours.
        content = yaml.load(text.decode("utf-8"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise _wrong(f"it holds a value that cannot be read ({error})", "yaml-value") from error
    if not isinstance(content, dict):
        raise _wrong(f"it must be a mapping with 'model' and 'stat_specifications', got a {type(content).__name__}")
    return content


def read_manifest(content: Mapping[str, Any], names: Collection[str]) -> UpstreamManifest:
    """Return what the parsed file says about a zip with files of these names.

    Raises
    ------
    MalformedManifest
        A field is not of the form that Beimingwu writes, names a file that is absent, or a class that is not known.
    """
    model = _mapping(content.get("model"), "model")
    class_name = model.get("class_name", "Model")
    if not isinstance(class_name, str) or not class_name.isidentifier():
        raise _wrong(f"model.class_name must be the name of a class, got {_shown(class_name)}", "class-name")
    title = content.get("name")
    return UpstreamManifest(
        name="" if title is None else str(title),
        class_name=class_name,
        module_path=_module_file(model.get("module_path", "__init__.py"), names),
        kwargs=_arguments(model.get("kwargs")),
        statistics=_statistics(content.get("stat_specifications"), names),
        semantic_file=_semantic_file(content.get("semantic_specification"), names),
    )


def _module_file(path: Any, names: Collection[str]) -> str:
    """Return the file of a module that is named by path or with dots."""
    if not isinstance(path, str):
        raise _wrong(f"model.module_path must be text, got {_shown(path)}", "module-path")
    dotted = path.replace(".", "/")
    candidates = [path.removeprefix("./")] if path.endswith(".py") else [f"{dotted}.py", f"{dotted}/__init__.py"]
    for candidate in candidates:
        _check_inside(candidate, "model.module_path", "module-path")
        if candidate in names:
            return candidate
    raise _wrong(f"model.module_path names no file of the zip: {_shown(path)}", "module-path")


def _arguments(kwargs: Any) -> str:
    arguments = _mapping(kwargs, "model.kwargs", "kwargs")
    _check_plain(arguments)
    try:
        return json.dumps(arguments, allow_nan=False, sort_keys=True)
    except ValueError as error:
        raise _wrong(f"model.kwargs must hold finite numbers ({error})", "kwargs") from error


def _check_plain(value: Any) -> None:
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _check_plain(item)
    elif not (value is None or isinstance(value, bool | int | float | str)):
        raise _wrong(f"model.kwargs must hold text, numbers, truth values, lists and mappings, got {value!r}", "kwargs")


def _statistics(entries: Any, names: Collection[str]) -> tuple[StatisticFile, ...]:
    if entries is None:
        class_name, file = _DEFAULT_STATISTICS
        return (StatisticFile(class_name, file),) if file in names else ()
    if not isinstance(entries, list):
        raise _wrong(f"stat_specifications must be a list, got {_shown(entries)}")
    found = tuple(_statistic(_mapping(entry, "stat_specifications"), names) for entry in entries)
    if sum(statistic.use == TABLE for statistic in found) > 1:
        raise _wrong("stat_specifications must have one specification of tables at most", "spec-twice")
    return found


def _statistic(entry: Mapping[str, Any], names: Collection[str]) -> StatisticFile:
    module, class_name, file = (entry.get(key) for key in ("module_path", "class_name", "file_name"))
    if module is not None and not (isinstance(module, str) and f"{module}.".startswith(f"{_MODULE}.")):
        raise _wrong(f"the module of a specification must be {_MODULE}, got {_shown(module)}", "spec-module")
    if not isinstance(class_name, str) or class_name not in _CLASSES:
        raise _wrong(
            f"the class of a specification must be one of {', '.join(_CLASSES)}, got {_shown(class_name)}", "spec-class"
        )
    return StatisticFile(class_name, _present(file, "file_name", names))


def _semantic_file(entry: Any, names: Collection[str]) -> str | None:
    if entry is None:
        return SEMANTIC_FILE if SEMANTIC_FILE in names else None
    return _present(_mapping(entry, "semantic_specification").get("file_name"), "file_name", names)


def _present(file: Any, field: str, names: Collection[str]) -> str:
    """Return the name of a file that the zip must have."""
    if not isinstance(file, str):
        raise _wrong(f"{field} must be the name of a file, got {_shown(file)}", "file-name")
    name = file.removeprefix("./")
    _check_inside(name, field, "file-name")
    if name not in names:
        raise _wrong(f"{field} names a file that the zip lacks: {_shown(file)}", "incomplete")
    return name


def _check_inside(name: str, field: str, code: str) -> None:
    try:
        check_name(name)
    except MalformedArchive as error:
        raise _wrong(f"{field} must be the name of a file in the zip ({error})", code) from error


def _mapping(value: Any, field: str, code: str = "manifest") -> dict[Any, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(f"{field} must be a mapping, got {_shown(value)}", code)
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _wrong(reason: str, code: str = "manifest") -> MalformedManifest:
    return MalformedManifest(
        f"The {FILE_NAME} of a Beimingwu learnware must describe its model and specifications: {reason}. Correct it "
        "and pack the zip again.",
        code=code,
        file=FILE_NAME,
    )
