"""What an ONNX graph takes and answers: one table of numbers, then values, labels or probabilities.

Converters write classifiers with two outputs, the label and the probabilities of each class, often as one dictionary
per row (``ZipMap``). Networks answer with logits or probabilities alone, as torch modules do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from learnware.models.base import Label
from learnware.models.onnx_graph import refused

#: Types of the input, by their number in the standard.
DTYPES = {1: "float32", 6: "int32", 7: "int64", 10: "float16", 11: "float64"}
_LABELS = {6: "int32", 7: "int64", 8: "text"}
_FLOATS = (1, 10, 11)
_CLASS_ATTRIBUTES = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")
_PROBABILITIES = ("Softmax", "Sigmoid", "Normalizer")
_PASSING_ON = ("Identity", "Cast", "Reshape", "Squeeze", "Flatten")


@dataclass(frozen=True)
class Signature:
    """Input and outputs of a graph.

    Parameters
    ----------
    name, dtype : str
        Of the input.
    n_features : int
        Number of its columns.
    labels : str or None
        Name of the output with one label per row.
    numbers : str or None
        Name of the output with numbers: values, logits or probabilities.
    probable : bool
        Whether the operator that makes the numbers makes probabilities.
    classes : tuple of int or str, or None
        Labels in the order of the probabilities, where the graph knows them.
    """

    name: str
    dtype: str
    n_features: int
    labels: str | None
    numbers: str | None
    probable: bool
    classes: tuple[Label, ...] | None


def signature_of(graph: Any) -> Signature:
    """Return what a graph takes and answers.

    Raises
    ------
    MalformedModel
        Its inputs are not one table of numbers (code ``"onnx-input"``), or its outputs none of the known forms
        (``"onnx-output"``).
    """
    name, dtype, n_features = _input(graph)
    labels, numbers = _outputs(graph)
    probable = numbers is not None and _maker(graph, numbers) in _PROBABILITIES
    return Signature(name, dtype, n_features, labels, numbers, probable, _classes(graph))


def without_dictionaries(graph: Any) -> None:
    """Let a graph answer with the table of probabilities itself, not with a dictionary for each row."""
    for node in [node for node in graph.node if node.op_type == "ZipMap"]:
        places = [place for place, output in enumerate(graph.output) if output.name == node.output[0]]
        for place in places:
            output = graph.output[place]
            output.Clear()
            output.name = node.input[0]
            # ZipMap takes nothing but floats; their number is left open.
            output.type.tensor_type.elem_type = 1
            for _ in range(2):
                output.type.tensor_type.shape.dim.add()


def _input(graph: Any) -> tuple[str, str, int]:
    stored = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in stored]
    if len(inputs) != 1:
        raise refused(
            f"it takes {len(inputs)} inputs instead of one table. Convert it with a single input of shape "
            "[None, n_features]",
            "onnx-input",
        )
    tensor = inputs[0].type.tensor_type
    sizes = tensor.shape.dim
    if len(sizes) != 2 or sizes[1].dim_value < 1 or sizes[0].HasField("dim_value"):
        raise refused(
            "its input must have the shape [any number of rows, n_features]. Convert it with the first size left open "
            "and the second fixed",
            "onnx-input",
        )
    if tensor.elem_type not in DTYPES:
        raise refused("its input must be of numbers (float, double or int64)", "onnx-input")
    return inputs[0].name, DTYPES[tensor.elem_type], sizes[1].dim_value


def _outputs(graph: Any) -> tuple[str | None, str | None]:
    kinds = [output.type.tensor_type.elem_type for output in graph.output]
    names = [output.name for output in graph.output]
    if len(kinds) == 2 and kinds[0] in _LABELS and kinds[1] in _FLOATS:
        return names[0], names[1]
    if len(kinds) == 1 and kinds[0] in _FLOATS:
        return None, names[0]
    if len(kinds) == 1 and kinds[0] in _LABELS:
        return names[0], None
    raise refused(
        "it must answer with one tensor of numbers, with one of labels, or with labels and then probabilities. Remove "
        "its other outputs",
        "onnx-output",
    )


def _maker(graph: Any, name: str) -> str:
    """Return the operator that makes an output, past those that only pass it on."""
    makers = {output: node for node in graph.node for output in node.output}
    for _ in graph.node:
        if name not in makers or makers[name].op_type not in _PASSING_ON:
            break
        name = makers[name].input[0]
    return str(makers[name].op_type) if name in makers else ""


def _classes(graph: Any) -> tuple[Label, ...] | None:
    """Return the labels that the operators name, if they agree."""
    found = set()
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in _CLASS_ATTRIBUTES and (attribute.ints or attribute.strings):
                texts = (text.decode("utf-8", "replace") for text in attribute.strings)
                found.add(tuple(attribute.ints) or tuple(texts))
    return found.pop() if len(found) == 1 else None
