"""A network of a guest, as those see it who work with the guest."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Final, Protocol

from labkit.build.domainxml import DomainNetwork
from labkit.errors import GuestError, GuestTimeout, LabError, UsageError
from labkit.guest.network import forward as forwarding
from labkit.guest.network.addresses import said_address
from labkit.guest.network.capture import MOST_BYTES, MOST_FRAMES, Capture
from labkit.guest.network.filters import Splice
from labkit.guest.network.forward import Forward, Forwards
from labkit.guest.network.impairment import Impairment
from labkit.guest.network.line import PERFECT, Conditions
from labkit.guest.network.passage import Direction, Passage, in_pump
from labkit.guest.network.tap import Tap
from labkit.guest.network.wire import Plug, Wire
from labkit.guest.pump import Pump
from labkit.host.monitor import Monitor

__all__ = ["Network"]

_SLIRP_MAC: Final = "52:55:{:02x}:{:02x}:{:02x}:{:02x}"  # QEMU's user network, for each of its own addresses


class Keeper(Protocol):
    """What a network needs of its guest."""

    @property
    def name(self) -> str:
        """The guest's name."""
        ...

    @property
    def addresses(self) -> dict[str, IPv4Address]:
        """The guest's addresses as far as they are known, by the network's name."""
        ...

    def wait_for_address(self, network: str, timeout: float) -> bool:
        """Wait until the address is known; False if it did not become known, or the guest ended."""
        ...

    def address_found(self, network: str, address: IPv4Address) -> None:
        """Take note of an address; called in the network's thread."""
        ...

    def elsewhere(self, work: Callable[[], None]) -> None:
        """Have work done soon in a thread that may wait for QEMU."""
        ...


