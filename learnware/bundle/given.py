"""A developer's data, and how the model takes it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from learnware.bundle.rows import Layout
from learnware.bundle.samples import PIXELS, Images, Texts
from learnware.errors import ColumnMismatch, InvalidData
from learnware.models import ModelEntry
from learnware.specification.encoders import read_samples, read_table


@dataclass(frozen=True)
class Given:
    """The samples that a learnware is made of.

    Parameters
    ----------
    X : table, list of str, or array of images
        Its columns are those of the model.
    data : {"table", "text", "image"}
        What a sample is.
    n_samples : int
        How many there are.
    layout : Layout, Texts or Images
        How the model takes them.
    """

    X: Any
    data: str
    n_samples: int
    layout: Layout | Texts | Images

    @classmethod
    def read(cls, X: Any, data: str, *, frame: bool = False) -> Given:
        """Look at X; `frame` is whether the model takes data frames.

        Raises
        ------
        InvalidData
            X is empty, or no such data.
        """
        if data == "text":
            texts = read_samples(X, data)
            return cls(texts, data, len(texts), Texts())
        if data == "image":
            images = np.asarray(read_samples(X, data))
            return cls(X, data, len(images), Images(images.shape[1:], PIXELS[images.dtype.kind]))
        table = read_table(X)
        numeric = isinstance(table.columns, np.ndarray) or all(column.kind == "number" for column in table.columns)
        return cls(X, data, table.n_samples, Layout(table.names, table.named, numeric, frame))

    def rows(self, most: int) -> tuple[npt.NDArray[np.intp], Any]:
        """Return the positions of at most so many samples, evenly spread, and these as the model takes them."""
        places = np.unique(np.linspace(0, self.n_samples - 1, min(most, self.n_samples)).astype(int))
        if hasattr(self.X, "iloc"):
            return places, self.layout.arrange(self.X.iloc[places])
        chosen = [self.X[i] for i in places] if isinstance(self.X, list | tuple) else self.X[places]
        return places, self.layout.arrange(chosen)

    def completed(self, entry: ModelEntry) -> ModelEntry:
        """Return the entry of the stored model with what is known of its samples.

        Raises
        ------
        ColumnMismatch, InvalidData
            The model is for other samples.
        """
        if isinstance(self.layout, Layout):
            if entry.n_features != len(self.layout.names):
                raise ColumnMismatch(
                    f"X must have the {entry.n_features} columns of the model. Got {len(self.layout.names)}."
                )
            return entry
        shape = self.layout.shape if isinstance(self.layout, Images) else ()
        pixels = self.layout.pixels if isinstance(self.layout, Images) else ""
        if entry.n_features != math.prod(shape):
            raise InvalidData(f"X must be what the model takes. It takes rows of {entry.n_features} numbers instead.")
        return replace(entry, data=self.data, shape=shape, pixels=pixels)
