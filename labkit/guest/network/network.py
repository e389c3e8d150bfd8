"""A network of a guest, as those see it who work with the guest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address
from typing import Final

from labkit.build.domainxml import DomainNetwork
from labkit.errors import GuestTimeout, UsageError
from labkit.guest.network.capture import MOST_BYTES, MOST_FRAMES, Capture
from labkit.guest.network.check import Reachability, check, reach
from labkit.guest.network.forward import Forward, Protocol
from labkit.guest.network.impairment import Impairment
from labkit.guest.network.line import Conditions
from labkit.guest.network.passage import DIRECTIONS, Direction
from labkit.guest.network.probe import PING_BYTES, Pings, ping
from labkit.guest.network.scan import ALL_PORTS, open_ports
from labkit.guest.network.wire import Wire
from labkit.guest.network.wiring import Subject, Wiring
from labkit.host.monitor import Monitor

__all__ = ["Network"]

MOST_PINGS: Final = 100


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
        guest: Subject,
        monitor: Monitor,
        wire: Wire | None = None,
        process: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.name = plan.name
        self.mac = plan.mac
        self.wire = wire
        self.captured: Capture | None = None
        self._wiring = Wiring(plan, guest, monitor, wire, process)

    # What it is

    @property
    def address(self) -> IPv4Address | None:
        """The guest's IPv4 address: what it has said of itself by now, or None."""
        return self._wiring.address

    @property
    def gateway(self) -> IPv4Address | None:
        """Where the guest reaches this machine and what is behind it; None on a wire."""
        return self._wiring.gateway

    @property
    def forwards(self) -> tuple[Forward, ...]:
        """The ports of this machine that lead to the guest through this object."""
        return tuple(self._wiring.forwards.all)

    def wait_for_address(self, timeout: float = 10.0) -> IPv4Address:
        """Wait until the guest has said which IPv4 address it has.

        Args:
            timeout: the longest wait, in seconds.

        Raises:
            GuestTimeout: it has not, or has ended.
        """
        guest = self._wiring.guest
        guest.wait_for_address(self.name, timeout)
        if (address := self.address) is not None:
            return address
        ended = f": it {guest.exit.detail}" if guest.exit else ""
        raise GuestTimeout(
            f"{guest.name} has told no IPv4 address in {timeout:g} s{ended}.",
            next_step="guest.network.check(port) says how far it is. With DHCP it may need some seconds; "
            "boot(capture=True) shows what it sends.",
        )

    # What it can do

    def forward(self, guest_port: int, host_port: int = 0, *, protocol: Protocol = "tcp") -> Forward:
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
        self._refuse_wire()
        return self._wiring.forwards.add(guest_port, host_port, protocol)

    def capture(self, *, most: int = MOST_FRAMES, most_bytes: int = MOST_BYTES) -> Capture:
        """Capture the guest's frames, as it sends and gets them, from now on. See :class:`Capture`.

        Args:
            most: the most frames.
            most_bytes: the most bytes.

        Raises:
            UsageError: a limit makes no sense.
            GuestError: the guest has ended.
        """
        return self._wiring.capture(most, most_bytes)

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
        if direction not in DIRECTIONS:
            raise UsageError(
                f"{direction!r} is no direction.", next_step=f"Take one of: {', '.join(DIRECTIONS)}."
            )
        passage = self._wiring.pass_through(lambda passage: passage.set(conditions, direction))
        return Impairment(conditions, passage, self.heal)

    def heal(self) -> None:
        """Make the network perfect again. What is under way arrives at once. Harmless if it is."""
        self._wiring.heal()

    def ping(self, count: int = 4, *, size: int = PING_BYTES) -> Pings:
        """Ask the guest for echoes (ICMP), as the gateway or as a neighbour on its wire.

        Args:
            count: how many, 1 to 100; each is waited for.
            size: how many bytes each carries.

        Raises:
            UsageError: a number makes no sense.
            GuestTimeout: the guest has told no address.
            MissingTool: scapy is not installed.
        """
        if not 1 <= count <= MOST_PINGS or not 0 <= size <= 1472:
            raise UsageError(
                f"{count} echoes of {size} bytes make no sense.",
                next_step=f"Take 1 to {MOST_PINGS} echoes of 0 to 1472 bytes.",
            )
        return ping(self._wiring, self.wait_for_address(), count, size)

    def check(self, port: int, *, http: bool | None = None) -> Reachability:
        """Look within a few seconds whether the guest can be reached: link, address, ping, TCP, HTTP.

        Args:
            port: the TCP port.
            http: whether it should speak HTTP; for the usual ports of that, unless told. Not on a wire.

        Returns:
            What was seen, which layer fails, whose turn it is, what to do. It shows itself.

        Raises:
            UsageError: the port is none.
            MissingTool: scapy is not installed.
        """
        return check(self._wiring, port, http=http)

    def open_ports(self, ports: Iterable[int] = ALL_PORTS) -> tuple[int, ...]:
        """On which TCP ports the guest listens, found out from outside: each is asked by one SYN (RFC 9293).

        Args:
            ports: those to ask; all 65,535 unless given.

        Raises:
            GuestTimeout: the guest has told no address, or does not answer for its ports.
            UsageError: it is on a wire.
        """
        self._refuse_wire()
        return open_ports(self._wiring, self.wait_for_address(), ports)

    def reach(self, port: int) -> Forward:
        """Make sure that the guest answers HTTP on a port, and give the forward to it; made if there is none.

        Args:
            port: the guest's TCP port.

        Raises:
            GuestError: it cannot be reached; the evidence says which layer fails.
            UsageError: the port is none; the guest is on a wire.
            MissingTool: scapy is not installed.
        """
        self._refuse_wire()
        return reach(self._wiring, port)

    def _refuse_wire(self) -> None:
        if self.wire is not None:
            raise UsageError(
                f"{self._wiring.guest.name} is on {self.wire.name}, to which no port of this machine can lead.",
                next_step="Boot it without network=, to have it on a network of its own with this machine.",
            )

    def __repr__(self) -> str:
        where = f"on {self.wire.name}" if self.wire else f"behind {self.gateway}"
        return f"<Network {self.name}: {self.address or 'no address yet'}, {where}>"

    # The guest's side

    def prepare(self, *, capture: bool) -> None:
        """Make ready what must be there before the guest's first instruction.

        Raises:
            LabError: it cannot be done.
        """
        if capture:
            self.captured = self.capture()
        self._wiring.prepare()

    def release(self) -> None:
        """Let go of all, after the guest's end. Raises nothing."""
        self._wiring.release()
