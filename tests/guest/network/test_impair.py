"""Bad networks: what is sent through them is lost, late and out of order, and arrives whole all the same."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable

import pytest

from labkit.errors import GuestError, UsageError
from labkit.guest import Guest

pytestmark = pytest.mark.live

Serve = Callable[..., Guest]


def carried(guest: Guest, size: int, halfway: Callable[[], None] = lambda: None) -> bool:
    """Whether bytes come back from the echo server as they were sent."""
    data = os.urandom(size)
    got = bytearray()
    with (
        guest.network.forward(7) as forward,
        socket.create_connection(forward.address, timeout=60) as connection,
    ):
        sender = threading.Thread(target=connection.sendall, args=(data,))
        sender.start()
        told = False
        while len(got) < size:
            piece = connection.recv(1 << 16)
            if not piece:
                return False
            got += piece
            if len(got) > size // 2 and not told:
                told = True
                halfway()
        sender.join()
    return bytes(got) == data


@pytest.mark.slow
def test_bulk_through_loss_delay_and_reordering(server: Guest) -> None:
    with server.network.impair(loss=0.05, delay=0.02, reorder=0.1, seed=1) as bad:
        assert carried(server, 256 << 10)
        for counts in bad.counts.values():
            assert counts.frames > 100
            assert 0.01 < counts.lost / counts.frames < 0.12
            assert counts.reordered
    assert carried(server, 256 << 10)


def test_a_delay_counts_each_way(server: Guest) -> None:
    with server.network.impair(delay=0.05):
        assert all(seconds is not None and seconds >= 0.1 for seconds in server.network.ping(3).seconds)
        began = time.monotonic()
        assert carried(server, 10)
        assert time.monotonic() - began >= 0.2, "SYN and its answer, data and its echo"


def test_a_rate_limits_bulk(server: Guest) -> None:
    began = time.monotonic()
    with server.network.impair(rate=8e6, direction="to guest"):
        assert carried(server, 1 << 20)
    assert time.monotonic() - began >= 0.9, "a megabyte at 8 Mbit/s"


def test_it_is_changed_and_healed_under_load(server: Guest) -> None:
    """No frame may be lost by the change itself: a retransmission would tell."""
    with server.network.impair(delay=0.001) as bad:
        assert carried(server, 512 << 10, lambda: server.network.impair(delay=0.002) and None)
        assert "2 ms" not in repr(bad), "what was asked for first"
        assert repr(bad) == "<Impairment: 1 ms delay>"
        assert carried(server, 512 << 10, server.network.heal)
    assert carried(server, 64 << 10)


def test_what_is_under_way_arrives_when_the_network_is_healed(server: Guest) -> None:
    with server.network.forward(7, protocol="udp") as forward, socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.settimeout(20)
        with server.network.capture() as capture, server.network.impair(delay=100):
            sock.sendto(b"late", forward.address)
            server.network.ping(1)
            assert not [told for told in capture.told() if "late" in told.words]
        assert sock.recv(10) == b"late"


def test_lost_frames_are_in_the_capture_and_marked(server: Guest) -> None:
    def is_echo(frame: bytes) -> bool:
        return frame[12:14] == b"\x08\x00" and frame[23] == 1

    with server.network.capture() as capture:
        with server.network.impair(lose=is_echo, direction="from guest"):
            assert server.network.ping(2).answered == 0
        with server.network.impair(lose=is_echo, direction="to guest"):
            assert server.network.ping(1).answered == 0
        assert server.network.ping(1).answered == 1
        capture.wait_for("echo reply", timeout=5)
    echoes = [told for told in capture.told() if told.protocol == "ICMP"]
    assert [(told.words.split()[1], told.frame.lost) for told in echoes] == [
        ("request", False),
        ("reply", True),
        ("request", False),
        ("reply", True),
        ("request", True),
        ("request", False),
        ("reply", False),
    ]
    assert str(echoes[1]).endswith("LOST")


def test_a_choice_that_raises_is_told(server: Guest) -> None:
    with server.network.impair(lose=lambda _frame: bool(1 // 0)) as bad:
        assert server.network.ping(1).answered == 1
        assert isinstance(bad.trouble, ZeroDivisionError)
        assert "ZeroDivisionError" in repr(bad)


def test_bad_arguments_change_nothing(server: Guest) -> None:
    for wrong in ({"loss": 2}, {"delay": -1}, {"rate": 0}, {"direction": "up"}):
        with pytest.raises(UsageError):
            server.network.impair(**wrong)
    assert server.network.ping(1).answered == 1


def test_after_the_guest_has_ended(serve: Serve) -> None:
    guest = serve()
    bad = guest.network.impair(delay=0.01)
    guest.stop()
    bad.heal()
    guest.network.heal()
    with pytest.raises(GuestError, match="has ended"):
        guest.network.impair(delay=0.01)
