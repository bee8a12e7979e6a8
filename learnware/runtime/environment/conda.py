"""An environment.yaml of conda, as requirements for pip.

Its ``pip:`` list is taken over. Of the conda packages, those that are also Python packages of an index are, by a fixed
table; what conda brings besides (Python itself, compilers, maths libraries) comes inside of the wheels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from learnware.errors import MalformedManifest
from learnware.limits import LIMITS

_SAME_NAME = frozenset(
    "catboost category_encoders cloudpickle cvxopt cvxpy datasets dill einops faiss-cpu gensim h5py huggingface_hub "
    "imbalanced-learn jieba joblib keras lightgbm matplotlib networkx nltk numba numpy onnx onnxruntime pandas pillow "
    "polars psutil pyarrow pytorch-lightning pyyaml requests safetensors scikit-image scikit-learn scipy seaborn "
    "sentence-transformers sentencepiece skops spacy statsmodels sympy tensorflow timm tokenizers torch torchaudio "
    "torchvision tqdm transformers xgboost".split()
)
#: Conda packages that have another name on the index.
_OTHER_NAME = {
    "matplotlib-base": "matplotlib",
    "opencv": "opencv-python-headless",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "pyg": "torch-geometric",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "sentence_transformers": "sentence-transformers",
    "tensorflow-cpu": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "xgboost-cpu": "xgboost",
}
_DEPTH = 8
_SPEC = re.compile(r"(?:[\w./-]+::)?(?P<name>[\w.-]+)\s*(?P<versions>.*)")
# name=1.2=build, name=1.2, name==1.2=build; name 1.2 build
_EXACT = re.compile(r"={1,2}([\w.!+]+)=[\w.*]+|==([\w.!+]+)|([\w.!+]+)(?:\s+\S+)?")
_PREFIX = re.compile(r"=?([\w.!+]+?)(?:\.?\*)?(?:=[\w.*]+)?")
_RANGE = re.compile(r"(?:[<>=!~]=|[<>])[\w.*!+]+(?:\s*,\s*(?:[<>=!~]=|[<>])[\w.*!+]+)*")


def conda_lines(text: str, file: str) -> Iterator[tuple[int, str]]:
    """Return the requirements in an ``environment.yaml`` of conda, with the lines on which they stand.

    Raises
    ------
    MalformedManifest
        The text is no plain YAML of that form; code ``"requirements"``.
    """
    for node in _dependencies(text, file).value:
        number = _line(node)
        if isinstance(node, yaml.ScalarNode):
            line = _translated(node.value.strip(), number, file)
            if line:
                yield number, line
            continue
        for item in _pip_list(node, file):
            yield _line(item), item.value.strip()


def _pip_list(node: yaml.Node, file: str) -> list[yaml.ScalarNode]:
    """Return the items under ``pip:``, the only mapping among the dependencies."""
    if isinstance(node, yaml.MappingNode) and len(node.value) == 1:
        key, items = node.value[0]
        plain = isinstance(items, yaml.SequenceNode) and all(isinstance(item, yaml.ScalarNode) for item in items.value)
        if key.value == "pip" and plain:
            found: list[yaml.ScalarNode] = items.value
            return found
    raise _malformed(file, f"line {_line(node)} must be a package, or 'pip:' with a list of them")


def _translated(spec: str, number: int, file: str) -> str | None:
    """Return a conda package as a requirement; None for one that no index of Python packages has."""
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise _malformed(file, f"line {number} names no package: {spec[:80]!r}")
    name = match["name"].lower()
    name = _OTHER_NAME.get(name, name if name in _SAME_NAME else "")
    if not name:
        return None
    versions = match["versions"].strip()
    if versions in ("", "*"):
        return name
    if exact := _EXACT.fullmatch(versions):
        return f"{name}=={exact[1] or exact[2] or exact[3]}"
    if prefix := _PREFIX.fullmatch(versions):
        return f"{name}=={prefix[1]}.*"
    if _RANGE.fullmatch(versions):
        return name + versions
    raise _malformed(file, f"line {number} has versions that pip has no words for, list it under 'pip:': {spec[:80]!r}")


def _dependencies(text: str, file: str) -> yaml.SequenceNode:
    try:
        _scan(text, file)
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise _malformed(file, " ".join(str(error).split())) from error
    if isinstance(root, yaml.MappingNode):
        found = [value for key, value in root.value if key.value == "dependencies"]
        if len(found) == 1 and isinstance(found[0], yaml.SequenceNode):
            return found[0]
    raise _malformed(file, "it must be a mapping with one list 'dependencies'")


def _scan(text: str, file: str) -> None:
    """Refuse what would make building the document costly: depth, many items, aliases; and tags."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.BaseLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH or count > LIMITS["yaml-events"]:
            raise _malformed(file, "it has too many items, or too deep ones")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise _malformed(file, f"line {_line(event)} has a tag, an anchor or an alias")


def _line(part: yaml.Event | yaml.Node) -> int:
    return 1 if part.start_mark is None else part.start_mark.line + 1


def _malformed(file: str, reason: str) -> MalformedManifest:
    return MalformedManifest(
        f"{file} must be an environment of conda in plain YAML: {reason}. Export it again, or use a requirements.txt.",
        code="requirements",
        file=file,
    )
