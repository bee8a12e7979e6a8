"""Fitted models as files, and back: one module per format, none of which executes what it reads.

`save` writes a model into a folder and answers with a `ModelEntry`; `load` turns folder and entry into something with
``predict``. An entry names its format by a word of the registry `FORMATS`, never by a Python path, and no format
unpickles, imports or evaluates anything that a file asks for.
"""

from __future__ import annotations

from learnware.models.base import FORMATS, ModelEntry, ModelFormat, format_of, level_of, load, save
from learnware.models.comparing import verify
from learnware.models.level import Level

__all__ = ["FORMATS", "Level", "ModelEntry", "ModelFormat", "format_of", "level_of", "load", "save", "verify"]
