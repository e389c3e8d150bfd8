"""A Linux guest: a kernel, and a file system in memory that is made for one measurement."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.linux.debian import unpacked
from bench.linux.kernel import find_kernel

__all__ = ["BLOCK", "NETWORK", "LinuxGuest", "linux_guest"]

_VIRTIO = (
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci_modern_dev",
    "drivers/virtio/virtio_pci",
)
BLOCK: Final = (*_VIRTIO, "drivers/block/virtio_blk")
"""The kernel's modules for disks, in the order in which they need each other."""

NETWORK: Final = (*_VIRTIO, "net/core/failover", "drivers/net/net_failover", "drivers/net/virtio_net")
"""The same for the network."""

# What costs an emulated guest time and helps nobody here is off: barriers against speculation, and the doubt
# whether the time-stamp counter can be trusted, which would make each look at the clock an exit to QEMU. After a
# panic, QEMU ends.
_COMMAND_LINE = "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable"

_INIT = """#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t devtmpfs devices /dev
mount -t proc processes /proc
mount -t sysfs system /sys
for module in {modules}; do insmod /modules/$module.ko; done
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
    command_line: str = _COMMAND_LINE


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
    busybox = unpacked("busybox-static") / "bin" / "busybox"
    contents = {"bin/busybox": busybox, **(files or {})}
    contents |= {f"modules/{Path(name).name}.ko": kernel.modules / f"{name}.ko" for name in modules}
    names = " ".join(Path(name).name for name in modules)
    initrd = folder / "initrd"
    initrd.write_bytes(_pack(contents, _INIT.format(modules=names, script=script), busybox))
    return LinuxGuest(kernel.path, initrd)


def _pack(contents: Mapping[str, Path], init: str, busybox: Path) -> bytes:
    """An archive of cpio's format ``newc``: Linux's ``Documentation/driver-api/early-userspace``."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for inside in ("dev", "proc", "run", "sys", "tmp"):
            (root / inside).mkdir()
        for inside, file in contents.items():
            (root / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, root / inside)
        (root / "init").write_text(init)
        (root / "init").chmod(0o755)
        paths = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
        packed = subprocess.run(
            [busybox, "cpio", "-o", "-H", "newc"],
            input="\n".join(paths).encode(), cwd=root, capture_output=True, check=True,
        )  # fmt: skip
        return packed.stdout
