"""Samples that a model is asked for when it is checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from learnware.bundle import Learnware

#: How many rows or images a model is asked for.
N_ROWS = 24

#: Texts of several lengths, scripts and kinds, among them what a model may not have thought of.
TEXTS = (
    "",
    " ",
    "a",
    "?!...",
    "42",
    "Good morning.",
    "The train to the coast leaves at ten past nine from the last platform.",
    "From: reader@example.org\nSubject: a question\n\nDoes anyone know how to clean a paper filter?\n",
    "<p>Prices <b>rose</b> by 3.5 % &amp; fell again.</p>",
    "line one\n\tline two\r\nline three\x00",
    "Über den Fluß führt eine schmale Brücke.",
    "今天的天气很好，我们去公园散步。",
    "Сегодня мы читаем книгу о звёздах.",
    "هذا نص قصير باللغة العربية",
    "🎈🎈 happy birthday 🎂",
    "word " * 2000,
    "x" * 5000,
    "The committee met on Tuesday, heard three reports, and agreed to meet again in the spring. " * 12,
)


@dataclass(frozen=True)
class Probes:
    """What a model is asked for.

    Parameters
    ----------
    samples : array or data frame
        As the learnware takes them.
    told : str
        What they are, for messages.
    """

    samples: Any
    told: str


def probes_of(learnware: Learnware) -> Probes | None:
    """Return samples for a model, the same ones every time; None where nobody knows what it takes.

    Rows are drawn from the points of tables. Points of texts and images cannot be turned back, so these models get
    texts and images that stand here for everybody.
    """
    rkme = learnware.specification.statistical
    if rkme is None:
        return None
    if rkme.space.decodable:
        return Probes(rkme.sample(N_ROWS, random_state=0), "row(s) drawn from its specification")
    if rkme.space.data == "text":
        texts = np.empty(len(TEXTS), dtype=object)
        texts[:] = TEXTS
        return Probes(texts, "text(s) made for this check")
    return Probes(_images(learnware), "random image(s)")


def _images(learnware: Learnware) -> Any:
    generator = np.random.default_rng(0)
    shape = (N_ROWS, *(learnware.sample_shape or ()))
    if learnware.pixels == "int":
        return generator.integers(0, 256, shape, dtype=np.uint8)
    values = generator.random(shape, dtype=np.float32)
    return values > 0.5 if learnware.pixels == "bool" else values
