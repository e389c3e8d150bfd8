"""Open ports, found from outside."""

from __future__ import annotations

import pytest

from labkit.errors import GuestTimeout, UsageError
from labkit.guest import Guest
from labkit.guest.network import Wire

pytestmark = pytest.mark.live


def test_all_ports_are_asked_and_open_ones_found(server: Guest) -> None:
    assert server.network.open_ports(range(1, 2049)) == (7, 9, 13)
    assert server.network.open_ports([9, 10, 9]) == (9,)
    assert server.network.open_ports([]) == ()
    assert server.network.check(7).ok, "the guest goes on as before"


def test_devices_are_what_the_machine_has(server: Guest) -> None:
    found = server.devices()
    driven = {device.name for device in found if device.virtio and device.driven}
    assert driven == {"virtio-net", "virtio-serial"}
    assert any(not device.virtio for device in found)


def test_on_a_wire_nobody_can_be_the_gateway(serve) -> None:  # type: ignore[no-untyped-def]
    guest = serve("--ipv4=10.0.0.1/24", network=Wire())
    with pytest.raises(UsageError, match="to which no port of this machine can lead"):
        guest.network.open_ports([7])


def test_a_guest_that_loses_all_frames(serve) -> None:  # type: ignore[no-untyped-def]
    guest = serve()
    guest.network.wait_for_address(30)
    with (
        guest.network.impair(loss=1.0),
        pytest.raises(GuestTimeout, match="does not answer for its ports 7 to 9"),
    ):
        guest.network.open_ports([7, 9])
