"""What the terminal and the card have in common: a guest on one side, a comm on the other."""

from __future__ import annotations

import contextlib
from collections import deque
from typing import Any, Final

import anywidget

from labkit.errors import LabError
from labkit.guest.guest import Guest
from labkit.ui.status import status_of
from labkit.ui.widgets.feed import Feed

__all__ = ["GuestWidget"]

OVER_SECONDS: Final = 5.0
TYPED_LINES: Final = 200
"""How many typed lines a page that is loaded again gets back; the guest's console does not hold them."""
TYPED_CHARACTERS: Final = 1000


class GuestWidget(anywidget.AnyWidget):
    """A widget about one guest. Its traits never change; all that does goes over its comm as messages."""

    def __init__(self, guest: Guest, **traits: Any) -> None:
        super().__init__(**traits)
        self.guest = guest
        self.feed = Feed(guest.console, self._pass_on, self.status, self._wait_for_end)
        self._typed: deque[tuple[int, str]] = deque(maxlen=TYPED_LINES)
        self._unwatch = guest.subscribe(lambda _event: self.feed.poke())
        self.on_msg(self._heard)

    def status(self) -> dict[str, Any]:
        """The message that tells how the guest is."""
        return status_of(self.guest).message()

    def hear(self, view: str, message: dict[str, Any]) -> None:
        """Do what a view asks for."""
        match message.get("kind"):
            case "open":
                place = int(message["place"])
                if self._typed:
                    self.send(
                        {"kind": "typed", "view": view, "lines": [t for t in self._typed if t[0] >= place]}
                    )
                self.feed.open(view, place)
            case "ack":
                self.feed.ack(view, int(message["place"]))
            case "close":
                self.feed.close(view)
            case "stop":
                self.guest.request_stop()
            case "input":
                text, place = str(message["text"]), self.guest.console.size
                self.guest.console.send(text)
                if message.get("echoed") and len(text) <= TYPED_CHARACTERS:
                    self._typed.append((place, text))
                self.send({"kind": "taken", "view": view})

    def _heard(self, _widget: object, message: dict[str, Any], _buffers: object) -> None:
        # Whatever is raised or printed here would land in the cell that happens to run.
        view = str(message.get("view", ""))
        try:
            self.hear(view, message)
        except LabError as error:
            self._pass_on({"kind": "refused", "view": view, "words": error.what}, [])
        except (KeyError, TypeError, ValueError):
            return

    def _pass_on(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        with contextlib.suppress(Exception):  # the front-end has gone: its next view asks again
            self.send(message, buffers)

    def _wait_for_end(self) -> None:
        with contextlib.suppress(LabError):
            self.guest.wait(OVER_SECONDS)
