"""A dock as one object: all that can be done at it, each by somebody, each decided once.

The JSON API and the web pages only put requests into calls of a `Dock`, and its answers into JSON or HTML.
"""

from __future__ import annotations

from learnware.server.dock.catalogue import Catalogue
from learnware.server.dock.desk import Desk
from learnware.server.dock.intake import Intake
from learnware.server.dock.office import Office

__all__ = ["Dock"]


class Dock(Catalogue, Intake, Desk, Office):
    """A market folder that others use.

    Parameters
    ----------
    folder : str or Path
        The market folder, made on first use; what the dock knows besides is in its subfolder ``dock``.
    settings : Settings, optional
        How it is run.

    Notes
    -----
    Every method takes who asks as its first argument, asks `authorize` once, and raises what that raises. Threads may
    share one dock, and so may processes.

    Examples
    --------
    >>> import tempfile
    >>> from learnware.server.accounts.actor import ANONYMOUS
    >>> with tempfile.TemporaryDirectory() as folder, Dock(folder + "/market") as dock:
    ...     dock.browse(ANONYMOUS).total
    0
    """
