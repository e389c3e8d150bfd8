"""Ladders, frame views, latency plots and pages: drawings and words that say the same, whatever the frames."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.guest.network.capture import Frame
from labkit.guest.network.load import Load
from labkit.guest.network.scapy import scapy
from labkit.ui.pictures.frame import frame_view, parts
from labkit.ui.pictures.ladder import ladder
from labkit.ui.pictures.latency import latency

GUEST, HOST = "52:54:00:00:00:01", "52:55:0a:00:02:02"
NAMES = {GUEST: "guest", HOST: "host", "10.0.2.15": "guest", "10.0.2.2": "host"}


def html_of(shown: Any) -> tuple[str, str]:
    """What it shows, and what is in its drawings; all of it well formed."""
    data, _ = shown._repr_mimebundle_()
    html = str(data["text/html"])
    ET.fromstring(html)  # noqa: S314
    drawn = [base64.b64decode(found).decode() for found in re.findall(r"svg\+xml;base64,([^\"]+)", html)]
    for drawing in drawn:
        ET.fromstring(drawing)  # noqa: S314
    return html, "".join(drawn)


def conversation() -> list[Frame]:
    s = scapy()
    out = s.Ether(src=GUEST, dst=HOST) / s.IP(src="10.0.2.15", dst="10.0.2.2")
    into = s.Ether(src=HOST, dst=GUEST) / s.IP(src="10.0.2.2", dst="10.0.2.15")
    packets = [
        s.Ether(src=GUEST, dst="ff:ff:ff:ff:ff:ff") / s.ARP(op=1, psrc="10.0.2.15", pdst="10.0.2.2"),
        s.Ether(src=HOST, dst=GUEST) / s.ARP(op=2, hwsrc=HOST, psrc="10.0.2.2", pdst="10.0.2.15"),
        out / s.ICMP(type=8, seq=1) / b"<&>\"'",
        into / s.TCP(sport=40000, dport=80, flags="S", seq=7, options=[("MSS", 1460)]),
        into / s.TCP(sport=40000, dport=80, flags="PA", seq=8, ack=1) / b"GET /<script> HTTP/1.1\r\n\r\n",
        out / s.UDP(sport=7, dport=40000) / b"hello",
    ]
    found = [
        Frame(number, number / 100, bytes(packet), bytes(packet)[6:12].hex(":") == GUEST)
        for number, packet in enumerate(packets, 1)
    ]
    found[2].lost = True
    return found


def test_a_ladder_says_the_same_in_words_and_in_the_drawing() -> None:
    shown = ladder(conversation(), names=NAMES)
    assert repr(shown) == "<Ladder diagram>"
    assert str(shown).splitlines() == [
        "6 frames",
        "  1  guest → everybody  ARP  who has 10.0.2.2?",
        "  2  host → guest  ARP  10.0.2.2 is at 52:55:0a:00:02:02",
        "  3  guest → host  ICMP  echo request 1, 5 bytes  LOST",
        "  4  host → guest  TCP  SYN seq 0  (port 80)",
        "  5  host → guest  HTTP  GET /<script> HTTP/1.1  (TCP PSH, ACK seq 1 ack 1, 26 bytes)",
        '  6  guest → host  UDP  port 7, 5 bytes "hello"',
    ]
    html, drawn = html_of(shown)
    for words in ("who has 10.0.2.2? (to everybody)", "lost", "GET /&lt;script&gt;", ">guest<", ">host<"):
        assert words in drawn, words
    assert "<script>" not in html
    assert "ms" not in str(shown), "no times unless they are asked for"
    assert "30.0 ms" in str(ladder(conversation(), names=NAMES, times=True))


def test_arrows_go_from_the_sender_to_the_receiver() -> None:
    _, drawn = html_of(ladder(conversation(), names=NAMES))
    arrows = re.findall(r'<path d="M([\d.]+) [\d.]+H([\d.]+)" stroke="#\w+" stroke-width="1.5"', drawn)
    assert [float(end) > float(begin) for begin, end in arrows] == [False, True, False, True, True, False]


def test_long_ladders_are_cut_and_say_so() -> None:
    frames = conversation() * 20
    shown = ladder(frames, names=NAMES, most=10)
    assert str(shown).splitlines()[0] == "120 frames"
    assert str(shown).endswith("110 more are not shown")
    assert len(str(shown).splitlines()) == 12
    html_of(shown)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 9])
def test_any_number_of_hosts_has_its_place(count: int) -> None:
    s = scapy()
    macs = [f"02:00:00:00:00:{number:02x}" for number in range(count + 1)]
    packets = [s.Ether(src=macs[number], dst=macs[number + 1]) / b"hello" for number in range(count)]
    frames = [Frame(number, 0.0, bytes(packet), True) for number, packet in enumerate(packets, 1)]
    shown = ladder(frames)
    html_of(shown)
    if count:
        assert f"{macs[count - 1]} → {macs[count]}" in str(shown)


def test_a_frame_shows_each_byte_and_what_it_means() -> None:
    frame = conversation()[4]
    shown = frame_view(frame)
    lines = str(shown).splitlines()
    assert lines[0] == f"Frame 5: {len(frame.data)} bytes, sent to the guest"
    for line in (
        "   12  08 00                    type: IPv4",
        "   22  40                       time to live: 64",
        "   36  00 50                    destination port: 80",
        "   38  00 00 00 08              sequence number: 8",
        "   46  50 18                    header, in 4 bytes, reserved, flags: 5, 0, PSH ACK",
        "   54  47 45 54 20 2f 3c 73 63  GET /<sc",
    ):
        assert line in lines, line
    assert sum("right" in line for line in lines) == 2
    html, _ = html_of(shown)
    assert "GET /&lt;sc" in html


def test_a_wrong_checksum_is_told() -> None:
    data = bytearray(conversation()[5].data)
    data[40] ^= 0x55
    assert re.search(r"checksum: 0x\w{4}, WRONG: 0x\w{4}", str(frame_view(Frame(1, 0.0, bytes(data), True))))


@given(st.binary(max_size=90), st.sampled_from([b"\x08\x06", b"\x08\x00", b"\x86\xdd", b"\x12\x34"]))
def test_no_byte_of_any_frame_is_left_out(data: bytes, kind: bytes) -> None:
    frame = Frame(1, 0.0, bytes(12) + kind + data, True)
    found = parts(frame)
    assert b"".join(part.data for part in found) == frame.data
    assert [part.at for part in found] == [sum(len(p.data) for p in found[:n]) for n in range(len(found))]
    html_of(frame_view(frame))


def a_load(connections: int, **changed: Any) -> Load:
    percentiles = {0: 0.0002, 50: 0.001, 90: 0.002, 99: 0.004, 99.9: 0.02, 100: 0.5}
    errors = {"connect": 0, "read": 0, "write": 0, "status": 0, "timeout": 0}
    return Load(
        **{
            "name": "web",
            "port": 80,
            "connections": connections,
            "seconds": 2.0,
            "requests": 5000,
            "bytes": 10**6,
            "latency": percentiles,
            "errors": errors,
            **changed,
        }
    )


def test_loads_are_drawn_and_told() -> None:
    shown = latency(a_load(1), a_load(30, errors={"timeout": 3}))
    assert repr(shown) == "<Load on web>"
    assert "30 connections: 2,500 requests/s over 30 connections; half in 1.00 ms, 99 % in 4.00 ms" in str(
        shown
    )
    assert "3 timeout" in str(shown)
    html, drawn = html_of(shown)
    assert drawn.count("<polyline") == 2
    assert "web, 1 connection<" in drawn
    assert ">3 timeout<" in html


def test_a_load_that_got_no_answer_is_told() -> None:
    nothing = a_load(
        5, requests=0, errors={"connect": 9}, latency=dict.fromkeys((0, 50, 90, 99, 99.9, 100), 0.0)
    )
    html, drawn = html_of(latency(nothing))
    assert "Nothing was answered" in html
    assert not drawn
    with pytest.raises(ValueError, match="no load"):
        latency()
