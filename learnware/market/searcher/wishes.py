"""What an answer is to be like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learnware._validation import check_int, complain


@dataclass(frozen=True)
class Wishes:
    """What an answer is to be like; see `Market.search`.

    Attributes
    ----------
    limit, offset : int
        At most `limit` hits, after passing over the first `offset`.
    mixture_size : int
        At most so many members of the mixture.
    duplicates : bool
        List near-duplicates too.
    """

    limit: int = 10
    mixture_size: int = 5
    offset: int = 0
    duplicates: bool = False

    def __post_init__(self) -> None:
        check_int(self.limit, "limit", "Market.search")
        check_int(self.mixture_size, "mixture_size", "Market.search")
        check_int(self.offset, "offset", "Market.search", minimum=0)
        if not isinstance(self.duplicates, bool | np.bool_):
            raise complain("duplicates", "Market.search", "True or False", self.duplicates)
