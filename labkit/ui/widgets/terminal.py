"""A guest's console as a terminal in the cell."""

from __future__ import annotations

from typing import Final

import traitlets

from labkit.guest.guest import Guest
from labkit.ui.status import title_of
from labkit.ui.widgets import BUNDLE
from labkit.ui.widgets.kept import Kept
from labkit.ui.widgets.live import GuestWidget

__all__ = ["ROWS", "Terminal", "terminals"]

ROWS: Final = 14


class Terminal(GuestWidget):
    """A terminal joined to a guest's console; make it with :func:`labkit.ui.terminal`.

    The guest runs on whether or not anybody looks. A page that is opened or loaded again shows what the console
    has kept, and then what comes.
    """

    _esm = BUNDLE / "terminal.js"
    _css = BUNDLE / "terminal.css"
    title = traitlets.Unicode().tag(sync=True)
    rows = traitlets.Int(ROWS).tag(sync=True)
    by_key = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(self, guest: Guest, *, rows: int = ROWS, by_key: bool = False) -> None:
        super().__init__(guest, title=title_of(guest), rows=rows, by_key=by_key)

    def __repr__(self) -> str:
        return f"<terminal of {self.title}; without widgets, watch(guest) shows its console>"


terminals: Final[Kept[Terminal]] = Kept()
"""All terminals of this process."""
