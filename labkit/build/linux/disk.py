"""A disk that boots Linux by itself, made without root and without mounting: FAT, and the boot loader SYSLINUX.

The first sector is SYSLINUX's boot code with a partition table; mtools write the partition's file system, and
``syslinux`` puts the loader into it (https://wiki.syslinux.org/wiki/index.php?title=SYSLINUX).
"""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from labkit.build.linux import qemuimg
from labkit.build.linux.debian import unpacked
from labkit.errors import BuildError, Evidence

__all__ = ["PACKAGES", "make"]

PACKAGES: Final = ("mtools", "syslinux", "syslinux-common")
"""The Debian packages that it is made with."""

_SECTOR: Final = 512
_FIRST: Final = 2048  # sector of the partition
_SPARE: Final = 4 << 20  # for the loader and the file system's own tables
_BOOT_CODE: Final = 440  # bytes of it in the first sector; the partition table is at 446
_FAT16: Final = 0x0E

_CONFIGURATION: Final = """SERIAL 0
DEFAULT linux
LABEL linux
  KERNEL vmlinuz
  INITRD initrd
  APPEND {command_line}
"""


def make(image: Path, kernel: Path, initrd: bytes, command_line: str) -> None:
    """Make a disk in QEMU's format qcow2, packed.

    Args:
        image: where.
        kernel: a bzImage.
        initrd: its file system in memory.
        command_line: its arguments.

    Raises:
        HostError: the Debian packages cannot be had.
        MissingTool: qemu-img is not installed.
        BuildError: a program fails.
    """
    tree = unpacked(*PACKAGES)
    sectors = -(-(kernel.stat().st_size + len(initrd) + _SPARE) // _SECTOR)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "initrd").write_bytes(initrd)
        (folder / "syslinux.cfg").write_text(_CONFIGURATION.format(command_line=command_line))
        raw = folder / "disk"
        boot_code = (tree / "usr/lib/syslinux/mbr/mbr.bin").read_bytes()[:_BOOT_CODE]
        entry = struct.pack("<B3sB3sII", 0x80, bytes(3), _FAT16, bytes(3), _FIRST, sectors)
        with raw.open("wb") as file:
            file.write(boot_code.ljust(446, b"\0") + entry.ljust(64, b"\0") + b"\x55\xaa")
            file.truncate((_FIRST + sectors) * _SECTOR)
        partition = f"{raw}@@{_FIRST * _SECTOR}"
        for command in (
            [
                "mformat",
                "-i",
                partition,
                "-T",
                str(sectors),
                "-h",
                "255",
                "-s",
                "63",
                "-H",
                str(_FIRST),
                "::",
            ],
            ["mcopy", "-i", partition, str(kernel), "::vmlinuz"],
            ["mcopy", "-i", partition, str(folder / "initrd"), str(folder / "syslinux.cfg"), "::"],
            ["syslinux", "--offset", str(_FIRST * _SECTOR), "--install", str(raw)],
        ):
            _run(command, tree)
        qemuimg.convert(raw, image)


def _run(command: list[str], tree: Path) -> None:
    """Run a program of an unpacked package, which runs others of it."""
    environment = os.environ | {"PATH": f"{tree}/usr/bin:{os.environ.get('PATH', os.defpath)}", "LC_ALL": "C"}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(
            f"The disk cannot be made: {command[0]} fails.",
            next_step="Free some space, or report this.",
            evidence=[Evidence(" ".join(command), done.stdout + done.stderr)],
        )
