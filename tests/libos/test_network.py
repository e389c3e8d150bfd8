"""The network stack in a real guest, frame by frame."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import ICMP, IP, TCP, UDP, UDPerror, fragment
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RA,
    ICMPv6ND_RS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptPrefixInfo,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
    IPv6ExtHdrFragment,
    fragment6,
)
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet

pytestmark = pytest.mark.live

GUEST_MAC, TESTER_MAC = "52:54:00:12:34:56", "02:00:00:00:00:01"
GUEST, TESTER = "10.0.0.2", "10.0.0.1"
GUEST6, TESTER6 = "fe80::5054:ff:fe12:3456", "fe80::1"
STATIC = f"--ipv4={GUEST}/24"
NOBODY_TO_ALL = ("0.0.0.0", "255.255.255.255", "ff:ff:ff:ff:ff:ff")  # noqa: S104


@pytest.fixture
def boot(wired: Callable[..., Any]) -> Callable[..., Any]:
    """Boot tests/images/stack, or another image, on a wire of its own."""

    def boot(*arguments: str, image: str = "tests/images/stack") -> Any:
        return wired(image, *arguments, mac=GUEST_MAC)

    return boot


@pytest.fixture
def host(boot: Callable[..., Any]) -> Any:
    """The guest with a fixed address, which knows the tester's."""
    wire = boot(STATIC)
    wire.receive(lambda frame: ARP in frame and frame.psrc == GUEST)  # it announces itself
    wire.expect("ready")
    wire.ask(who_has(GUEST), lambda frame: ARP in frame and frame.op == 2)
    return wire


def who_has(address: str) -> Packet:
    """An ARP request."""
    return Ether(dst="ff:ff:ff:ff:ff:ff", src=TESTER_MAC) / ARP(
        op=1, hwsrc=TESTER_MAC, psrc=TESTER, pdst=address
    )


def ip(payload: Packet, **fields: object) -> Packet:
    """A frame for the guest with an IPv4 packet."""
    return Ether(dst=GUEST_MAC, src=TESTER_MAC) / IP(src=TESTER, dst=GUEST, **fields) / payload


def ip6(payload: Packet, *, dst: str = GUEST6, mac: str = GUEST_MAC, **fields: object) -> Packet:
    """A frame for the guest with an IPv6 packet."""
    return Ether(dst=mac, src=TESTER_MAC) / IPv6(src=TESTER6, dst=dst, **fields) / payload


def sound(frame: Packet) -> Packet:
    """The frame, whose checksums have been compared with scapy's own."""
    again = frame.copy()
    for layer in (IP, ICMP, UDP, TCP):
        if layer in again:
            del again[layer].chksum
    for layer in (ICMPv6EchoReply, ICMPv6ND_NA, ICMPv6DestUnreach):
        if layer in again:
            del again[layer].cksum
    assert bytes(Ether(bytes(again))) == bytes(frame)
    return frame


def test_arp_is_answered(boot) -> None:
    wire = boot(STATIC)
    announcement = wire.receive(lambda frame: ARP in frame)
    assert (announcement.dst, announcement.psrc, announcement.pdst) == ("ff:ff:ff:ff:ff:ff", GUEST, GUEST)
    wire.expect("ready")
    answer = wire.ask(who_has(GUEST), lambda frame: ARP in frame and frame.op == 2)
    assert (answer.dst, answer.hwsrc, answer.psrc) == (TESTER_MAC, GUEST_MAC, GUEST)
    wire.send(who_has("10.0.0.3"))
    assert wire.receive_if_any(lambda frame: ARP in frame and frame.op == 2, 0.5) is None


@pytest.mark.parametrize("size", [0, 1, 56, 1472])
def test_ping(host, size: int) -> None:
    data = os.urandom(size)
    answer = host.ask(ip(ICMP(id=7, seq=size) / data), lambda frame: ICMP in frame)
    assert (answer[ICMP].type, answer[ICMP].id, answer[ICMP].seq) == (0, 7, size)
    assert bytes(sound(answer)[ICMP].payload)[:size] == data


