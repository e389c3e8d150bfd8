"""What is behind a guest's network interface: filters in QEMU, their thread, what is known of the guest."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network
from typing import Final, Protocol

from labkit.build.domainxml import DomainNetwork
from labkit.errors import GuestError, LabError
from labkit.guest.guest import Exit
from labkit.guest.network.addresses import asks_dhcp, own_address, told_address
from labkit.guest.network.capture import MOST_BYTES, MOST_FRAMES, Capture
from labkit.guest.network.filters import Injector, Splice
from labkit.guest.network.forward import Forwards
from labkit.guest.network.line import PERFECT
from labkit.guest.network.passage import Passage, in_pump
from labkit.guest.network.stream import FrameStream
from labkit.guest.network.tap import Tap
from labkit.guest.network.wire import Plug, Wire
from labkit.guest.pump import Pump
from labkit.host.monitor import Monitor

__all__ = ["Subject", "Wiring"]

_OF_THE_NETWORK: Final = {
    2: "host",
    3: "dns",
    15: "guest",
}  # QEMU's user network: the addresses' last numbers
_IPV6_NETWORKS: Final = ("fe80::", "fec0::")
_DRIVER_OK: Final = "VIRTIO_CONFIG_S_DRIVER_OK"


class Subject(Protocol):
    """What is needed of the guest whose network it is."""

    @property
    def name(self) -> str:
        """The guest's name."""
        ...

    @property
    def exit(self) -> Exit | None:
        """How it ended; None while it runs."""
        ...

    @property
    def addresses(self) -> dict[str, IPv4Address]:
        """Its addresses as far as they are known, by the network's name."""
        ...

    def wait_for_address(self, network: str, timeout: float) -> bool:
        """Wait until the address is known; False if it did not become known, or the guest ended."""
        ...

    def address_found(self, network: str, address: IPv4Address) -> None:
        """Take note of an address."""
        ...

    def elsewhere(self, work: Callable[[], None]) -> None:
        """Have work done soon in a thread that may wait for QEMU."""
        ...


