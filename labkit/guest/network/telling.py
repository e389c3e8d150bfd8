"""What frames say, in a few words each: who to whom, by which protocol, what.

Numbers are relative, so that the same conversation is told alike every time: TCP counts from its first byte.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from labkit.guest.network.scapy import scapy

if TYPE_CHECKING:
    from labkit.guest.network.capture import Frame

__all__ = ["DHCP_MESSAGES", "EVERYBODY", "Names", "Teller", "Told"]

Names = Mapping[str, str]
"""How hosts are called, by their IP and hardware addresses."""

EVERYBODY: Final = "everybody"
SHOWN_BYTES: Final = 24
SHOWN_LINE: Final = 72

DHCP_MESSAGES: Final = {
    1: "discover",
    2: "offer",
    3: "request",
    4: "decline",
    5: "ack",
    6: "nak",
    7: "release",
    8: "inform",
}
_UNREACHABLE: Final = {0: "network", 1: "host", 2: "protocol", 3: "port"}
_FLAGS: Final = {"S": "SYN", "F": "FIN", "R": "RST", "P": "PSH", "A": "ACK", "U": "URG"}
_METHODS: Final = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"HTTP/1.")


@dataclass(frozen=True)
class Told:
    """What a frame says.

    Attributes:
        frame: the frame.
        source: who sent it.
        target: whom it is for.
        protocol: the highest protocol that is known here.
        words: what it says.
        detail: what the layer below says, where that matters too.
    """

    frame: Frame
    source: str
    target: str
    protocol: str
    words: str
    detail: str = ""

    def __str__(self) -> str:
        detail = f"  ({self.detail})" if self.detail else ""
        lost = "  LOST" if self.frame.lost else ""
        number = f"{self.frame.number:>3}"
        return f"{number}  {self.source} → {self.target}  {self.protocol}  {self.words}{detail}{lost}"


class _Flow:
    """One direction of a TCP connection."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.next = 0  # the first number that was not sent yet

    def relative(self, number: int) -> int:
        return (number - self.first) & 0xFFFFFFFF


