"""A wire between guests: what one sends, all others get."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Final

from labkit.errors import UsageError
from labkit.guest.network.addresses import own_address
from labkit.guest.network.capture import MOST_BYTES, MOST_FRAMES, Capture
from labkit.guest.network.filters import Splice
from labkit.guest.network.passage import Passage, in_pump
from labkit.guest.pump import Pump

__all__ = ["Plug", "Wire"]

MOST_PLUGS: Final = 200

_wires = itertools.count(1)


class Wire:
    """A wire that guests of this process can be plugged into: nothing else is on it, no host, gateway or DHCP.

    Frames go through this process, and never over a network of this machine. One thread serves it as long as
    guests are plugged in.

    Attributes:
        name: what it is called.
        names: what the guests on it are called in captures, by their hardware and IP addresses.
    """

    def __init__(self) -> None:
        self.name = f"wire {next(_wires)}"
        self._plugs: list[Plug] = []
        self._numbers = itertools.count(1)
        self._captures: list[Capture] = []
        self.names: dict[str, str] = {}
        self._lock = threading.Lock()
        self._pump: Pump | None = None

    def capture(self, *, most: int = MOST_FRAMES, most_bytes: int = MOST_BYTES) -> Capture:
        """Capture what is on the wire, each frame once, as it comes from whoever sends it.

        Args:
            most: the most frames.
            most_bytes: the most bytes.

        Raises:
            UsageError: a limit makes no sense.
        """
        capture = Capture(self.names, sent=lambda _frame: True, most=most, most_bytes=most_bytes)
        self.follow(capture)
        return capture

    def follow(self, capture: Capture) -> None:
        """Let a capture have what is on the wire, until it is closed."""

        def end() -> None:
            with self._lock:
                if capture in self._captures:
                    self._captures.remove(capture)

        capture.ended_by(end)
        with self._lock:
            self._captures.append(capture)

    @property
    def guests(self) -> tuple[str, ...]:
        """The names of the guests that are plugged in."""
        with self._lock:
            return tuple(plug.name for plug in self._plugs)

    def __repr__(self) -> str:
        return f"<Wire: {len(self._plugs)} guests>"

    # For guests

    def reserve(self) -> int:
        """A number for a guest to be plugged in, which nobody on this wire had.

        Raises:
            UsageError: there were too many already.
        """
        number = next(self._numbers)
        if number > MOST_PLUGS:
            raise UsageError(
                f"{MOST_PLUGS} guests were plugged into this wire already.", next_step="Take a new Wire."
            )
        return number

    def plug(self, name: str, mac: str, splice: Splice, lost: Callable[[bytes, bool], None]) -> Plug:
        """Plug a guest in.

        Args:
            name: the guest's name.
            mac: its hardware address.
            splice: where its frames come from.
            lost: called with each of its frames that gets lost, and whether it had sent it.
        """
        with self._lock:
            if self._pump is None:
                self._pump = Pump(f"labkit-{self.name}")
                self._pump.start()
            pump = self._pump
            plug = Plug(self, name, pump, splice, lambda frame, sent: self._lost(frame, sent, lost))
            called = self._unused(name.rpartition("-")[0] or name)
            self.names[mac] = self.names[str(own_address("fe80::", bytes.fromhex(mac.replace(":", ""))))] = (
                called
            )

        def begin() -> None:
            plug.begin()
            with self._lock:
                self._plugs.append(plug)

        with splice.undone_on_error():
            in_pump(pump, begin)
        return plug

    def _unused(self, kind: str) -> str:
        """What nobody on the wire is called yet."""
        taken = set(self.names.values())
        called = (kind if count == 1 else f"{kind} {count}" for count in itertools.count(1))
        return next(one for one in called if one not in taken)

    def _lost(self, frame: bytes, sent: bool, tell: Callable[[bytes, bool], None]) -> None:
        tell(frame, sent)
        if sent:
            with self._lock:
                captures = list(self._captures)
            for capture in captures:
                if capture.feed(frame):
                    capture.lost(frame, sent=True)

    def _spread(self, frame: bytes, source: Plug) -> None:
        """In the pump's thread."""
        with self._lock:
            captures, others = list(self._captures), [plug for plug in self._plugs if plug is not source]
        for capture in captures:
            capture.feed(frame)
        for plug in others:
            plug.passage.inward.send(frame)

    def _unplug(self, plug: Plug) -> None:
        with self._lock:
            if plug not in self._plugs:
                return
            self._plugs.remove(plug)
            pump, last = self._pump, not self._plugs
            if last:
                self._pump = None
        if pump is None:
            return
        pump.post(plug.end)
        if last:
            pump.stop()
            if not pump.is_here:
                pump.join()


class Plug:
    """A guest's place on a wire.

    Attributes:
        name: the guest's name.
        pump: whose thread serves it.
        passage: the way of its frames, since :meth:`begin`.
    """

    passage: Passage

    def __init__(
        self, wire: Wire, name: str, pump: Pump, splice: Splice, lost: Callable[[bytes, bool], None]
    ) -> None:
        self.name = name
        self.pump = pump
        self._wire = wire
        self._splice = splice
        self._lost = lost

    def begin(self) -> None:
        """Begin to pass frames on. In the pump's thread."""
        self.passage = Passage(self.pump, self._splice, self._lost, self._spread)

    def end(self) -> None:
        """Pass no more frames on. In the pump's thread."""
        self.passage.close()

    def pull(self) -> None:
        """Pull it out. Harmless the second time."""
        self._wire._unplug(self)

    def _spread(self, frame: bytes) -> None:
        self._wire._spread(frame, self)