def test_datagrams_come_back(host) -> None:
    for size in (0, 1, 17, 18, 19, 600, 1472):
        data = os.urandom(size)
        answer = host.ask(ip(UDP(sport=1234, dport=7) / data), lambda frame: UDP in frame)
        assert (answer[UDP].sport, answer[UDP].dport, answer[UDP].len) == (7, 1234, 8 + size)
        assert bytes(sound(answer)[UDP].payload)[:size] == data


def test_fragments_both_ways(host) -> None:
    data = os.urandom(20_000)
    pieces = fragment(IP(src=TESTER, dst=GUEST, id=77) / UDP(sport=1234, dport=7) / data, fragsize=1480)
    host.send(*(Ether(dst=GUEST_MAC, src=TESTER_MAC) / piece for piece in reversed(pieces)))
    got: dict[int, bytes] = {}
    while len(b"".join(got.values())) < len(data) + 8:
        piece = host.receive(lambda frame: IP in frame and frame[IP].src == GUEST)[IP]
        got[piece.frag * 8] = bytes(piece.payload)[: piece.len - 20]
    whole = b"".join(got[offset] for offset in sorted(got))
    assert whole[8:] == data
    assert len(got) == len(pieces)


def test_nobody_listens(host) -> None:
    question = ip(UDP(sport=1234, dport=99) / b"anybody?")
    answer = host.ask(question, lambda frame: ICMP in frame)
    assert (answer[ICMP].type, answer[ICMP].code) == (3, 3)
    assert (answer[UDPerror].sport, answer[UDPerror].dport) == (1234, 99)
    assert bytes(answer[UDPerror].payload) == b"anybody?"
    reset = host.ask(ip(TCP(sport=1234, dport=99, seq=5)), lambda frame: TCP in frame)
    assert "R" in reset[TCP].flags
    assert reset[TCP].ack == 6


def test_wrong_checksums_are_dropped(host) -> None:
    host.send(
        ip(UDP(sport=1, dport=7, chksum=0x1234) / b"x"),
        ip(UDP(sport=2, dport=7) / b"x", chksum=0x1234),
        ip(UDP(sport=3, dport=7, len=400) / b"x"),
        ip(ICMP(chksum=0x1234) / b"x"),
    )
    answer = host.ask(ip(UDP(sport=4, dport=7) / b"x"), lambda frame: UDP in frame or ICMP in frame)
    assert answer[UDP].dport == 4


def test_tcp_comes_back(host) -> None:
    syn = ip(TCP(sport=1234, dport=7, seq=1000, flags="S", options=[("MSS", 1460)]))
    accepted = sound(host.ask(syn, lambda frame: TCP in frame))[TCP]
    assert accepted.flags == "SA"
    assert accepted.ack == 1001
    hello = TCP(sport=1234, dport=7, seq=1001, ack=accepted.seq + 1, flags="PA", window=8000) / b"hello"
    echoed = host.ask(ip(hello), lambda frame: TCP in frame and frame[TCP].payload)
    assert bytes(sound(echoed)[TCP].payload)[:5] == b"hello"


