"""Debian's kernel for the cloud, as a file that boots by its PVH note as our images do."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.linux.debian import dependency, made_once, unpacked
from labkit.errors import HostError

__all__ = ["Kernel", "find_kernel"]

_LZ4 = b"\x02\x21\x4c\x18"
_SECTOR = 512


@dataclass(frozen=True)
class Kernel:
    """A Linux kernel.

    Attributes:
        path: a static ELF file.
        modules: the folder with ``drivers/``, ``fs/`` and the like.
    """

    path: Path
    modules: Path


@cache
def find_kernel() -> Kernel:
    """The kernel of Debian's package ``linux-image-cloud-amd64``.

    Raises:
        HostError: it cannot be had.
    """
    package = dependency("linux-image-cloud-amd64", r"linux-image-\S+-cloud-amd64")
    release = package.removeprefix("linux-image-")
    files = unpacked(package, "lz4")
    packed = files / "boot" / f"vmlinuz-{release}"

    def unpack(folder: Path) -> None:
        (folder / "vmlinux").write_bytes(_payload(packed.read_bytes(), files / "usr" / "bin" / "lz4"))

    return Kernel(
        made_once(f"vmlinux of {files}", unpack) / "vmlinux", files / "lib" / "modules" / release / "kernel"
    )


def _payload(image: bytes, lz4: Path) -> bytes:
    """The ELF file inside a bzImage: Linux's ``Documentation/x86/boot.rst``."""
    setup_sectors = image[0x1F1]
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * _SECTOR + offset
    packed = image[start : start + length - 4]  # without the size at its end
    if not packed.startswith(_LZ4):
        raise HostError("Debian's kernel is packed in a way that the benchmarks do not know.")
    return subprocess.run([lz4, "-d", "-c"], input=packed, capture_output=True, check=True).stdout
