"""A Linux guest: a kernel, and a file system in memory that is made for one measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from labkit.build.linux.initrd import busybox, pack
from labkit.build.linux.kernel import QUIET, find_kernel
from labkit.build.linux.modules import in_order

__all__ = ["BLOCK", "NETWORK", "LinuxGuest", "linux_guest"]

BLOCK: Final = ("virtio_pci", "virtio_blk")
"""The kernel's modules for disks."""

NETWORK: Final = ("virtio_pci", "virtio_net")
"""The same for the network."""

_INIT = """#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t devtmpfs devices /dev
mount -t proc processes /proc
mount -t sysfs system /sys
for module in {modules}; do insmod /modules/$module; done
stty -F /dev/console raw -echo
{script}
poweroff -f
"""


@dataclass(frozen=True)
class LinuxGuest:
    """What QEMU is given.

    Attributes:
        kernel: to be booted by its PVH note.
        initrd: the file system.
        command_line: the kernel's arguments.
    """

    kernel: Path
    initrd: Path
    command_line: str = f"console=ttyS0 {QUIET}"


def linux_guest(
    folder: Path, *, modules: Sequence[str], script: str, files: Mapping[str, Path] | None = None
) -> LinuxGuest:
    """Make a Linux guest. Its console is the first serial port.

    Args:
        folder: where its file system is put.
        modules: those of the kernel that it needs, such as :data:`BLOCK`.
        script: what its first process does, in BusyBox's shell, once the modules are loaded. The guest ends when
            it does.
        files: what else is in it: from its paths, such as ``bin/nginx``, to files here.

    Raises:
        HostError: the Debian packages cannot be had.
    """
    kernel = find_kernel()
    loaded = in_order(kernel.modules, modules)
    contents = {"bin/busybox": busybox(), **(files or {})}
    contents |= {f"modules/{path.name}": path for path in loaded}
    names = " ".join(path.name for path in loaded)
    initrd = folder / "initrd"
    initrd.write_bytes(pack(contents, _INIT.format(modules=names, script=script)))
    return LinuxGuest(kernel.path, initrd)