def test_tcp_takes_what_it_should_only(host) -> None:
    """Bad checksums, overlapping and fragmented segments, data out of the window, forged resets (RFC 5961)."""

    def segment(at: int, data: bytes = b"", flags: str = "PA", **fields: int) -> TCP:
        return TCP(sport=1234, dport=7, seq=1001 + at, ack=ack, flags=flags, window=8000, **fields) / data

    def answer(*frames: Packet) -> Packet:
        host.send(*frames)
        return host.receive(lambda frame: TCP in frame and not said_again(frame[TCP]))[TCP]

    def said_again(tcp: Packet) -> bool:  # a slow tester's acknowledgement comes late
        return bool(content(tcp)) and tcp.seq < ack

    def content(tcp: Packet) -> bytes:
        return bytes(tcp.payload)[: tcp.underlayer.len - 4 * tcp.underlayer.ihl - 4 * tcp.dataofs]

    ack = 0
    ack = answer(ip(TCP(sport=1234, dport=7, seq=1000, flags="S"))).seq + 1
    host.send(ip(segment(0, flags="A")), ip(segment(0, b"XXXX", chksum=0x1234)))
    early = answer(ip(segment(2, b"cdef")))
    assert (early.flags, early.ack) == ("A", 1001), "neither the spoilt nor the early one counts"
    answer(ip(segment(4, b"efgh")))
    echoed = answer(ip(segment(0, b"abc")))
    assert (echoed.ack, content(echoed)) == (1009, b"abcdefgh")
    ack += 8
    pieces = fragment(IP(src=TESTER, dst=GUEST, id=5) / segment(8, bytes(range(64))), fragsize=32)
    assert len(pieces) > 2
    echoed = answer(*(Ether(dst=GUEST_MAC, src=TESTER_MAC) / piece for piece in reversed(pieces)))
    assert (echoed.ack, content(echoed)) == (1073, bytes(range(64)))
    ack += 64
    for outside in (1 << 24, -500):
        refused = answer(ip(segment(72 + outside, b"no")))
        assert (refused.flags, refused.seq, refused.ack, content(refused)) == ("A", ack, 1073, b"")
    for forged in (segment(73, flags="R"), segment(72, flags="S"), segment(9999, flags="S")):
        challenge = answer(ip(forged))
        assert (challenge.flags, challenge.seq, challenge.ack) == ("A", ack, 1073)
    host.send(ip(segment(1 << 24, flags="R")))
    assert content(answer(ip(segment(72, b"alive")))) == b"alive"
    ack += 5
    host.send(ip(segment(77, flags="R")))
    assert answer(ip(segment(77, b"gone?"))).flags == "R"


def test_a_flood_of_pings_in_order(host) -> None:
    """More frames than there are buffers, and more of them at once than are handled in a turn."""
    for first in range(0, 2000, 100):
        host.send(*(ip(ICMP(id=1, seq=seq) / (b"x" * 100)) for seq in range(first, first + 100)))
        for seq in range(first, first + 100):
            assert host.receive(lambda frame: ICMP in frame)[ICMP].seq == seq


def test_a_reader_that_is_slow(host) -> None:
    """What finds no room to be sent waits, and goes out in order when there is some; then all is as before."""
    host.send(*(ip(ICMP(id=1, seq=seq) / (b"x" * 1000)) for seq in range(1500)))
    answers = []
    while frame := host.receive_if_any(lambda frame: ICMP in frame, 1.0):
        answers.append(frame[ICMP].seq)
    assert len(answers) > 256
    assert answers == sorted(answers)
    mark = ip(ICMP(id=2, seq=7) / b"still there?")
    assert host.ask(mark, lambda frame: ICMP in frame and frame[ICMP].id == 2)[ICMP].seq == 7


def test_spoilt_frames_do_no_harm(host) -> None:
    chance = random.Random(7)  # noqa: S311  the same frames each time
    good = [
        bytes(frame)
        for frame in (
            who_has(GUEST),
            ip(ICMP() / (b"x" * 40)),
            ip(UDP(sport=1234, dport=7) / (b"x" * 40)),
            ip(TCP(sport=1234, dport=7, flags="S", options=[("MSS", 1460), ("WScale", 7)])),
            ip(UDP(sport=1234, dport=7) / (b"x" * 40), frag=3, flags="MF", options=b"\x94\x04\x00\x00"),
            ip6(ICMPv6EchoRequest(data=b"x" * 40)),
            ip6(ICMPv6ND_NS(tgt=GUEST6) / ICMPv6NDOptSrcLLAddr(lladdr=TESTER_MAC), hlim=255),
            ip6(
                ICMPv6ND_RA() / ICMPv6NDOptPrefixInfo(prefix="fd01::", prefixlen=64), dst="ff02::1", hlim=255
            ),
            ip6(IPv6ExtHdrFragment(offset=3, m=1) / (b"x" * 40)),
        )
    ]
    for _ in range(200):
        for _ in range(50):
            frame = bytearray(chance.choice(good))
            for _ in range(chance.randrange(4)):
                frame[chance.randrange(len(frame))] = chance.randrange(256)
            host.send(bytes(frame[: chance.randrange(1, len(frame) + 1)] if chance.random() < 0.2 else frame))
        mark = os.urandom(16)
        host.ask(
            ip(ICMP(id=1) / mark),
            lambda frame, mark=mark: ICMP in frame and mark in bytes(frame[ICMP].payload),
        )


