"""From a guest's console to the views that show it: at their pace, in few messages, with bounded memory.

The console keeps the bytes; for each view only a place in it is remembered. A view that is slower than its guest
misses the middle, and is told how much.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from labkit.guest.console import Console

__all__ = ["VIEWS", "Feed"]

PAUSE: Final = 0.015  # seconds between two messages: what comes closer together goes together
PIECE: Final = 1 << 15
WINDOW: Final = 1 << 18  # bytes that may be under way to a view
BEHIND: Final = 1 << 19  # a view that is further behind than this ...
RESUME: Final = 1 << 16  # ... goes on so far from the end
VIEWS: Final = 16

Send = Callable[[dict[str, Any], list[bytes]], None]


@dataclass
class _View:
    place: int | None  # of the next byte to send; None for a view that wants the status only
    acked: int


class Feed:
    """One thread that serves all views of one guest's console, and its status.

    The thread runs while there is something to wait for: it starts with the first view, and ends when the console
    is closed and told. Every method may be called from any thread and returns at once.

    Args:
        console: whose bytes are sent.
        send: takes a message and its buffers; called in the feed's thread, one call at a time.
        status: gives the message about how the guest is; sent when it has changed.
        over: waits until the guest's end is known, after the console has closed.
    """

    def __init__(
        self,
        console: Console,
        send: Send,
        status: Callable[[], Mapping[str, Any]],
        over: Callable[[], object] = lambda: None,
    ) -> None:
        self._console = console
        self._send = send
        self._status = status
        self._over = over
        self._views: OrderedDict[str, _View] = OrderedDict()
        self._changed = threading.Condition()
        self._dirty = False
        self._told: Mapping[str, Any] | None = None
        self._thread: threading.Thread | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    def open(self, view: str, place: int | None = 0) -> None:
        """Serve a view from a place on, or with the status only; again to begin anew there."""
        with self._changed:
            self._views[view] = _View(place, place or 0)
            self._views.move_to_end(view)
            while len(self._views) > VIEWS:
                self._views.popitem(last=False)
            self._told = None
            self._wake()

    def ack(self, view: str, place: int) -> None:
        """A view has shown all before this place."""
        with self._changed:
            found = self._views.get(view)
            if found is not None and found.place is not None:
                found.acked = max(found.acked, min(place, found.place))
                self._wake()

    def close(self, view: str) -> None:
        """Serve a view no longer."""
        with self._changed:
            self._views.pop(view, None)
            self._wake()

    def poke(self) -> None:
        """Have the status looked at, and the console."""
        with self._changed:
            self._wake()

    @property
    def views(self) -> int:
        """How many views are served."""
        with self._changed:
            return len(self._views)

    def _wake(self) -> None:
        self._dirty = True
        if self._thread is None:
            if not self._views:
                return
            self._thread = threading.Thread(target=self._serve, name="labkit-feed", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _serve(self) -> None:
        unsubscribe = self._console.subscribe(lambda _piece: self.poke(), backlog=False)
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._dirty)
                    self._dirty = False
                closed = self._console.closed
                if closed:
                    self._over()
                self._tell()
                sent = self._send_pieces()
                with self._changed:
                    # What a closed console still holds is sent when a view asks or acknowledges.
                    if (closed and not sent and not self._dirty) or not self._views:
                        self._thread = None
                        return
                    if sent:
                        self._dirty = True
                        self._changed.wait(PAUSE)
        finally:
            unsubscribe()

    def _tell(self) -> None:
        now = self._status()
        if now != self._told:
            self._told = now
            self._send(dict(now), [])

    def _send_pieces(self) -> bool:
        with self._changed:
            views = list(self._views.items())
        sent = False
        for name, view in views:
            with self._changed:
                wanted = view.place
                if wanted is None:
                    continue
                room = WINDOW - (wanted - view.acked)
            size = self._console.size
            if room <= 0 or wanted >= size:
                continue
            first, piece = self._console.read_from(
                size - RESUME if size - wanted > BEHIND else wanted, min(PIECE, room)
            )
            if not piece:
                continue
            with self._changed:
                if self._views.get(name) is not view:
                    continue  # it has begun anew
                view.place = first + len(piece)
                view.acked += first - wanted  # what is left out is not under way
            self._send({"kind": "bytes", "view": name, "at": first, "cut": first - wanted}, [piece])
            sent = True
        return sent