class Wiring:
    """The inside of a :class:`labkit.guest.network.Network`.

    Attributes:
        plan: the interface.
        guest: whose it is.
        wire: the wire it is plugged into, or None.
        forwards: the ports of this machine that lead to it.
        names: what hosts are called in captures.
        heard: whether the guest has sent anything.
        asks_dhcp: whether it has asked for an address by DHCP.
    """

    def __init__(
        self,
        plan: DomainNetwork,
        guest: Subject,
        monitor: Monitor,
        wire: Wire | None,
        process: Callable[[], int | None],
    ) -> None:
        self.plan = plan
        self.guest = guest
        self.wire = wire
        usual = IPv4Address(plan.subnet) + 15  # what QEMU's DHCP server gives first
        self.forwards = Forwards(monitor, f"hostnet{plan.number}", usual, process)
        self.names = {plan.mac: "guest"} if wire is None else wire.names
        self.heard = False
        self.asks_dhcp = False
        self._mac = bytes.fromhex(plan.mac.replace(":", ""))
        self._monitor = monitor
        self._network = f"hostnet{plan.number}"
        self._lock = threading.RLock()
        self._pump: Pump | None = None
        self._released = False
        self._captures: dict[Capture, bool] = {}  # whether far; replaced, not changed: threads read it
        self._passage: Passage | None = None
        self._plug: Plug | None = None
        self._name_hosts()

    # What is known

    @property
    def label(self) -> str:
        """The guest's name, without what differs from one guest of an image to the next."""
        return self.guest.name.rpartition("-")[0] or self.guest.name

    @property
    def address(self) -> IPv4Address | None:
        """The guest's IPv4 address, as far as it has told it."""
        return self.guest.addresses.get(self.plan.name)

    @property
    def subnet(self) -> IPv4Network | None:
        """The network's addresses; None on a wire, where they are the guests' business."""
        return None if self.wire else IPv4Network(f"{self.plan.subnet}/24")

    @property
    def gateway(self) -> IPv4Address | None:
        """Where the guest reaches this machine; None on a wire."""
        return None if self.wire else IPv4Address(self.plan.subnet) + 2

    @property
    def gateway_mac(self) -> str:
        """The gateway's hardware address, which QEMU makes of the other one."""
        return _slirp_mac(self.gateway or IPv4Address(0))

    def driven(self) -> bool:
        """Whether the guest's driver has taken the device.

        Raises:
            GuestError: the guest has ended.
        """
        device = f"/machine/peripheral/net{self.plan.number}/virtio-backend"
        status = self._monitor.ask("x-query-virtio-status", path=device)["status"]
        return any(told.startswith(_DRIVER_OK) for told in status["statuses"])

    # What can be done

    def capture(self, most: int = MOST_FRAMES, most_bytes: int = MOST_BYTES, *, far: bool = False) -> Capture:
        """Begin to capture; see :meth:`labkit.guest.network.Network.capture`.

        Args:
            most: the most frames.
            most_bytes: the most bytes.
            far: whether it is at the network's end, where what gets lost on the way does not come.
        """
        capture = Capture(
            self.names, sent=lambda data: data[6:12] == self._mac, most=most, most_bytes=most_bytes
        )
        if far and self.wire is not None:
            self.wire.follow(capture)
            return capture
        taps: list[Tap] = []

        def stop() -> None:
            with contextlib.suppress(IndexError):
                taps.pop().stop()

        def take(frames: list[bytes]) -> None:
            if not all(map(capture.feed, frames)):
                self.guest.elsewhere(stop)  # it is full: let the guest run at its full speed again

        def end() -> None:
            stop()
            with self._lock:
                self._captures = {one: far for one, far in self._captures.items() if one is not capture}

        taps.append(Tap(self._monitor, self._network, self._running_pump(), take, far=far))
        capture.ended_by(end)
        with self._lock:
            self._captures = {**self._captures, capture: far}
        return capture

    def pass_through(self, change: Callable[[Passage], None]) -> Passage:
        """Have the guest's frames led through this process, and change the lines they go along.

        Raises:
            GuestError: the guest has ended.
        """
        with self._lock:
            pump = self._running_pump()
            if self._plug is not None:
                pump, passage = self._plug.pump, self._plug.passage
            else:
                if self._passage is None:
                    splice = Splice(self._monitor, self._network)
                    with splice.undone_on_error():
                        self._passage = in_pump(pump, lambda: Passage(pump, splice, self._lost))
                passage = self._passage
            in_pump(pump, lambda: change(passage))
            return passage

    def heal(self) -> None:
        """Let frames go their own way again; what is under way arrives at once. Harmless if they do."""
        with self._lock, contextlib.suppress(GuestError):
            if self._plug is not None:
                self.pass_through(lambda passage: passage.set(PERFECT, "both"))
            if self._passage is None:
                return
            pump, passage, self._passage = self._running_pump(), self._passage, None
            passage.splice.stop_taking()
            in_pump(pump, passage.finish)
            passage.splice.drain()
            passage.splice.remove()
            in_pump(pump, passage.close)

    @contextmanager
    def injecting(self) -> Iterator[Callable[[bytes], None]]:
        """Inside the block frames can be sent to the guest, as if they came from others.

        Raises:
            GuestError: the guest has ended.
        """
        pump = self._running_pump()
        if self._plug is not None:
            plug = self._plug
            yield lambda frame: plug.pump.post(lambda: plug.passage.inward.send(frame))
            return
        injector = Injector(self._monitor, self._network)
        with injector.undone_on_error():
            stream = in_pump(pump, lambda: FrameStream(pump, injector.to_guest, lambda _frames: None))
        try:
            yield lambda frame: pump.post(lambda: stream.send(frame))
        finally:
            injector.remove()
            pump.post(stream.close)

    # The guest's side

    def prepare(self) -> None:
        """Make ready what must be there before the guest's first instruction.

        Raises:
            LabError: it cannot be done.
        """
        if self.wire is not None:
            splice = Splice(self._monitor, self._network)
            self._plug = self.wire.plug(self.guest.name, self.plan.mac, splice, self._lost)
        taps: list[Tap] = []
        found: list[IPv4Address] = []

        def take(frames: list[bytes]) -> None:
            for frame in frames:
                self.heard = self.heard or frame[6:12] == self._mac
                self.asks_dhcp = self.asks_dhcp or asks_dhcp(frame)
                said = told_address(frame, self._mac)
                if said is not None and not found:
                    found.append(said)
                    self.guest.elsewhere(lambda said=said: self._aim(said, taps))  # type: ignore[misc]

        taps.append(Tap(self._monitor, self._network, self._running_pump(), take))

    def release(self) -> None:
        """Let go of all, after the guest's end. Raises nothing."""
        with self._lock:
            self._released = True
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
            if self._released or self.guest.exit is not None:
                raise GuestError(
                    f"{self.guest.name} has ended, and its network with it.", next_step="Boot it again."
                )
            if self._pump is None:
                self._pump = Pump(f"labkit-{self.guest.name}-{self.plan.name}")
                self._pump.start()
            return self._pump

    def _aim(self, address: IPv4Address, taps: list[Tap]) -> None:
        """Look for the address no longer, let forwards lead to it, then tell it. In a thread that may wait."""
        while taps:
            taps.pop().stop()
        self.names[str(address)] = self.names[self.plan.mac]
        with contextlib.suppress(LabError):
            self.forwards.aim(address)
        self.guest.address_found(self.plan.name, address)

    def _lost(self, frame: bytes, sent: bool) -> None:
        for capture, far in self._captures.items():
            if not far:
                capture.lost(frame, sent)

    def _name_hosts(self) -> None:
        """What is known beforehand of who is who; the rest comes with the guest's address."""
        if self.wire is not None:
            return
        for last, name in _OF_THE_NETWORK.items():
            address = IPv4Address(self.plan.subnet) + last
            self.names[str(address)] = name
            if name != "guest":
                self.names[_slirp_mac(address)] = name
        for network in _IPV6_NETWORKS:
            self.names[f"{network}2"] = "host"
            self.names[str(own_address(network, self._mac))] = "guest"


def _slirp_mac(address: IPv4Address) -> str:
    return "52:55:" + address.packed.hex(":")
