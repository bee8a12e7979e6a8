"""Progress bars for long work, in a terminal or a notebook."""

from __future__ import annotations

import warnings
from typing import Any


def progress_bar(*arguments: Any, shown: bool | None = None, **options: Any) -> Any:
    """Return a tqdm bar.

    Parameters
    ----------
    *arguments, **options
        As tqdm takes them.
    shown : bool, optional
        Show it; default: where someone is looking, that is in a terminal or notebook.
    """
    from tqdm import TqdmWarning

    with warnings.catch_warnings():
        # Without ipywidgets a notebook gets a plain bar, which is no reason to complain.
        warnings.simplefilter("ignore", TqdmWarning)
        from tqdm.auto import tqdm

    bar: Any = tqdm  # its overloads know no options that are passed on
    return bar(*arguments, disable=None if shown is None else not shown, **options)
