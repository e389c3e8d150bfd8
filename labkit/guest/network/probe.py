"""A host that is on a guest's network for a moment only, to ask the guest something and see what it answers."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, Final

from labkit.errors import GuestTimeout
from labkit.guest.network.capture import Capture, Frame
from labkit.guest.network.scapy import scapy

if TYPE_CHECKING:
    from labkit.guest.network.wiring import Wiring

__all__ = ["Answer", "Pings", "Probe", "ping", "probing"]

BROADCAST: Final = "ff:ff:ff:ff:ff:ff"
TRIES: Final = 3
PATIENCE_SECONDS: Final = 0.7  # for each try
PING_BYTES: Final = 56

_echoes = itertools.count(1)


class Answer(Enum):
    """What a host says to somebody who wants to open a TCP connection."""

    LISTENS = "listens"
    REFUSED = "refused"
    NONE = "none"


@dataclass(frozen=True)
class Pings:
    """What came of asking for echoes.

    Attributes:
        address: who was asked.
        seconds: how long each answer took; None where none came.
    """

    address: IPv4Address
    seconds: tuple[float | None, ...]

    @property
    def answered(self) -> int:
        """How many answers came."""
        return sum(time is not None for time in self.seconds)

    def __repr__(self) -> str:
        times = [time for time in self.seconds if time is not None]
        told = f"<{self.address}: {self.answered} of {len(self.seconds)} echoes"
        return f"{told}, the fastest after {min(times):.4f} s>" if times else f"{told}>"


class Probe:
    """The host. On a guest's own network it passes for the gateway, on a wire for a neighbour."""

    def __init__(
        self, capture: Capture, send: Callable[[bytes], None], mac: str, address: IPv4Address
    ) -> None:
        self._capture = capture
        self._send = send
        self._mac = mac
        self._address = address

    def hardware_address(self, target: IPv4Address) -> str | None:
        """Who has an IPv4 address (ARP, RFC 826); None if nobody answers."""
        known = scapy()
        question = known.Ether(src=self._mac, dst=BROADCAST) / known.ARP(
            op=1, hwsrc=self._mac, psrc=str(self._address), pdst=str(target)
        )

        def answers(packet: Any) -> bool:
            return known.ARP in packet and packet[known.ARP].op == 2 and packet[known.ARP].psrc == str(target)

        found = self._ask(bytes(question), answers)
        return None if found is None else str(found.packet[known.ARP].hwsrc)

    def echo(
        self, target: IPv4Address, mac: str, *, tries: int = TRIES, size: int = PING_BYTES
    ) -> float | None:
        """How long an echo takes, in seconds (ICMP, RFC 792); None if none comes."""
        known = scapy()
        number = next(_echoes)
        question = known.Ether(src=self._mac, dst=mac) / known.IP(src=str(self._address), dst=str(target))
        question /= known.ICMP(type=8, id=0x1AB, seq=number) / known.Raw(bytes(size))

        def answers(packet: Any) -> bool:
            icmp = packet.getlayer(known.ICMP)
            return icmp is not None and icmp.type == 0 and (icmp.id, icmp.seq) == (0x1AB, number)

        asked = self._capture.age
        found = self._ask(bytes(question), answers, tries)
        return None if found is None else max(0.0, found.seconds - asked)

    def knock(self, target: IPv4Address, mac: str, port: int) -> Answer:
        """Whether somebody listens on a TCP port (RFC 9293): one SYN, and no connection comes of it."""
        known = scapy()
        sport = random.randint(49152, 65535)  # noqa: S311  not a secret
        question = known.Ether(src=self._mac, dst=mac) / known.IP(src=str(self._address), dst=str(target))
        question /= known.TCP(sport=sport, dport=port, flags="S", seq=random.getrandbits(32))

        def answers(packet: Any) -> bool:
            tcp = packet.getlayer(known.TCP)
            return tcp is not None and (tcp.sport, tcp.dport) == (port, sport)

        found = self._ask(bytes(question), answers)
        if found is None:
            return Answer.NONE
        tcp = found.packet[known.TCP]
        if tcp.flags.R:
            return Answer.REFUSED
        reset = known.Ether(src=self._mac, dst=mac) / known.IP(src=str(self._address), dst=str(target))
        reset /= known.TCP(sport=sport, dport=port, flags="R", seq=tcp.ack)
        self._send(bytes(reset))
        return Answer.LISTENS

    def _ask(self, question: bytes, answers: Callable[[Any], bool], tries: int = TRIES) -> Frame | None:
        def looked(frame: Frame) -> bool:
            if not frame.sent:
                return False
            packet = frame.packet
            self._answer(packet)
            return answers(packet)

        for _ in range(tries):
            self._send(question)
            with contextlib.suppress(GuestTimeout):
                return self._capture.wait_for(looked, PATIENCE_SECONDS)
        return None

    def _answer(self, packet: Any) -> None:
        """A guest that wants to answer may ask first where we are."""
        known = scapy()
        arp = packet.getlayer(known.ARP)
        if arp is not None and arp.op == 1 and arp.pdst == str(self._address):
            reply = known.Ether(src=self._mac, dst=arp.hwsrc) / known.ARP(
                op=2, hwsrc=self._mac, psrc=str(self._address), hwdst=arp.hwsrc, pdst=arp.psrc
            )
            self._send(bytes(reply))


@contextmanager
def probing(wiring: Wiring, neighbour: IPv4Address | None) -> Iterator[Probe]:
    """Be on a guest's network.

    Args:
        wiring: the network.
        neighbour: an address of the guest's, where it is on a wire: ours is to be near it.

    Raises:
        GuestError: the guest has ended.
        MissingTool: scapy is not installed.
    """
    scapy()
    if wiring.gateway is not None:
        address, mac = wiring.gateway, wiring.gateway_mac
    else:
        near = int(neighbour or IPv4Address("10.0.0.1"))
        last = 254 if near & 0xFF != 254 else 253
        address, mac = IPv4Address((near & ~0xFF) | last), "52:54:00:00:ff:01"
    with wiring.capture(far=True) as capture, wiring.injecting() as send:
        yield Probe(capture, send, mac, address)


def ping(wiring: Wiring, address: IPv4Address, count: int, size: int) -> Pings:
    """See :meth:`labkit.guest.network.Network.ping`."""
    with probing(wiring, address) as probe:
        mac = probe.hardware_address(address)
        if mac is None:
            return Pings(address, (None,) * count)
        return Pings(address, tuple(probe.echo(address, mac, tries=1, size=size) for _ in range(count)))
