"""Reachability: the layer that fails is named, and it takes no longer than a few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from labkit.build.image import Image
from labkit.errors import GuestError, GuestTimeout, UsageError
from labkit.guest import Guest, boot
from labkit.guest.network import Wire
from labkit.guest.network.check import Reachability

pytestmark = pytest.mark.live

Serve = Callable[..., Guest]
AT_MOST = 15.0  # seconds, for a look at everything


def looked(guest: Guest, port: int, *, http: bool | None = None) -> Reachability:
    began = time.monotonic()
    found = guest.network.check(port, http=http)
    assert time.monotonic() - began < AT_MOST
    return found


def test_all_is_well(server: Guest) -> None:
    found = looked(server, 7)
    assert found.ok
    assert repr(found).splitlines() == [
        "Can services be reached on port 7? Yes.",
        "  ok  link     the guest's driver has taken the network device",
        "  ok  address  10.0.2.15 is at 52:54:00:00:00:01 (ARP)",
        "  ok  ping     the guest answers (ICMP)",
        "  ok  tcp      the guest listens on port 7 (SYN, ACK)",
    ]


def test_nothing_listens(server: Guest) -> None:
    assert repr(looked(server, 80)).splitlines()[4:] == [
        "  NO  tcp      nothing listens on port 80 of the guest (RST); it does on 7",
        "  ..  http     not looked at",
        "  What to do: Ask for port 7, or let the unikernel listen on 80.",
        "  Whose turn: your code or command",
    ]


@pytest.mark.parametrize(
    ("port", "said"),
    [
        (7, "does not speak HTTP: it began with 'GET / HTTP/1.1"),
        (9, "takes a request and does not answer it in 3 s"),
        (13, "closes the connection without an answer"),
    ],
)
def test_what_is_no_http(server: Guest, port: int, said: str) -> None:
    found = looked(server, port, http=True)
    assert found.failed is not None
    assert found.failed.name == "http"
    assert said in found.failed.words
    assert not server.network.forwards, "the forward for the look is gone"
    with pytest.raises(GuestError, match="cannot be reached on port") as caught:
        server.network.reach(port)
    assert said in str(caught.value)


def test_an_address_of_another_network(serve: Serve) -> None:
    guest = serve("--ipv4=192.168.9.5/24", "--ipv4-gateway=192.168.9.1")
    assert str(guest.network.wait_for_address()) == "192.168.9.5"
    found = looked(guest, 7)
    assert found.failed is not None
    assert found.failed.words == "the guest says that it is 192.168.9.5, but its network is 10.0.2.0/24"
    assert "--ipv4=10.0.2.15/24 --ipv4-gateway=10.0.2.2" in found.failed.next_step


def test_the_gateways_address(serve: Serve) -> None:
    guest = serve("--ipv4=10.0.2.2/24")
    guest.network.wait_for_address()
    found = looked(guest, 7)
    assert found.failed is not None
    assert "that is its gateway" in found.failed.words


def test_dhcp_that_nobody_answers(services: Image) -> None:
    with boot(services, network=Wire(), timeout=60) as guest:
        found = looked(guest, 7)
        assert found.failed is not None
        assert found.failed.name == "address"
        assert "asks for an address by DHCP, and nobody on its wire answers" in found.failed.words
        assert "--ipv4=10.0.0.1/24" in found.failed.next_step
        with pytest.raises(GuestTimeout, match=r"has told no IPv4 address in 0\.2 s"):
            guest.network.wait_for_address(0.2)


def test_a_driver_that_does_not_take_the_device(undriven: Image) -> None:
    with boot(undriven, timeout=60) as guest:
        guest.console.expect("ever")
        found = looked(guest, 80)
        assert found.failed is not None
        assert (found.failed.name, [layer.name for layer in found.layers]) == ("link", ["link"])
        assert "guest.stamps" in found.failed.next_step


def test_a_guest_that_has_ended(serve: Serve) -> None:
    guest = serve()
    guest.stop()
    found = looked(guest, 7)
    assert found.failed is not None
    assert (found.failed.name, found.failed.words) == ("guest", "it was stopped")


def test_a_network_that_loses_everything(server: Guest) -> None:
    with server.network.impair(loss=1.0, direction="to guest"):
        found = looked(server, 7)
    assert found.failed is not None
    assert found.failed.words == "nobody answers for 10.0.2.15 (ARP)"
    assert looked(server, 7).ok, "healed"


def test_a_bad_network_is_told_from_one_that_fails(server: Guest) -> None:
    with server.network.impair(loss=0.2, delay=0.02, seed=3):
        assert looked(server, 7).ok


def test_a_guest_that_drops_tcp(server: Guest) -> None:
    """As one would whose TCP does not work: here the network drops it."""

    def is_tcp(frame: bytes) -> bool:
        return frame[12:14] == b"\x08\x00" and frame[23] == 6

    with server.network.impair(lose=is_tcp):
        found = looked(server, 7)
    assert found.failed is not None
    assert (found.failed.name, found.failed.words) == (
        "tcp",
        "the guest does not answer on port 7, neither yes nor no",
    )


def test_pings(server: Guest) -> None:
    found = server.network.ping(3, size=1000)
    assert found.answered == len(found.seconds) == 3
    assert all(0 < seconds < 5 for seconds in found.seconds if seconds is not None)
    with server.network.impair(loss=1.0, direction="from guest"):
        assert server.network.ping(1).answered == 0
    for wrong in ({"count": 0}, {"count": 1000}, {"size": -1}, {"size": 9000}):
        with pytest.raises(UsageError, match="make no sense"):
            server.network.ping(**wrong)
