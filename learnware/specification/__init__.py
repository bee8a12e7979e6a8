"""What a model is for: words (semantic) and points that stand for its data (statistical).

`Specification.from_data` builds both on the owner's machine. The statistical part, an `RKME`, lives in a `Space`
that says what its coordinates mean, and is compared with others in a common `Frame`.
"""

from __future__ import annotations

from learnware.specification.base import Specification
from learnware.specification.encoders import Encoder, FunctionEncoder
from learnware.specification.frame import Frame
from learnware.specification.labels import PointLabels
from learnware.specification.rkme import RKME
from learnware.specification.semantic import VOCABULARY, Fields, SemanticSpecification
from learnware.specification.space import Column, Space

__all__ = [
    "RKME",
    "VOCABULARY",
    "Column",
    "Encoder",
    "Fields",
    "Frame",
    "FunctionEncoder",
    "PointLabels",
    "SemanticSpecification",
    "Space",
    "Specification",
]
