"""What a notebook shows: sources and differences, consoles, guests, images.

Each name is loaded when it is first used: the widgets need Jupyter, the rest does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.ui.console import watch as watch
    from labkit.ui.lesson import open_lesson as open_lesson
    from labkit.ui.screen import terminal as terminal
    from labkit.ui.sources import changes as changes
    from labkit.ui.sources import show as show

__all__ = ["changes", "open_lesson", "show", "terminal", "watch"]

_HOMES = {
    "changes": "labkit.ui.sources",
    "open_lesson": "labkit.ui.lesson",
    "show": "labkit.ui.sources",
    "terminal": "labkit.ui.screen",
    "watch": "labkit.ui.console",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
