"""A guest's frames on their way through this process: along one line from the guest, along another to it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Literal, TypeVar

from labkit.errors import GuestError
from labkit.guest.network.filters import Splice
from labkit.guest.network.line import PERFECT, Conditions, Counts, Line
from labkit.guest.network.stream import FrameStream
from labkit.guest.pump import Pump

__all__ = ["DIRECTIONS", "Direction", "Passage", "in_pump"]

Direction = Literal["both", "from guest", "to guest"]
DIRECTIONS: Final = ("both", "from guest", "to guest")
LOOK_SECONDS: Final = 0.05

Given = TypeVar("Given")


class Passage:
    """The way of a guest's frames through this process.

    Attributes:
        splice: where they come from and go to.
        outward: the line from the guest.
        inward: the line to it.
    """

    def __init__(
        self,
        pump: Pump,
        splice: Splice,
        lost: Callable[[bytes, bool], None],
        onto: Callable[[bytes], None] | None = None,
    ) -> None:
        """Begin to pass frames on. In the pump's thread.

        Args:
            pump: whose thread does it.
            splice: where they come from and go to.
            lost: called with each frame that is lost, and whether the guest had sent it.
            onto: called with each frame of the guest; without it the network in QEMU gets them.
        """
        self.splice = splice
        self._to_guest = FrameStream(pump, splice.to_guest, _ignored)
        self._to_network = FrameStream(pump, splice.to_network, _ignored)
        self.outward = Line(pump, onto or self._to_network.send, lambda frame: lost(frame, True))
        self.inward = Line(pump, self._to_guest.send, lambda frame: lost(frame, False))
        self._from_guest = FrameStream(pump, splice.from_guest, _each(self.outward.send))
        self._from_network = FrameStream(
            pump, splice.from_network, _ignored if onto else _each(self.inward.send)
        )

    def set(self, conditions: Conditions, direction: Direction) -> None:
        """Have the lines be so. In the pump's thread."""
        for line, name in ((self.outward, "from guest"), (self.inward, "to guest")):
            told = replace(conditions, seed=f"{conditions.seed} {name}")  # each direction has luck of its own
            line.set(told if direction in ("both", name) else PERFECT)

    @property
    def counts(self) -> dict[str, Counts]:
        """What the lines have done to frames."""
        return {"from guest": self.outward.counts, "to guest": self.inward.counts}

    def finish(self) -> None:
        """Pass on all that is under way. In the pump's thread."""
        for stream, line, target in (
            (self._from_guest, self.outward, self._to_network),
            (self._from_network, self.inward, self._to_guest),
        ):
            stream.read()
            line.flush()
            target.flush()

    def close(self) -> None:
        """Close the sockets. In the pump's thread, or when it has ended."""
        for stream in (self._from_guest, self._to_guest, self._from_network, self._to_network):
            stream.close()


def _ignored(_frames: list[bytes]) -> None:
    pass


def _each(send: Callable[[bytes], None]) -> Callable[[list[bytes]], None]:
    def send_all(frames: list[bytes]) -> None:
        for frame in frames:
            send(frame)

    return send_all


def in_pump(pump: Pump, function: Callable[[], Given]) -> Given:
    """Call a function in a pump's thread and return what it returns.

    Raises:
        GuestError: the pump has ended.
    """
    if pump.is_here:
        return function()
    done = threading.Event()
    result: list[Given] = []
    failure: list[BaseException] = []

    def call() -> None:
        try:
            result.append(function())
        except BaseException as error:  # noqa: BLE001  it is raised where it was asked for
            failure.append(error)
        done.set()

    pump.post(call)
    while not done.wait(LOOK_SECONDS):
        if not pump.alive and not done.is_set():  # it ended before it got to this
            raise GuestError("The guest has ended, and its network with it.", next_step="Boot it again.")
    if failure:
        raise failure[0]
    return result[0]
