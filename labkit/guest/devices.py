"""The devices of a guest's machine: all that it sees of the hypervisor, apart from memory and processor."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, Final

from labkit.host.monitor import Monitor, MonitorError

__all__ = ["Device", "find_devices"]

_DRIVER_OK: Final = "VIRTIO_CONFIG_S_DRIVER_OK"
_RED_HAT: Final = 0x1AF4  # VIRTIO 1.1, section 4.1.2: the vendor of virtio devices


@dataclass(frozen=True)
class Device:
    """A device on the PCI bus.

    Attributes:
        name: what it is.
        virtio: whether it is one of those made for guests.
        driven: whether the guest's driver has taken it; None where that cannot be told.
    """

    name: str
    virtio: bool
    driven: bool | None = None


def find_devices(monitor: Monitor) -> tuple[Device, ...]:
    """The devices on the PCI bus of a guest.

    Raises:
        GuestError: the guest has ended.
        HostError: QEMU does not answer as it should.
    """
    buses: list[dict[str, Any]] = monitor.ask("query-pci")
    plain = [
        Device(device["class_info"].get("desc", f"class {device['class_info']['class']:#x}"), False)
        for bus in buses
        for device in bus["devices"]
        if device["id"]["vendor"] != _RED_HAT
    ]
    made = []
    for found in monitor.ask("x-query-virtio"):
        driven: bool | None = None
        with contextlib.suppress(MonitorError):
            status = monitor.ask("x-query-virtio-status", path=found["path"])["status"]
            driven = any(told.startswith(_DRIVER_OK) for told in status["statuses"])
        made.append(Device(str(found["name"]), True, driven))
    return (*made, *plain)