class Teller:
    """Tells of frames, one after another."""

    def __init__(self, names: Names) -> None:
        """Make one.

        Raises:
            MissingTool: scapy is not installed.
        """
        self._known = scapy()
        self._names = names
        self._learned: dict[str, str] = {}
        self._flows: dict[tuple[str, int, str, int], _Flow] = {}
        self._connections: dict[frozenset[tuple[str, int]], int] = {}

    def tell(self, frame: Frame) -> Told:
        """What the next frame says."""
        try:
            source, target, *said = self._read(frame.data)
            return Told(frame, self._name(str(source)), self._name(str(target)), *said)
        except (AttributeError, LookupError, TypeError, ValueError, struct.error):
            return self._broken(frame)  # it breaks its own rules

    def _read(self, data: bytes) -> tuple[str, ...]:
        known = self._known
        packet = known.Ether(data)
        for layer, told in ((known.ARP, self._arp), (known.IP, self._ipv4), (known.IPv6, self._ipv6)):
            if layer in packet:
                return told(packet)
        return packet.src, packet.dst, "Ethernet", f"type {packet.type:#06x}, {len(data)} bytes"

    def _broken(self, frame: Frame) -> Told:
        data = frame.data
        ends = [data[at : at + 6].hex(":") if len(data) >= at + 6 else "?" for at in (6, 0)]
        source, target = map(self._name, ends)
        return Told(frame, source, target, "Ethernet", f"broken, {_size(data)}")

    def _name(self, address: str) -> str:
        if address in ("ff:ff:ff:ff:ff:ff", "255.255.255.255") or address.lower().startswith(
            ("33:33:", "ff0")
        ):
            return EVERYBODY
        return self._names.get(address) or self._learned.get(address, address)

    def _arp(self, packet: Any) -> tuple[str, ...]:
        arp = packet[self._known.ARP]
        if packet.src in self._names and arp.psrc != "0.0.0.0":  # noqa: S104  it has no address yet
            self._learned.setdefault(arp.psrc, self._names[packet.src])
        if arp.op == 1 and arp.psrc != arp.pdst:
            words = f"who has {arp.pdst}?"
        else:
            words = f"{arp.psrc} is at {arp.hwsrc}" + (": announced" if arp.op == 1 else "")
        return packet.src, packet.dst, "ARP", words

    def _ipv4(self, packet: Any) -> tuple[str, ...]:
        known = self._known
        ip = packet[known.IP]
        source, target = (packet.src if ip.src == "0.0.0.0" else ip.src), ip.dst  # noqa: S104
        if packet.dst == "ff:ff:ff:ff:ff:ff":
            target = packet.dst
        if ip.frag or ip.flags.MF:
            end = "" if ip.flags.MF else ", the last"
            return source, target, "IPv4", f"fragment from byte {ip.frag * 8} of {ip.id:#06x}{end}"
        if known.DHCP in packet:
            return source, target, "DHCP", self._dhcp(packet)
        if known.DNS in packet:
            return source, target, "DNS", _dns(packet[known.DNS])
        if known.TCP in packet:
            return source, target, *self._tcp(packet, ip.src, ip.dst)
        if known.UDP in packet:
            return source, target, "UDP", self._udp(packet[known.UDP])
        if known.ICMP in packet:
            return source, target, "ICMP", self._icmp(packet[known.ICMP])
        return source, target, "IPv4", f"protocol {ip.proto}, {len(ip.payload)} bytes"

    def _ipv6(self, packet: Any) -> tuple[str, ...]:
        known = self._known
        ip = packet[known.IPv6]
        ends = (packet.src if ip.src == "::" else ip.src), ip.dst
        if known.TCP in packet:
            return *ends, *self._tcp(packet, ip.src, ip.dst)
        if known.UDP in packet:
            return *ends, "UDP", self._udp(packet[known.UDP])
        said: tuple[tuple[Any, Callable[[Any], str]], ...] = (
            (known.ICMPv6ND_NS, lambda nd: f"who has {nd.tgt}?"),
            (known.ICMPv6ND_NA, lambda nd: f"{nd.tgt} is here"),
            (known.ICMPv6ND_RS, lambda _: "is there a router?"),
            (known.ICMPv6ND_RA, lambda _: "I am a router"),
            (known.ICMPv6EchoRequest, lambda echo: f"echo request {echo.seq}, {len(echo.data)} bytes"),
            (known.ICMPv6EchoReply, lambda echo: f"echo reply {echo.seq}, {len(echo.data)} bytes"),
        )
        for layer, words in said:
            if layer in packet:
                return *ends, "ICMPv6", words(packet[layer])
        return *ends, "IPv6", f"next header {ip.nh}, {ip.plen} bytes"

    def _dhcp(self, packet: Any) -> str:
        options = dict(option for option in packet[self._known.DHCP].options if len(option) == 2)
        kind = options.get("message-type", 0)
        words = DHCP_MESSAGES.get(kind, f"message {kind}")
        given = packet[self._known.BOOTP].yiaddr
        asked = options.get("requested_addr")
        address = given if given != "0.0.0.0" else asked  # noqa: S104
        return f"{words} {address}" if address else words

    def _icmp(self, icmp: Any) -> str:
        if icmp.type in (0, 8):
            name = "echo reply" if icmp.type == 0 else "echo request"
            return f"{name} {icmp.seq}, {len(icmp.payload)} bytes"
        if icmp.type == 3:
            return f"{_UNREACHABLE.get(icmp.code, f'code {icmp.code}')} unreachable"
        if icmp.type == 11:
            return "time exceeded"
        return f"type {icmp.type} code {icmp.code}"

    def _udp(self, udp: Any) -> str:
        content = bytes(udp.payload)[: max(0, udp.len - 8)]
        return f"port {min(udp.sport, udp.dport)}, {_content(content)}"  # the other one is chosen by chance

    def _tcp(self, packet: Any, source: str, target: str) -> tuple[str, str, str]:
        tcp = packet[self._known.TCP]
        content = self._tcp_content(packet, tcp)
        here = (source, tcp.sport, target, tcp.dport)
        there = (target, tcp.dport, source, tcp.sport)
        opens = bool(tcp.flags.S)
        if here not in self._flows or (opens and self._flows[here].first != tcp.seq):
            self._flows[here] = _Flow(tcp.seq if opens or tcp.flags.R else (tcp.seq - 1) & 0xFFFFFFFF)
        flow = self._flows[here]
        seq = flow.relative(tcp.seq)
        length = len(content) + opens + bool(tcp.flags.F)
        again = length > 0 and seq + length <= flow.next
        flow.next = max(flow.next, seq + length)
        words = ", ".join(_FLAGS[flag] for flag in str(tcp.flags) if flag in _FLAGS) or "no flags"
        words += f" seq {seq}"
        if tcp.flags.A:
            if there not in self._flows:
                self._flows[there] = _Flow((tcp.ack - 1) & 0xFFFFFFFF)
            words += f" ack {self._flows[there].relative(tcp.ack)}"
        notes = [f"window {tcp.window}"] if tcp.window == 0 and not tcp.flags.R else []
        notes += ["sent again"] if again else []
        ends = frozenset(((source, tcp.sport), (target, tcp.dport)))
        number = self._connections.setdefault(ends, len(self._connections) + 1)
        which = [f"connection {number}"] if number > 1 else []
        if content.startswith(_METHODS):
            line = content.splitlines()[0][:SHOWN_LINE].decode("latin-1")
            return "HTTP", line, ", ".join([f"TCP {words}", _size(content), *notes, *which])
        if content:
            words += f", {_content(content)}"
        which = [f"port {min(tcp.sport, tcp.dport)}", *which] if opens else which
        return "TCP", ", ".join([words, *notes]), ", ".join(which)

    def _tcp_content(self, packet: Any, tcp: Any) -> bytes:
        """Its bytes, without what Ethernet fills short frames up with."""
        ip = packet.getlayer(self._known.IP)
        if ip is None:
            return bytes(tcp.payload)
        return bytes(tcp.payload)[: max(0, ip.len - ip.ihl * 4 - (tcp.dataofs or 5) * 4)]


def _dns(dns: Any) -> str:
    asked = dns.qd[0].qname.decode(errors="replace") if dns.qd else "?"
    return f"answer about {asked}" if dns.qr else f"who is {asked}?"


def _size(content: bytes) -> str:
    return f"{len(content)} byte{'' if len(content) == 1 else 's'}"


def _content(content: bytes) -> str:
    """How long, and what, where it is text."""
    size = _size(content)
    text = content[:SHOWN_BYTES].decode("latin-1")
    if content and all(" " <= letter <= "~" or letter in "\r\n\t" for letter in text):
        shown = text.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")
        return f'{size} "{shown}{"…" if len(content) > SHOWN_BYTES else ""}"'
    return size
