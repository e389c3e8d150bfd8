"""What a notebook shows: sources and differences, consoles, guests, images, frames.

Each name is loaded when it is first used: the widgets need Jupyter, the rest does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.ui.console import watch as watch
    from labkit.ui.lesson import open_lesson as open_lesson
    from labkit.ui.page import page as page
    from labkit.ui.pictures.annotated import explain as explain
    from labkit.ui.pictures.comparison import comparison as comparison
    from labkit.ui.pictures.contents import contents as contents
    from labkit.ui.pictures.frame import frame_view as frame_view
    from labkit.ui.pictures.ladder import ladder as ladder
    from labkit.ui.pictures.latency import latency as latency
    from labkit.ui.pictures.sections import sections as sections
    from labkit.ui.pictures.timeline import timeline as timeline
    from labkit.ui.pictures.timelines import timelines as timelines
    from labkit.ui.screen import terminal as terminal
    from labkit.ui.showing import show as show
    from labkit.ui.sources import changes as changes

__all__ = [
    "changes",
    "comparison",
    "contents",
    "explain",
    "frame_view",
    "ladder",
    "latency",
    "open_lesson",
    "page",
    "sections",
    "show",
    "terminal",
    "timeline",
    "timelines",
    "watch",
]

_HOMES = {
    "changes": "labkit.ui.sources",
    "comparison": "labkit.ui.pictures.comparison",
    "contents": "labkit.ui.pictures.contents",
    "explain": "labkit.ui.pictures.annotated",
    "frame_view": "labkit.ui.pictures.frame",
    "ladder": "labkit.ui.pictures.ladder",
    "latency": "labkit.ui.pictures.latency",
    "open_lesson": "labkit.ui.lesson",
    "page": "labkit.ui.page",
    "sections": "labkit.ui.pictures.sections",
    "show": "labkit.ui.showing",
    "terminal": "labkit.ui.screen",
    "timeline": "labkit.ui.pictures.timeline",
    "timelines": "labkit.ui.pictures.timelines",
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
