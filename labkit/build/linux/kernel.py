"""Debian's kernel for the cloud, as it comes, and as a file that boots by its PVH note as our images do."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from labkit.build.linux.debian import dependency, made_once, unpacked
from labkit.errors import HostError

__all__ = ["QUIET", "Kernel", "find_kernel", "kernel_package"]

QUIET: Final = "quiet panic=-1 mitigations=off tsc=reliable"
"""Arguments that spare an emulated guest time: no barriers against speculation, and no doubt whether the
time-stamp counter can be trusted (each look at the clock would be an exit to QEMU). It ends
after a panic."""

_LZ4 = b"\x02\x21\x4c\x18"
_SECTOR = 512


@dataclass(frozen=True)
class Kernel:
    """A Linux kernel.

    Attributes:
        release: as ``uname -r`` says it.
        packed: Debian's own file, a bzImage (Linux's ``Documentation/x86/boot.rst``).
        modules: the folder with ``drivers/``, ``fs/`` and the like.
        tree: the files of its package.
    """

    release: str
    packed: Path
    modules: Path
    tree: Path

    @property
    def path(self) -> Path:
        """The kernel as a static ELF file, which boots without unpacking itself.

        Raises:
            HostError: it is packed in an unknown way.
        """

        def unpack(folder: Path) -> None:
            lz4 = self.tree / "usr" / "bin" / "lz4"
            (folder / "vmlinux").write_bytes(_payload(self.packed.read_bytes(), lz4))

        return made_once(f"vmlinux of {self.tree}", unpack) / "vmlinux"


def kernel_package() -> str:
    """The package that has the kernel, with its release in its name.

    Raises:
        HostError: apt does not know it.
    """
    return dependency("linux-image-cloud-amd64", r"linux-image-\S+-cloud-amd64")


@cache
def find_kernel() -> Kernel:
    """The kernel of Debian's package ``linux-image-cloud-amd64``.

    Raises:
        HostError: it cannot be had.
    """
    package = kernel_package()
    release = package.removeprefix("linux-image-")
    files = unpacked(package, "lz4")
    return Kernel(
        release, files / "boot" / f"vmlinuz-{release}", files / "lib" / "modules" / release / "kernel", files
    )


def _payload(image: bytes, lz4: Path) -> bytes:
    """The ELF file inside a bzImage: Linux's ``Documentation/x86/boot.rst``."""
    setup_sectors = image[0x1F1]
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * _SECTOR + offset
    packed = image[start : start + length - 4]  # without the size at its end
    if not packed.startswith(_LZ4):
        raise HostError("Debian's kernel is packed in a way that labkit does not know.")
    return subprocess.run([lz4, "-d", "-c"], input=packed, capture_output=True, check=True).stdout