class Network:
    """A guest's network interface and what it is connected to.

    That is a network of the guest's own inside QEMU, with this machine as its gateway and DHCP server; or a
    :class:`Wire` that it shares with other guests.

    Attributes:
        name: how ``config.ml`` calls the device.
        mac: its hardware address.
        wire: the wire it is plugged into, or None.
        captured: what was captured from power-on, where ``boot(capture=True)`` asked for that, or None.
    """

    def __init__(
        self,
        plan: DomainNetwork,
        guest: Keeper,
        monitor: Monitor,
        wire: Wire | None = None,
        process: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.name = plan.name
        self.mac = plan.mac
        self._mac = bytes.fromhex(plan.mac.replace(":", ""))
        self.wire = wire
        self.captured: Capture | None = None
        self._plan = plan
        self._guest = guest
        self._monitor = monitor
        self._network = f"hostnet{plan.number}"
        self._forwards = Forwards(monitor, self._network, process)
        self._lock = threading.RLock()
        self._pump: Pump | None = None
        self._ended = False
        self._captures: tuple[Capture, ...] = ()  # replaced, never changed: the pump's thread reads it
        self._passage: Passage | None = None
        self._plug: Plug | None = None
        self._names = {self.mac: "guest"} if wire is None else wire.names
        if wire is None:
            self._name_hosts()

    # What it is

    @property
    def address(self) -> IPv4Address | None:
        """The guest's IPv4 address: what it has said of itself by now, or None."""
        return self._guest.addresses.get(self.name)

    @property
    def gateway(self) -> IPv4Address | None:
        """Where the guest reaches this machine and what is behind it; None on a wire."""
        return None if self.wire else IPv4Address(self._plan.subnet) + 2

    @property
    def forwards(self) -> tuple[Forward, ...]:
        """The ports of this machine that lead to the guest through this object."""
        return tuple(self._forwards.all)

    def wait_for_address(self, timeout: float = 10.0) -> IPv4Address:
        """Wait until the guest has said which IPv4 address it has.

        Args:
            timeout: the longest wait, in seconds.

        Raises:
            GuestTimeout: it has not, or has ended.
        """
        self._guest.wait_for_address(self.name, timeout)
        if (address := self.address) is not None:
            return address
        raise GuestTimeout(
            f"{self._guest.name} has told no IPv4 address in {timeout:g} s.",
            next_step="guest.network.check(port) says how far it is. With DHCP it may need some seconds; "
            "boot(capture=True) shows what it sends.",
        )

    # What it can do

    def forward(
        self, guest_port: int, host_port: int = 0, *, protocol: forwarding.Protocol = "tcp"
    ) -> Forward:
        """Lead a port of this machine, on 127.0.0.1 only, to one of the guest's, until it is closed.

        Args:
            guest_port: the guest's, 1 to 65535.
            host_port: this machine's; one that the system chooses unless given.
            protocol: ``tcp`` or ``udp``.

        Raises:
            UsageError: the port is in use or is none; the guest is on a wire.
            GuestError: the guest has ended.
            HostError: QEMU cannot do it.
        """
        self._refuse_wire("has no ports of this machine to forward")
        return self._forwards.add(guest_port, host_port, protocol)

    def capture(self, *, most: int = MOST_FRAMES, most_bytes: int = MOST_BYTES) -> Capture:
        """Capture the guest's frames, as it sends and gets them, from now on. See :class:`Capture`.

        Args:
            most: the most frames.
            most_bytes: the most bytes.

        Raises:
            UsageError: a limit makes no sense.
            GuestError: the guest has ended.
        """
        capture = Capture(
            self._names, sent=lambda data: data[6:12] == self._mac, most=most, most_bytes=most_bytes
        )
        taps: list[Tap] = []

        def stop() -> None:
            with contextlib.suppress(IndexError):
                taps.pop().stop()

        def take(frames: list[bytes]) -> None:
            if not all(map(capture.feed, frames)):
                self._guest.elsewhere(stop)  # it is full: let the guest run at its full speed again

        def end() -> None:
            stop()
            with self._lock:
                self._captures = tuple(other for other in self._captures if other is not capture)

        taps.append(Tap(self._monitor, self._network, self._running_pump(), take))
        capture.ended_by(end)
        with self._lock:
            self._captures = (*self._captures, capture)
        return capture

    def impair(
        self,
        *,
        loss: float = 0.0,
        delay: float = 0.0,
        reorder: float = 0.0,
        rate: float | None = None,
        lose: Callable[[bytes], bool] | None = None,
        seed: int | str = 0,
        direction: Direction = "both",
    ) -> Impairment:
        """Make the network worse, from the next frame on; called again, make it otherwise worse.

        The same seed loses and reorders frames at the same places: it is their number that counts.

        Args:
            loss: the share of frames that are lost, 0 to 1.
            delay: how long each frame is under way in addition, in seconds; an answer comes later by twice that.
            reorder: the share of frames that are overtaken by one to three later ones, 0 to 1.
            rate: how many bits a second go through.
            lose: asked about each frame (its bytes), in the network's thread; true loses it.
            seed: what loss and reordering are drawn from.
            direction: ``both``, ``from guest`` or ``to guest``.

        Raises:
            UsageError: a number makes no sense.
            GuestError: the guest has ended.
        """
        conditions = Conditions(loss, delay, reorder, rate, lose, seed).checked()
        if direction not in ("both", "from guest", "to guest"):
            raise UsageError(
                f"{direction!r} is no direction.", next_step="Take 'both', 'from guest' or 'to guest'."
            )
        with self._lock:
            pump, passage = self._passed()
            in_pump(pump, lambda: passage.set(conditions, direction))
        return Impairment(conditions, passage, self.heal)

    def heal(self) -> None:
        """Make the network perfect again. What is under way arrives at once. Harmless if it is."""
        with self._lock, contextlib.suppress(GuestError):
            if self._plug is not None:
                pump, passage = self._passed()
                in_pump(pump, lambda: passage.set(PERFECT, "both"))
            elif self._passage is not None:
                pump, passage, self._passage = self._running_pump(), self._passage, None
                passage.splice.stop_taking()
                in_pump(pump, passage.finish)
                passage.splice.drain()
                passage.splice.remove()
                in_pump(pump, passage.close)

    def __repr__(self) -> str:
        where = f"on {self.wire.name}" if self.wire else f"behind {self.gateway}"
        return f"<Network {self.name}: {self.address or 'no address yet'}, {where}>"

    # The guest's side

    def prepare(self, *, capture: bool) -> None:
        """Make ready what must be there before the guest's first instruction.

        Raises:
            LabError: it cannot be done.
        """
        if self.wire is not None:
            splice = Splice(self._monitor, self._network)
            self._plug = self.wire.plug(self._guest.name, self.mac, splice, self._lost)
        if capture:
            self.captured = self.capture()
        self._look_for_address()

    def release(self) -> None:
        """Let go of all, after the guest's end. Raises nothing."""
        with self._lock:
            self._ended = True
            captures, pump, self._pump = self._captures, self._pump, None
        for capture in captures:
            capture.close()
        if self._plug is not None:
            self._plug.pull()
        if pump is not None:
            pump.stop()
            pump.join()

    def _running_pump(self) -> Pump:
        with self._lock:
            if self._ended:
                raise GuestError(
                    f"{self._guest.name} has ended, and its network with it.", next_step="Boot it again."
                )
            if self._pump is None:
                self._pump = Pump(f"labkit-{self._guest.name}-{self.name}")
                self._pump.start()
            return self._pump

    def _look_for_address(self) -> None:
        """Read what the guest sends until it has said its address."""
        taps: list[Tap] = []
        found: list[IPv4Address] = []

        def take(frames: list[bytes]) -> None:
            said = next(filter(None, (said_address(frame, self._mac) for frame in frames)), None)
            if said is not None and not found:
                found.append(said)
                self._guest.address_found(self.name, said)
                self._guest.elsewhere(lambda: self._aim(said, taps))

        taps.append(Tap(self._monitor, self._network, self._running_pump(), take))

    def _aim(self, address: IPv4Address, taps: list[Tap]) -> None:
        """Let forwards lead to the guest's address, and look for it no longer. In a thread that may wait."""
        while taps:
            taps.pop().stop()
        self._names[str(address)] = self._names[self.mac]
        with contextlib.suppress(LabError):
            self._forwards.aim(address)

    def _passed(self) -> tuple[Pump, Passage]:
        """The guest's frames, led through this process."""
        pump = self._running_pump()
        if self._plug is not None and self._plug.passage is not None:
            return self._plug.pump, self._plug.passage
        if self._passage is None:
            splice = Splice(self._monitor, self._network)
            self._passage = in_pump(pump, lambda: Passage(pump, splice, self._lost))
        return pump, self._passage

    def _lost(self, frame: bytes, sent: bool) -> None:
        for capture in self._captures:
            capture.lost(frame, sent)

    def _refuse_wire(self, why: str) -> None:
        if self.wire is not None:
            raise UsageError(
                f"{self._guest.name} is on {self.wire.name}, and {why}.",
                next_step="Boot it without network= to reach it from this machine.",
            )

    def _name_hosts(self) -> None:
        for last, name in ((2, "host"), (3, "dns"), (15, "guest")):
            address = IPv4Address(self._plan.subnet) + last
            self._names[str(address)] = name
            if name != "guest":
                self._names[_SLIRP_MAC.format(*address.packed)] = name
