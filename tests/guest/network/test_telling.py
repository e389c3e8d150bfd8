"""What is told of frames: who to whom and what, alike for like conversations; of broken ones something."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labkit.guest.network.addresses import asks_dhcp, given_address, own_address, said_address, told_address
from labkit.guest.network.capture import Frame
from labkit.guest.network.scapy import scapy
from labkit.guest.network.telling import Teller

GUEST, HOST = "52:54:00:00:00:01", "52:55:0a:00:02:02"
NOBODY = "0.0.0.0"  # noqa: S104  who has no address yet
MAC = bytes.fromhex(GUEST.replace(":", ""))
NAMES = {GUEST: "guest", HOST: "host", "10.0.2.15": "guest", "10.0.2.2": "host"}


def ether(*, sent: bool = True, to: str | None = None):
    ends = (GUEST, HOST) if sent else (HOST, GUEST)
    return scapy().Ether(src=ends[0], dst=to or ends[1])


def ip(*, sent: bool = True, **fields):
    ends = ("10.0.2.15", "10.0.2.2") if sent else ("10.0.2.2", "10.0.2.15")
    return ether(sent=sent) / scapy().IP(src=ends[0], dst=ends[1], **fields)


def tcp(
    flags: str, seq: int, ack: int = 0, data: bytes = b"", *, sent: bool = False, port: int = 40000, **fields
):
    ports = (80, port) if sent else (port, 80)
    segment = scapy().TCP(sport=ports[0], dport=ports[1], flags=flags, seq=seq, ack=ack, **fields)
    return ip(sent=sent) / segment / data


def told(*packets) -> list[str]:
    teller = Teller(NAMES)
    frames = [
        Frame(number, 0.0, bytes(packet), bytes(packet)[6:12] == MAC)
        for number, packet in enumerate(packets, 1)
    ]
    return [str(teller.tell(frame))[5:] for frame in frames]


def test_arp() -> None:
    s = scapy()
    everybody = "ff:ff:ff:ff:ff:ff"
    assert told(
        ether(to=everybody) / s.ARP(op=1, hwsrc=GUEST, psrc="10.0.2.15", pdst="10.0.2.2"),
        ether(sent=False) / s.ARP(op=2, hwsrc=HOST, psrc="10.0.2.2", hwdst=GUEST, pdst="10.0.2.15"),
        ether(to=everybody) / s.ARP(op=1, hwsrc=GUEST, psrc="10.0.2.15", pdst="10.0.2.15"),
    ) == [
        "guest → everybody  ARP  who has 10.0.2.2?",
        "host → guest  ARP  10.0.2.2 is at 52:55:0a:00:02:02",
        "guest → everybody  ARP  10.0.2.15 is at 52:54:00:00:00:01: announced",
    ]


def test_icmp_udp_and_fragments() -> None:
    s = scapy()
    assert told(
        ip(sent=False) / s.ICMP(type=8, seq=3) / b"abc",
        ip() / s.ICMP(type=0, seq=3) / b"abc",
        ip() / s.ICMP(type=3, code=3) / b"....",
        ip(sent=False) / s.UDP(sport=40000, dport=7) / b"hello\n",
        ip() / s.UDP(sport=7, dport=40000) / bytes([0, 1, 2]),
        ip(flags="MF", id=0x1234) / (b"\x00" * 16),
        ip(frag=2, id=0x1234, proto=17) / (b"\x00" * 8),
    ) == [
        "host → guest  ICMP  echo request 3, 3 bytes",
        "guest → host  ICMP  echo reply 3, 3 bytes",
        "guest → host  ICMP  port unreachable",
        'host → guest  UDP  port 7, 6 bytes "hello\\n"',
        "guest → host  UDP  port 7, 3 bytes",
        "guest → host  IPv4  fragment from byte 0 of 0x1234",
        "guest → host  IPv4  fragment from byte 16 of 0x1234, the last",
    ]


def test_dhcp() -> None:
    s = scapy()

    def message(kind: str, given: str = NOBODY, *, sent: bool = True, **options):
        ends = (NOBODY, "255.255.255.255") if sent else ("10.0.2.2", "255.255.255.255")
        ports = (68, 67) if sent else (67, 68)
        return (
            ether(sent=sent, to="ff:ff:ff:ff:ff:ff")
            / s.IP(src=ends[0], dst=ends[1])
            / s.UDP(sport=ports[0], dport=ports[1])
            / s.BOOTP(chaddr=MAC, yiaddr=given)
            / s.DHCP(options=[("message-type", kind), *options.items(), "end"])
        )

    conversation = [
        message("discover"),
        message("offer", "10.0.2.15", sent=False),
        message("request", requested_addr="10.0.2.15"),
        message("ack", "10.0.2.15", sent=False),
    ]
    assert told(*conversation) == [
        "guest → everybody  DHCP  discover",
        "host → everybody  DHCP  offer 10.0.2.15",
        "guest → everybody  DHCP  request 10.0.2.15",
        "host → everybody  DHCP  ack 10.0.2.15",
    ]
    raw = [bytes(packet) for packet in conversation]
    assert [asks_dhcp(frame) for frame in raw] == [True, False, True, False]
    assert [given_address(frame, MAC) for frame in raw] == [None, None, None, IPv4Address("10.0.2.15")]
    assert [said_address(frame, MAC) for frame in raw] == [None] * 4
    assert given_address(raw[3], bytes(6)) is None, "somebody else's"
    assert [told_address(frame, MAC) for frame in raw] == [None, None, None, IPv4Address("10.0.2.15")]


def test_addresses_that_frames_tell() -> None:
    s = scapy()
    arp = bytes(ether() / s.ARP(op=1, psrc="10.0.2.77", pdst="10.0.2.77"))
    probe = bytes(ether() / s.ARP(op=1, psrc=NOBODY, pdst="10.0.2.77"))
    assert said_address(arp, MAC) == told_address(arp, MAC) == IPv4Address("10.0.2.77")
    assert said_address(probe, MAC) is None
    assert said_address(bytes(ip() / s.ICMP()), MAC) == IPv4Address("10.0.2.15")
    assert said_address(bytes(ip(sent=False) / s.ICMP()), MAC) is None
    assert str(own_address("fe80::", MAC)) == "fe80::5054:ff:fe00:1"


def test_tcp_is_counted_from_its_first_byte() -> None:
    client, server = 3_999_999_999, 17
    assert told(
        tcp("S", client),
        tcp("SA", server, client + 1, sent=True),
        tcp("A", client + 1, server + 1),
        tcp("PA", client + 1, server + 1, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        tcp("PA", client + 1, server + 1, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        tcp("PA", server + 1, client + 28, b"HTTP/1.1 200 OK\r\n\r\nhi", sent=True),
        tcp("FA", server + 22, client + 28, sent=True),
        tcp("A", client + 28, server + 23, window=0),
        tcp("R", client + 28),
        tcp("S", 5, port=40001),
        tcp("A", 6, 1, b"\xff\xfe", port=40001),
    ) == [
        "host → guest  TCP  SYN seq 0  (port 80)",
        "guest → host  TCP  SYN, ACK seq 0 ack 1  (port 80)",
        "host → guest  TCP  ACK seq 1 ack 1",
        "host → guest  HTTP  GET / HTTP/1.1  (TCP PSH, ACK seq 1 ack 1, 27 bytes)",
        "host → guest  HTTP  GET / HTTP/1.1  (TCP PSH, ACK seq 1 ack 1, 27 bytes, sent again)",
        "guest → host  HTTP  HTTP/1.1 200 OK  (TCP PSH, ACK seq 1 ack 28, 21 bytes)",
        "guest → host  TCP  FIN, ACK seq 22 ack 28",
        "host → guest  TCP  ACK seq 28 ack 23, window 0",
        "host → guest  TCP  RST seq 28",
        "host → guest  TCP  SYN seq 0  (port 80, connection 2)",
        "host → guest  TCP  ACK seq 1 ack 1, 2 bytes  (connection 2)",
    ]


def test_numbers_of_tcp_may_wrap_around() -> None:
    lines = told(tcp("S", 0xFFFFFFFE), tcp("A", 0xFFFFFFFF, 1, b"abc"), tcp("A", 2, 1, b"d"))
    assert [line.partition("TCP  ")[2] for line in lines] == [
        "SYN seq 0  (port 80)",
        'ACK seq 1 ack 1, 3 bytes "abc"',
        'ACK seq 4 ack 1, 1 byte "d"',
    ]


def test_what_fills_short_frames_up_is_no_content() -> None:
    packet = bytes(tcp("A", 1, 1))
    assert len(packet) < 60
    assert "byte" not in told(packet.ljust(60, b"\0"))[0]


def test_ipv6() -> None:
    s = scapy()
    base = ether() / s.IPv6(src="fe80::1", dst="ff02::1")
    assert told(
        base / s.ICMPv6ND_NS(tgt="fe80::9"),
        base / s.ICMPv6EchoRequest(seq=2, data=b"12345"),
        ether() / s.IPv6(src="fe80::1", dst="fe80::2") / s.UDP(sport=9, dport=9) / b"!",
    ) == [
        "fe80::1 → everybody  ICMPv6  who has fe80::9?",
        "fe80::1 → everybody  ICMPv6  echo request 2, 5 bytes",
        'fe80::1 → fe80::2  UDP  port 9, 1 byte "!"',
    ]


@pytest.mark.parametrize("data", [b"", b"\x01", bytes(13), bytes(14), b"\xff" * 60])
def test_frames_that_are_none(data: bytes) -> None:
    assert told(data)


@given(st.binary(max_size=120), st.sampled_from([b"\x08\x06", b"\x08\x00", b"\x86\xdd", b"\x12\x34"]))
@example(b"\x45" + bytes(40), b"\x08\x00")
def test_any_bytes_are_told_somehow(data: bytes, kind: bytes) -> None:
    frame = MAC + MAC + kind + data
    (line,) = told(frame)
    assert "→" in line
    assert "\n" not in line
    for look in (
        lambda: said_address(frame, MAC),
        lambda: given_address(frame, MAC),
        lambda: asks_dhcp(frame),
    ):
        look()
