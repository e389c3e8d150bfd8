"""Parts of a domain: disks, network interfaces, and what is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Boot", "DomainDisk", "DomainNetwork"]


@dataclass(frozen=True)
class DomainDisk:
    """A disk of a domain.

    Attributes:
        place: its place among the devices of ``config.ml``, which is their order on the bus.
        name: how ``config.ml`` calls it.
        path: the raw file behind it.
        read_only: whether the guest may only read it.
        stops: whether the guest is stopped at a write that fails; else it is told, and goes on.
        format: QEMU's name for how the file holds the sectors.
        last: whether the domain counts it from its last one; so the others are counted as if it were not there.
        boots: whether firmware starts what is on it.
        transitional: whether it has the old interface of virtio too.
    """

    place: int
    name: str
    path: Path
    read_only: bool = False
    stops: bool = False
    format: str = "raw"
    last: bool = False
    boots: bool = False
    transitional: bool = False


@dataclass(frozen=True)
class DomainNetwork:
    """A network interface of a domain, on a network of QEMU's own in user space: no root, nothing on the host's.

    Attributes:
        place: its place among the devices of ``config.ml``, which is their order on the bus.
        name: how ``config.ml`` calls it.
        number: which of the domain's networks it is, from 0.
        plug: its number on a wire that it shares with others; 0 on a network of its own.
        transitional: whether it has the old interface of virtio too.
    """

    place: int
    name: str
    number: int = 0
    plug: int = 0
    transitional: bool = False

    @property
    def mac(self) -> str:
        """Its hardware address: the same in every run, and nobody else's on its wire."""
        return f"52:54:00:00:{self.plug:02x}:{self.number + 1:02x}"

    @property
    def subnet(self) -> str:
        """Its IPv4 network, on which 2 is the gateway and 15 what DHCP gives to the guest."""
        return f"10.0.{2 + self.number}.0"


@dataclass(frozen=True)
class Boot:
    """How a guest is started that is no PVH kernel by itself: another kernel, one with a file system, or a disk.

    Attributes:
        kind: what it is, in words.
        initrd: the file system, where the image is a kernel.
        from_disk: whether firmware starts it from its first disk, and the image is no kernel.
        bios: whether a kernel needs a PC's firmware, SeaBIOS, as those of the multiboot kind do.
        firmware_files: files that it finds in the firmware's configuration device (QEMU's ``fw_cfg``), by name.
    """

    kind: str
    initrd: Path | None = None
    from_disk: bool = False
    bios: bool = False
    firmware_files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def start(self) -> str:
        """How it starts, in a word: ``disk``, ``bios`` or ``kernel``."""
        return "disk" if self.from_disk else "bios" if self.bios else "kernel"
