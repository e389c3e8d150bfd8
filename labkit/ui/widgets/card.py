"""A guest at a glance."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import traitlets

from labkit.guest.guest import Guest
from labkit.ui.facts import Facts, log_of
from labkit.ui.status import title_of
from labkit.ui.widgets import BUNDLE
from labkit.ui.widgets.kept import Kept
from labkit.ui.widgets.live import GuestWidget

__all__ = ["Card", "cards"]


class Card(GuestWidget):
    """A guest's state, where it runs, and buttons for its end and its log; make it with :func:`labkit.ui.show`."""

    _esm = BUNDLE / "card.js"
    _css = BUNDLE / "card.css"
    title = traitlets.Unicode().tag(sync=True)

    def __init__(self, guest: Guest) -> None:
        self._facts = Facts.of(guest)
        super().__init__(guest, title=title_of(guest))

    def __repr__(self) -> str:
        return f"<guest {self.title}>"

    def status(self) -> dict[str, Any]:
        """The message that tells how the guest is, and the facts about it."""
        return {**super().status(), "facts": self._facts.lines()}

    def stamped(self, message: dict[str, Any]) -> dict[str, Any]:
        """With how long it has run, which changes all the time."""
        if message.get("kind") != "status":
            return message
        return {**message, "seconds": self._facts.seconds(dt.datetime.now(dt.UTC))}

    def hear(self, view: str, message: dict[str, Any]) -> None:
        """Do what a view asks for."""
        if message.get("kind") == "log":
            self.send({"kind": "log", "view": view, "text": log_of(self.guest)})
        else:
            super().hear(view, message)


cards: Final[Kept[Card]] = Kept()
"""All cards of this process."""
