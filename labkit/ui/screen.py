"""The terminal and what stands in for it where there are no widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.ui.status import status_of, title_of

if TYPE_CHECKING:
    from labkit.guest.guest import Guest
    from labkit.ui.widgets.terminal import Terminal

__all__ = ["PlainConsole", "terminal"]


class PlainConsole:
    """A guest's console as text, as it is whenever it is shown."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    def __repr__(self) -> str:
        head = f"[{title_of(self.guest)}: {status_of(self.guest).words}]"
        return f"{head}\n{self.guest.console.text()}".rstrip()


def terminal(guest: Guest, *, rows: int | None = None, by_key: bool = False) -> Terminal | PlainConsole:
    """A guest's console as a terminal in this cell. The cell is done at once; the guest runs on.

    What is typed is shown and sent as a line when Enter is pressed, as a terminal does it for any program. Called
    again for the same guest it gives the same terminal.

    Args:
        guest: whose console.
        rows: how many lines high; it can be made higher with the mouse.
        by_key: send every key at once and show only what the guest answers.

    Returns:
        The terminal, which shows itself as a cell's last line; without Jupyter's widgets the console as text.
    """
    try:
        from labkit.ui.widgets.terminal import ROWS, Terminal, terminals
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("anywidget", "ipywidgets", "traitlets"):
            return PlainConsole(guest)
        raise
    return terminals.of(guest, lambda: Terminal(guest, rows=rows or ROWS, by_key=by_key))
