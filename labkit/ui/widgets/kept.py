"""One widget for each guest, and an end to that."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from labkit.guest.guest import Guest
from labkit.ui.widgets.live import GuestWidget

__all__ = ["Kept"]

MOST: Final = 64
"""Of more guests than these, the oldest that have ended are let go, with their consoles and their views."""

Made = TypeVar("Made", bound=GuestWidget)


class Kept(Generic[Made]):
    """The widgets of one kind, by guest."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._made: OrderedDict[Guest, Made] = OrderedDict()

    def of(self, guest: Guest, make: Callable[[], Made]) -> Made:
        """The widget of a guest; made if there is none."""
        if guest not in self._made:
            self._made[guest] = make()
            ended = [known for known in self._made if known.exit is not None]
            for known in ended[: max(0, len(self._made) - self._most)]:
                self._made.pop(known).let_go()
        return self._made[guest]
