"""QEMU by itself, with the machine that labkit's domains have: docs/ARCHITECTURE.md, section 4."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.linux import LinuxGuest
from labkit.build.domainxml import EMULATOR, QBOOT

__all__ = ["Link", "qemu"]

_FIRST_SLOT = 0x10  # of the PCI bus, for disks and then the network
_SERIAL = ["-serial", "chardev:console", "-serial", "null"]
_VIRTIO = ["-device", "virtio-serial-pci,max_ports=2", "-device", "virtconsole,chardev=console"]


@dataclass(frozen=True)
class Link:
    """A guest's way into a network.

    Attributes:
        backend: QEMU's ``-netdev``, without its ``id``.
        mac: the guest's hardware address.
    """

    backend: str
    mac: str


def qemu(
    what: Path | LinuxGuest,
    *,
    arguments: str = "",
    memory_mib: int = 32,
    serial: bool = False,
    disks: Sequence[Path] = (),
    link: Link | None = None,
) -> list[str]:
    """The command that runs a guest. Its console is the command's standard input and output.

    Args:
        what: an image, or a Linux guest.
        arguments: for the command line of the guest's kernel.
        memory_mib: its memory, in MiB.
        serial: an image's console is the first serial port, as a Linux guest's always is, not a virtio console.
        disks: raw files, in the order of their devices on the bus.
        link: its network device, behind them on the bus.
    """
    linux = isinstance(what, LinuxGuest)
    kernel = ["-kernel", str(what), "-append", arguments]
    if isinstance(what, LinuxGuest):
        kernel = ["-kernel", str(what.kernel), "-initrd", str(what.initrd)]
        kernel += ["-append", f"{what.command_line} {arguments}"]
    return [
        EMULATOR, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-machine", "pc,usb=off,hpet=off", "-accel", "tcg", "-cpu", "max",
        "-m", str(memory_mib), "-bios", QBOOT, *kernel,
        "-chardev", "stdio,id=console,mux=off", *(_SERIAL if serial or linux else _VIRTIO), "-device", "pvpanic",
        *(word for number, disk in enumerate(disks) for word in _disk(number, disk)),
        *(_network(len(disks), link) if link else []),
    ]  # fmt: skip


def _network(place: int, link: Link) -> list[str]:
    where = f"bus=pci.0,addr={_FIRST_SLOT + place:#x}"
    return [
        "-netdev", f"{link.backend},id=network",
        "-device", f"virtio-net-pci-non-transitional,{where},netdev=network,mac={link.mac},rombar=0",
    ]  # fmt: skip


def _disk(number: int, path: Path) -> list[str]:
    cache = {"direct": False, "no-flush": False}  # writeback
    file = {"driver": "file", "filename": str(path), "node-name": f"file{number}", "cache": cache}
    raw = {"driver": "raw", "file": f"file{number}", "node-name": f"disk{number}", "cache": cache}
    device = {
        "driver": "virtio-blk-pci-non-transitional",
        "bus": "pci.0",
        "addr": f"{_FIRST_SLOT + number:#x}",
        "drive": f"disk{number}",
        "write-cache": "on",
        "ioeventfd": False,
    }
    return [
        "-blockdev", json.dumps(file | {"discard": "unmap"}),
        "-blockdev", json.dumps(raw | {"discard": "unmap"}),
        "-device", json.dumps(device),
    ]  # fmt: skip