# Version 6


@pytest.fixture
def host6(boot: Callable[..., Any]) -> Any:
    """The guest when its link-local address is ready."""
    wire = boot(STATIC, "--ipv6=fd00::2/64")
    wire.expect(f"The address is {GUEST6}/64")
    return wire


def neighbour(wire) -> None:
    """Tell the guest where the tester is, as any host would before it sends."""
    question = ICMPv6ND_NS(tgt=GUEST6) / ICMPv6NDOptSrcLLAddr(lladdr=TESTER_MAC)
    group = {"dst": "ff02::1:ff12:3456", "mac": "33:33:ff:12:34:56"}
    answer = wire.ask(ip6(question, hlim=255, **group), lambda frame: ICMPv6ND_NA in frame)
    assert answer[ICMPv6NDOptDstLLAddr].lladdr == GUEST_MAC
    assert (answer[ICMPv6ND_NA].S, answer[ICMPv6ND_NA].tgt, answer[IPv6].hlim) == (1, GUEST6, 255)
    sound(answer)


def test_ipv6_starts_as_it_should(boot) -> None:
    wire = boot(STATIC)
    claim = wire.receive(lambda frame: ICMPv6ND_NS in frame)
    assert (claim[IPv6].src, claim[ICMPv6ND_NS].tgt) == ("::", GUEST6)
    wire.receive(lambda frame: ICMPv6ND_RS in frame)


def test_ping6(host6) -> None:
    neighbour(host6)
    for size in (0, 56, 1400):
        data = os.urandom(size)
        echo = ICMPv6EchoRequest(id=7, seq=size, data=data)
        answer = sound(host6.ask(ip6(echo), lambda frame: ICMPv6EchoReply in frame))
        assert (answer[ICMPv6EchoReply].id, answer[ICMPv6EchoReply].data) == (7, data)


def test_datagrams_and_fragments_of_version_6(host6) -> None:
    neighbour(host6)
    answer = host6.ask(ip6(UDP(sport=1234, dport=7) / b"six"), lambda frame: UDP in frame)
    assert bytes(sound(answer)[UDP].payload)[:3] == b"six"
    data = os.urandom(4000)
    whole = IPv6(src=TESTER6, dst=GUEST6) / IPv6ExtHdrFragment(id=9) / UDP(sport=1234, dport=7) / data
    host6.send(*(Ether(dst=GUEST_MAC, src=TESTER_MAC) / piece for piece in fragment6(whole, 1400)))
    got: dict[int, bytes] = {}
    while len(b"".join(got.values())) < len(data) + 8:
        piece = host6.receive(lambda frame: IPv6ExtHdrFragment in frame)[IPv6ExtHdrFragment]
        got[piece.offset * 8] = bytes(piece.payload)
    assert b"".join(got[offset] for offset in sorted(got))[8:] == data
    refused = host6.ask(ip6(UDP(sport=1234, dport=99) / b"x"), lambda frame: ICMPv6DestUnreach in frame)
    assert refused[ICMPv6DestUnreach].code == 4
    sound(refused)


def test_an_address_that_a_router_suggests(boot) -> None:
    wire = boot(STATIC)
    wire.receive(lambda frame: ICMPv6ND_RS in frame)
    advice = (
        ICMPv6ND_RA(routerlifetime=1800)
        / ICMPv6NDOptSrcLLAddr(lladdr=TESTER_MAC)
        / ICMPv6NDOptPrefixInfo(prefix="fd01::", prefixlen=64, L=1, A=1)
    )
    wire.send(ip6(advice, dst="ff02::1", mac="33:33:00:00:00:01", hlim=255))
    wire.expect("The address is fd01::5054:ff:fe12:3456/64")


def test_an_address_that_another_host_has(boot) -> None:
    wire = boot(STATIC, "--ipv6=fd00::2/64")
    wire.receive(lambda frame: ICMPv6ND_NS in frame and frame[ICMPv6ND_NS].tgt == "fd00::2")
    objection = ICMPv6ND_NA(tgt="fd00::2", S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=TESTER_MAC)
    wire.send(ip6(objection, dst="ff02::1", mac="33:33:00:00:00:01", hlim=255))
    wire.expect(f"The address fd00::2/64 is not used: {TESTER_MAC} has it.")


