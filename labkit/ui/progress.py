"""Progress in the cell: steps that take a while show themselves where they were begun."""

from __future__ import annotations

import logging
import threading
from typing import Any, Final

from labkit.events import Event, Kind, subscribed
from labkit.ui.steps import Board

__all__ = ["CellProgress"]

_log = logging.getLogger(__name__)

PATIENCE: Final = 0.4  # seconds: what is done sooner needs no progress


class CellProgress:
    """Subscribes to step events for the life of a shell, and shows each cell its own.

    A widget is displayed when the cell's first step has lasted a while. It is sent with the cell's own message
    as its parent, so that it lands in the cell that began the step, whatever runs when.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._lock = threading.Lock()
        self._board: Board | None = None
        self._widget: Any = None
        self._timer: threading.Timer | None = None
        self._cell: dict[str, Any] = {}
        self._subscription = subscribed(self.take)

    def start(self) -> None:
        """Begin to listen: to steps, and to the shell for where a cell begins and ends."""
        self._subscription.__enter__()
        self._shell.events.register("pre_run_cell", self._cell_begins)
        self._shell.events.register("post_run_cell", self._cell_ends)
        self._cell_begins()  # the cell that loads us is running

    def take(self, event: Event) -> None:
        """Take an event, in any thread."""
        board = self._board
        if board is None or not board.take(event):
            return
        over = not board.running
        with self._lock:
            widget = self._widget
            if event.kind is Kind.START and widget is None and self._timer is None:
                self._timer = threading.Timer(PATIENCE, self._show, [board])
                self._timer.daemon = True
                self._timer.start()
            elif over and self._timer is not None:
                self._timer.cancel()
                self._timer = None
        if widget is not None:
            widget.changed(now=over or event.kind is Kind.START)

    def _cell_begins(self, *_info: object) -> None:
        with self._lock:
            self._board, self._widget, self._timer = Board(), None, None
            self._cell = self._shell.kernel.get_parent()

    def _cell_ends(self, *_result: object) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._board = None

    def _show(self, board: Board) -> None:
        """Display the widget; in the timer's thread, whose words would land in any cell."""
        try:
            self._display(board)
        except Exception:  # noqa: BLE001  no widgets here, or no front-end any more
            _log.debug("progress is not shown", exc_info=True)

    def _display(self, board: Board) -> None:
        from labkit.ui.widgets.progress import Progress

        widget = Progress(board)
        with self._lock:
            if self._board is not board or not board.running:
                widget.close()
                return
            self._widget, cell = widget, self._cell
        # No text beside it: it would differ from run to run, and a page without widgets has no use for it.
        view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
        kernel = self._shell.kernel
        kernel.session.send(
            kernel.iopub_socket,
            "display_data",
            {
                "data": {"application/vnd.jupyter.widget-view+json": view},
                "metadata": {},
                "transient": {},
            },
            parent=cell,
            ident=self._shell.display_pub.topic,
        )
        widget.changed(now=True)
