"""What the terminal and the card have in common: a guest on one side, a comm on the other."""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from typing import Any, Final

import anywidget

from labkit.errors import LabError
from labkit.guest.guest import Guest
from labkit.ui.status import status_of
from labkit.ui.widgets.comm import hear_while_busy
from labkit.ui.widgets.feed import VIEWS, Feed

__all__ = ["GuestWidget"]

_log = logging.getLogger(__name__)

OVER_SECONDS: Final = 5.0
TYPED_LINES: Final = 200
"""How many typed lines a page that is loaded again gets back; the guest's console does not hold them."""
TYPED_CHARACTERS: Final = 1000


class GuestWidget(anywidget.AnyWidget):
    """A widget about one guest. Its traits never change; all that does goes over its comm as messages."""

    def __init__(self, guest: Guest, **traits: Any) -> None:
        super().__init__(**traits)
        hear_while_busy(self)
        self.guest = guest
        self.feed = Feed(guest.console, self._pass_on, self.status, self._wait_for_end)
        self._typed: deque[tuple[int, str]] = deque(maxlen=TYPED_LINES)
        self._opens: dict[str, int] = {}  # by view: the least number of a question that is still new
        self._unwatch = guest.subscribe(lambda _event: self.feed.poke())
        self.on_msg(self._heard)

    def let_go(self) -> None:
        """Close it, and let go of the guest."""
        self._unwatch()
        self.close()

    def status(self) -> dict[str, Any]:
        """The message that tells how the guest is."""
        return status_of(self.guest).message()

    def stamped(self, message: dict[str, Any]) -> dict[str, Any]:
        """A message with what is true only at the moment when it is sent."""
        return message

    def hear(self, view: str, message: dict[str, Any]) -> None:
        """Do what a view asks for."""
        match message.get("kind"):
            case "open":
                place, number = message["place"], int(message.get("number", 0))
                if number < self._opens.get(view, 0):
                    return  # it was asked again meanwhile, by a quicker way
                self._opens[view] = number + 1
                while len(self._opens) > 2 * VIEWS:
                    del self._opens[next(iter(self._opens))]
                if self._typed and place is not None:
                    lines = [typed for typed in list(self._typed) if typed[0] >= int(place)]
                    self.send({"kind": "typed", "view": view, "lines": lines})
                self.feed.open(view, None if place is None else int(place))
                self.send({"kind": "opened", "view": view})
            case "ack":
                self.feed.ack(view, int(message["place"]))
            case "close":
                self.feed.close(view)
            case "stop":
                self.guest.request_stop()
            case "input":
                text, at = str(message["text"]), self.guest.console.size
                self.guest.console.send(text)
                if message.get("echoed") and len(text) <= TYPED_CHARACTERS:
                    self._typed.append((at, text))
                self.send({"kind": "taken", "view": view})

    def _heard(self, _widget: object, message: dict[str, Any], _buffers: object) -> None:
        # Whatever is raised or printed here would land in the cell that happens to run.
        view = str(message.get("view", ""))
        try:
            self.hear(view, message)
        except LabError as error:
            self._pass_on({"kind": "refused", "view": view, "words": error.what}, [])
        except Exception:  # noqa: BLE001  a message that is none of ours, or a mistake of ours
            _log.debug("%s cannot take %r", type(self).__name__, message, exc_info=True)

    def _pass_on(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        try:
            self.send(self.stamped(message), buffers)
        except Exception:  # noqa: BLE001  the front-end has gone: its next view asks again
            _log.debug("%s cannot be told", type(self).__name__, exc_info=True)

    def _wait_for_end(self) -> None:
        with contextlib.suppress(LabError):
            self.guest.wait(OVER_SECONDS)