# DHCP


def test_dhcp(boot) -> None:
    wire = boot()

    def answer(kind: str, question: Packet) -> Packet:
        options = [("message-type", kind), ("server_id", TESTER), ("subnet_mask", "255.255.255.0")]
        options += [("router", TESTER), ("lease_time", 4000), "end"]
        return (
            Ether(dst="ff:ff:ff:ff:ff:ff", src=TESTER_MAC)
            / IP(src=TESTER, dst="255.255.255.255")
            / UDP(sport=67, dport=68)
            / BOOTP(op=2, yiaddr="10.0.0.50", xid=question[BOOTP].xid, chaddr=question[BOOTP].chaddr)
            / DHCP(options=options)
        )

    def kind(frame: Packet) -> int | None:
        return dict(o for o in frame[DHCP].options if isinstance(o, tuple)).get("message-type")

    discover = wire.receive(lambda frame: DHCP in frame)
    assert kind(discover) == 1
    assert (discover[IP].src, discover[IP].dst, discover.dst) == NOBODY_TO_ALL
    sound(discover)
    wire.send(answer("offer", discover))
    request = wire.receive(lambda frame: DHCP in frame and kind(frame) == 3)
    wire.send(answer("ack", request))
    wire.receive(lambda frame: ARP in frame and frame.psrc == "10.0.0.50")
    wire.expect("IP 10.0.0.50/24")


def test_nobody_answers_dhcp(boot) -> None:
    wire = boot()
    wire.expect("No DHCP server answers: there is no IPv4 address yet. I keep asking.", timeout=8)
    wire.receive(lambda frame: DHCP in frame)


def test_the_lesson(boot) -> None:
    wire = boot(STATIC, image="images/network")
    wire.expect("listening on port 8080")
    wire.ask(who_has(GUEST), lambda frame: ARP in frame and frame.op == 2)
    syn = ip(TCP(sport=1234, dport=8080, seq=1000, flags="S"))
    accepted = wire.ask(syn, lambda frame: TCP in frame)[TCP]
    hello = TCP(sport=1234, dport=8080, seq=1001, ack=accepted.seq + 1, flags="PA", window=8000) / b"hello\n"
    wire.send(ip(hello))
    wire.expect("a connection from 10.0.0.1")
    wire.expect('heard "hello\\n"')
    wire.send(ip(TCP(sport=1234, dport=8080, seq=1007, ack=accepted.seq + 1, flags="FA", window=8000)))
    wire.receive(lambda frame: TCP in frame and "F" in frame[TCP].flags)


def test_arguments_that_make_no_sense(boot) -> None:
    boot("--ipv4=10.0.0.300/24").expect("10.0.0.300/24 is no address")


def test_arguments_that_leave_nothing(boot) -> None:
    boot("--ipv4-only=true", "--ipv6-only=true", STATIC).expect("give at most one of them")


def test_two_interfaces(wires) -> None:
    macs = [GUEST_MAC, "52:54:00:00:00:07"]
    wire, inside = wires("tests/images/two-networks", STATIC, "--inside-ipv4=192.168.7.1/24", macs=macs)
    wire.expect("outside: 10.0.0.2/24")
    wire.expect("inside: 192.168.7.1/24")
    wire.send(who_has(GUEST), ip(UDP(sport=1234, dport=7) / b"through"))
    question = inside.receive(lambda frame: ARP in frame and frame.pdst == "192.168.7.9")
    assert question.hwsrc == macs[1]
    answer = ARP(op=2, hwsrc=TESTER_MAC, psrc="192.168.7.9", hwdst=question.hwsrc, pdst=question.psrc)
    inside.send(Ether(dst=question.hwsrc, src=TESTER_MAC) / answer)
    forwarded = inside.receive(lambda frame: UDP in frame)
    assert (forwarded[IP].src, forwarded[IP].dst) == ("192.168.7.1", "192.168.7.9")
    assert bytes(forwarded[UDP].payload)[:7] == b"through"
