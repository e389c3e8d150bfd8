"""Captures: every frame from the first one on, in order, bounded, and gone without a trace."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.utils import rdpcap

from labkit.errors import GuestError, GuestTimeout, HostError, UsageError
from labkit.guest import Guest
from labkit.host.monitor import Monitor
from labkit.ui import ladder

pytestmark = pytest.mark.live

Serve = Callable[..., Guest]


def echo(guest: Guest, words: bytes = b"hello") -> None:
    with (
        guest.network.forward(7) as forward,
        socket.create_connection(forward.address, timeout=10) as connection,
    ):
        connection.sendall(words)
        assert connection.recv(len(words), socket.MSG_WAITALL) == words


def objects(guest: Guest) -> list[str]:
    """What of ours is in the guest's QEMU."""
    monitor: Monitor = guest.network._wiring._monitor
    filters = [found["name"] for found in monitor.ask("qom-list", path="/objects")]
    channels = [found["label"] for found in monitor.ask("query-chardev")]
    return [name for name in filters + channels if name.startswith("lab-")]


def test_from_the_first_frame_on(server: Guest) -> None:
    captured = server.network.captured
    assert captured is not None
    assert str(captured.told()[0]).startswith("  1  guest → everybody  DHCP  discover")
    for words in (
        "DHCP  offer 10.0.2.15",
        "DHCP  ack 10.0.2.15",
        "10.0.2.15 is at 52:54:00:00:00:01: announced",
    ):
        captured.wait_for(words, timeout=10)
    assert [frame.number for frame in captured.frames] == list(range(1, len(captured.frames) + 1))
    first = captured.frames[0]
    assert first.sent
    assert not captured.frames[1].sent
    assert first.data[:6] == b"\xff" * 6


def test_a_conversation_in_order(server: Guest) -> None:
    with server.network.capture() as capture:
        echo(server)
        capture.wait_for("FIN", timeout=10)
    lines = [str(told) for told in capture.told() if told.protocol == "TCP"]
    assert [line.split("TCP  ")[1].split(" (")[0].strip() for line in lines[:3]] == [
        "SYN seq 0",
        "SYN, ACK seq 0 ack 1",
        "ACK seq 1 ack 1",
    ]
    assert sum('5 bytes "hello"' in line for line in lines) == 2
    assert str(ladder(capture)).count('"hello"') == 2
    count = len(capture.frames)
    echo(server)
    assert len(capture.frames) == count, "it is closed"
    assert capture.closed


def test_waiting_goes_on_behind_the_frame_found_before(server: Guest) -> None:
    with server.network.capture() as capture:
        waiting = threading.Timer(0.2, lambda: server.network.ping(2))
        waiting.start()
        first = capture.wait_for("echo request", timeout=10)
        reply = capture.wait_for(lambda frame: frame.sent, timeout=10)
        second = capture.wait_for("echo request", timeout=10)
        assert first.number < reply.number < second.number
        waiting.join()


def test_what_does_not_come_is_told_with_what_came(server: Guest) -> None:
    with server.network.capture() as capture:
        server.network.ping(1)
        with pytest.raises(GuestTimeout, match="'DNS' did not come") as caught:
            capture.wait_for("DNS", timeout=0.2)
        assert "echo reply" in str(caught.value)
    with pytest.raises(GuestTimeout, match="ended without"):
        capture.wait_for("DNS", timeout=5)


def test_a_full_capture_lets_go_of_the_guest(server: Guest, eventually: Callable[..., float]) -> None:
    before = objects(server)
    with server.network.capture(most=5) as capture:
        server.network.ping(10)
        assert capture.full
        eventually(lambda: objects(server) == before, 5)
        assert len(capture.frames) == 5
    with server.network.capture(most_bytes=200) as capture:
        server.network.ping(10)
        assert capture.full
        assert sum(map(len, capture.frames)) <= 200
    assert objects(server) == before


def test_several_at_once_see_the_same(server: Guest) -> None:
    with server.network.capture() as one, server.network.capture() as other:
        server.network.ping(3)
        for capture in (one, other):
            capture.wait_for("echo reply")
            capture.wait_for("echo reply")
            capture.wait_for("echo reply")
    assert [frame.data for frame in one.frames] == [frame.data for frame in other.frames]


def test_a_file_for_other_tools(server: Guest, tmp_path: Path) -> None:
    with server.network.capture() as capture:
        server.network.ping(3)
        capture.wait_for("echo reply")
    path = capture.save(tmp_path / "a.pcap")
    packets = rdpcap(str(path))
    assert [bytes(packet) for packet in packets] == [frame.data for frame in capture.frames]
    times = [float(packet.time) for packet in packets]
    assert times == sorted(times)
    assert times[-1] - times[0] == pytest.approx(
        capture.frames[-1].seconds - capture.frames[0].seconds, abs=1e-4
    )
    with pytest.raises(HostError, match="No such file"):
        capture.save(tmp_path / "nowhere" / "a.pcap")


@pytest.mark.parametrize("limits", [{"most": 0}, {"most": -1}, {"most_bytes": 0}])
def test_limits_that_make_no_sense(server: Guest, limits: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="makes no sense"):
        server.network.capture(**limits)


def test_bulk_is_captured_whole(server: Guest) -> None:
    """The guest waits for the capture rather than lose a frame."""
    data = bytes(range(256)) * 2048
    with server.network.capture() as capture, server.network.forward(7) as forward:
        with socket.create_connection(forward.address, timeout=30) as connection:
            sender = threading.Thread(target=connection.sendall, args=(data,))
            sender.start()
            got = b""
            while len(got) < len(data):
                got += connection.recv(1 << 16)
            sender.join()
        assert got == data
        capture.wait_for("FIN", timeout=10)
    stream: dict[int, bytes] = {}
    for frame in capture.frames:
        tcp = frame.packet.getlayer("TCP")
        if frame.sent and tcp is not None and len(tcp.payload):
            stream[tcp.seq] = bytes(tcp.payload)
    assert (
        b"".join(stream[seq] for seq in sorted(stream, key=lambda seq: (seq - min(stream)) & 0xFFFFFFFF))
        == data
    )


def test_after_the_guest_has_ended(serve: Serve) -> None:
    guest = serve(capture=True)
    guest.network.wait_for_address()
    guest.stop()
    captured = guest.network.captured
    assert captured is not None
    assert captured.closed
    assert len(captured.frames) > 3
    with pytest.raises(GuestError, match="has ended"):
        guest.network.capture()
    assert not [thread for thread in threading.enumerate() if guest.name in thread.name]


def test_nothing_piles_up(server: Guest, eventually: Callable[..., float]) -> None:
    def turn() -> None:
        with server.network.capture(), server.network.forward(7), server.network.impair(delay=0.0001):
            assert server.network.ping(1).answered == 1

    turn()
    before = objects(server)
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        turn()
    assert objects(server) == before
    eventually(lambda: len(list(Path("/proc/self/fd").iterdir())) <= descriptors, 5)
    assert not server.network.forwards
