"""Images of other origins: a file that the student has, and what can be known of it before it is booted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from labkit.build.linux import qemuimg
from labkit.build.linux.image import LinuxImage
from labkit.build.linux.profiles import PROFILES, Profile, profile_named, recognised
from labkit.build.manifest import Device, Manifest, ToolchainInfo
from labkit.errors import ImageError, UsageError

__all__ = ["is_disk", "load_foreign"]

_QCOW2: Final = b"QFI\xfb"
_BOOTS: Final = b"\x55\xaa"  # at the end of a boot sector
_BOOT_CODE: Final = 440
_ARM64_KERNEL: Final = (56, b"ARM\x64")  # Linux's Documentation/arm64/booting.rst
_OTHERS: Final = re.compile(
    r"(?<![a-z0-9])(aarch64|arm64|armhf|armv7\w*|arm|ppc64\w*|powerpc|riscv64|s390x|i[3-6]86)(?![a-z0-9])"
)
_DISKS: Final = (".img", ".qcow2", ".raw")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9.-]+")


def is_disk(path: Path) -> bool:
    """Whether a file is a disk to boot from, and no program."""
    try:
        with path.open("rb") as file:
            first = file.read(512)
    except OSError:
        return False
    return first.startswith(_QCOW2) or (path.suffix in _DISKS and first.endswith(_BOOTS))


def load_foreign(path: Path, profile: str | None = None) -> LinuxImage:
    """Take a file of another origin as an image.

    Args:
        path: a disk.
        profile: what it is; told by its name unless given.

    Raises:
        UsageError: nobody knows what it is, or there is no such profile.
        ImageError: there is no such file, it is not what the profile is for, or it is for another kind of machine.
        MissingTool: qemu-img is not installed.
    """
    place = path.expanduser().resolve()
    if not place.is_file():
        raise ImageError(f"There is no image file {path}.", next_step="Check the path.")
    chosen = profile_named(profile) if profile else _told_by_name(place)
    if other := _OTHERS.search(place.name.lower()):
        raise _for_another(place, other[1])
    name = (_NOT_IN_A_NAME.sub("-", place.stem).strip("-.") or "image")[:40]
    device = Device("service", "network")
    told = qemuimg.info(place)
    if told["format"] not in ("qcow2", "raw"):
        raise ImageError(
            f"{place} is a disk of the format {told['format']}.",
            next_step=f"Convert it: qemu-img convert -O qcow2 {place.name} {name}.qcow2",
        )
    _check_boots(place, qemuimg.first_sector(place, told["format"]))
    manifest = Manifest(name, "qcow2", ToolchainInfo(chosen.name), devices=(device,))
    return LinuxImage(place, manifest, profile=chosen, disk=place, disk_format=told["format"])


def _told_by_name(path: Path) -> Profile:
    found = recognised(path)
    if found is None:
        rows = "\n".join(f"  {profile.name:<13} {profile.what}: {profile.file}" for profile in PROFILES)
        raise UsageError(
            f"{path.name} is a disk, and its name does not tell what is on it.",
            next_step=f"Say so with --profile NAME, or profile= in Python. The profiles:\n{rows}",
        )
    return found


def _check_boots(path: Path, sector: bytes) -> None:
    """Look at the first sector of a disk, where a PC's firmware finds the boot loader."""
    at, magic = _ARM64_KERNEL
    if sector.startswith(magic, at):
        raise _for_another(path, "arm64")
    if not sector.endswith(_BOOTS):
        raise ImageError(
            f"{path} does not boot: its first sector is no boot sector.",
            next_step="Take the image for x86-64 that is a whole disk, not a single partition or a file system.",
        )
    if not any(sector[:_BOOT_CODE]):
        raise ImageError(
            f"{path} has no boot code for a PC's BIOS: it is for another architecture, or for UEFI only.",
            next_step="Take the image for x86-64 with BIOS; download pages call it amd64 or x86_64.",
        )


def _for_another(path: Path, architecture: str) -> ImageError:
    return ImageError(
        f"{path} is for another architecture: {architecture}, not x86-64.",
        next_step="Take the image for x86-64; download pages call it amd64 or x86_64.",
    )
