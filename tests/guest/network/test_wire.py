"""Wires: guests that talk with each other, and with nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from labkit.build.image import Image
from labkit.errors import ConsoleTimeout, UsageError
from labkit.guest import Guest, boot
from labkit.guest.network import Wire
from labkit.ui import ladder

pytestmark = pytest.mark.live

Serve = Callable[..., Guest]


def test_two_guests_talk(serve: Serve) -> None:
    wire = Wire()
    with wire.capture() as capture:
        serve("--ipv4=10.0.0.1/24", network=wire)
        caller = serve("--ipv4=10.0.0.2/24", "--call=10.0.0.1", network={"service": wire})
        caller.console.expect("answered: hello over there", timeout=30)
        assert str(caller.network.address) == "10.0.0.2"
        assert caller.network.gateway is None
    lines = str(ladder(capture))
    assert "services 2 → services  TCP  SYN seq 0  (port 7)" in lines
    assert 'services → services 2  TCP  PSH, ACK seq 1 ack 17, 16 bytes "hello over there"' in lines
    assert "10.0.2." not in lines, "QEMU's own network is not on the wire"
    assert len(wire.guests) == 2


def test_each_guest_sees_what_is_for_all(serve: Serve) -> None:
    wire = Wire()
    one = serve("--ipv4=10.0.0.1/24", network=wire, capture=True)
    two = serve("--ipv4=10.0.0.2/24", network=wire)
    assert one.network.mac != two.network.mac
    assert one.network.captured is not None
    one.network.captured.wait_for("services 2 → everybody  ARP  10.0.0.2 is at", timeout=10)
    own = [told for told in one.network.captured.told() if "10.0.0.1 is at" in told.words]
    assert len(own) == 1, "what it sends does not come back to it"
    assert two.network.check(7).ok
    assert one.network.ping(2).answered == 2


def test_a_bad_wire(serve: Serve) -> None:
    wire = Wire()
    one = serve("--ipv4=10.0.0.1/24", network=wire)
    with one.network.impair(loss=1.0, direction="from guest") as bad:
        two = serve("--ipv4=10.0.0.2/24", "--call=10.0.0.1", network=wire)
        with pytest.raises(ConsoleTimeout):
            two.console.expect("answered", timeout=1)
        assert bad.counts["from guest"].lost > 0
    two.console.expect("answered: hello over there", timeout=60)


def test_a_guest_that_goes_leaves_the_others(serve: Serve) -> None:
    wire = Wire()
    one = serve("--ipv4=10.0.0.1/24", network=wire)
    two = serve("--ipv4=10.0.0.2/24", network=wire)
    two.stop()
    two.settled(10)
    assert wire.guests == (one.name,)
    three = serve("--ipv4=10.0.0.2/24", "--call=10.0.0.1", network=wire)
    three.console.expect("answered: hello over there", timeout=30)
    for guest in (one, three):
        guest.stop()
        guest.settled(10)
    assert not [thread for thread in threading.enumerate() if wire.name in thread.name]
    serve("--ipv4=10.0.0.1/24", network=wire)


def test_wires_are_apart(serve: Serve) -> None:
    serve("--ipv4=10.0.0.1/24", network=Wire())
    caller = serve("--ipv4=10.0.0.2/24", "--call=10.0.0.1", network=Wire())
    with pytest.raises(ConsoleTimeout):
        caller.console.expect("answered", timeout=1)


def test_what_a_wire_cannot(serve: Serve, services: Image) -> None:
    wire = Wire()
    guest = serve("--ipv4=10.0.0.1/24", network=wire)
    with pytest.raises(UsageError, match="no port of this machine can lead"):
        guest.network.forward(7)
    with pytest.raises(UsageError, match="no port of this machine can lead"):
        guest.network.reach(7)
    with pytest.raises(UsageError, match="no network device"):
        boot(services, network=wire, forward={0: 7})
    with pytest.raises(UsageError, match="outlives this process"):
        boot(services, network=wire, stay=True)
    with pytest.raises(UsageError, match="outlives this process"):
        boot(services, capture=True, stay=True)


def test_wires_that_fit_no_device(services: Image, kernel: Callable[[str], Image]) -> None:
    wire = Wire()
    with pytest.raises(UsageError, match="has no network device internet; it has these: service"):
        boot(services, network={"internet": wire})
    with pytest.raises(UsageError, match="no network device"):
        boot(kernel("forever"), network=wire)
    for wrong in ("wire", {"service": "wire"}, 5):
        with pytest.raises(UsageError, match="is no wire"):
            boot(services, network=wrong)  # type: ignore[arg-type]
    assert wire.guests == ()
