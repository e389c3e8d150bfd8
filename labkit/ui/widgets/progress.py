"""The steps of a cell, shown in it while they run."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any, Final

import anywidget

from labkit.ui.steps import Board
from labkit.ui.widgets import BUNDLE
from labkit.ui.widgets.comm import hear_while_busy

__all__ = ["Progress"]

FRAME: Final = 0.1  # seconds between two messages


class Progress(anywidget.AnyWidget):
    """What a cell's steps are at; displayed by :mod:`labkit.ui.progress`."""

    _esm = BUNDLE / "progress.js"
    _css = BUNDLE / "progress.css"

    def __init__(self, board: Board) -> None:
        super().__init__()
        hear_while_busy(self)
        self.board = board
        self._sent = 0.0
        self._lock = threading.Lock()
        self.on_msg(self._heard)

    def changed(self, *, now: bool) -> None:
        """Tell the views that something changed; unless it must be ``now``, not more often than they can show."""
        with self._lock:
            if not now and time.monotonic() - self._sent < FRAME:
                return
            self._sent = time.monotonic()
        with contextlib.suppress(Exception):  # the front-end has gone: its next view asks
            self.send(self.board.message())

    def _heard(self, _widget: object, message: dict[str, Any], _buffers: object) -> None:
        if message.get("kind") == "open":
            self.changed(now=True)
