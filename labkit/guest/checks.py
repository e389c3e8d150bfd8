"""What can be known to be wrong before anything is started."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, Final, Protocol

from labkit.build import elf, solo5
from labkit.build.domainxml import MOST_DEVICES
from labkit.build.manifest import SECTION, Manifest
from labkit.errors import ImageError, UsageError

__all__ = ["Bootable", "check_image", "check_limits", "check_memory", "read_manifest"]

LEAST_MEMORY_MIB: Final = 2
MOST_MEMORY_MIB: Final = 1 << 20
_MIB: Final = 1 << 20


class Bootable(Protocol):
    """What can be booted; :class:`labkit.build.image.Image` is."""

    @property
    def path(self) -> Path:
        """The image file."""
        ...

    @property
    def name(self) -> str:
        """What its guests are named for."""
        ...


def check_image(path: Path, target: str = "virtio") -> int:
    """Look whether a file can be booted; returns the memory that it fills when loaded, in MiB.

    Args:
        path: the file.
        target: whether as a domain (``virtio``), or by which of Solo5's tenders (``spt``, ``hvt``).

    Raises:
        ImageError: it is missing, damaged, for another machine or target, or cannot be loaded.
    """
    if path.is_dir():
        raise ImageError(
            f"{path} is a folder, not an image file.",
            next_step="Build the folder first, then boot the image.",
        )
    manifest = solo5.manifest_of(path, "image")
    found = manifest.target if manifest else None
    if found not in {target, None} or (found is None and target != "virtio"):
        raise ImageError(
            f"{path} is {f'a Solo5 image for the target {found}' if found else 'no Solo5 image'}, and cannot be "
            f"started as one for {target}.",
            next_step=f"Build it for {target}, or start it as what it is: `labkit run {path.name}`.",
        )
    if manifest and found == "virtio":
        solo5.check_multiboot(path)
        if len(manifest.devices) > MOST_DEVICES:
            raise ImageError(
                f"{path} asks for {len(manifest.devices)} devices; a domain has room for {MOST_DEVICES}.",
                next_step="Take an image that needs fewer, or build it for spt.",
            )
    elif found is None and not elf.has_pvh_entry(path):
        raise ImageError(
            f"{path} is an ELF file, but has no PVH entry (an ELF note of Xen's, type 18) to start it by.",
            next_step="Boot an image that was built for the target virtio.",
        )
    with elf.opened(path) as image:
        parts = [part for part in image.iter_segments() if part["p_type"] == "PT_LOAD" and part["p_memsz"]]
        if not parts:
            raise ImageError(
                f"{path} has nothing to load into memory.",
                next_step="Build the image again; this file is damaged.",
            )
        end: int = max(part["p_paddr"] + part["p_memsz"] for part in parts)
    return math.ceil(end / _MIB)


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest in an image file, or what Solo5's notes say; empty for an image of another origin.

    Raises:
        ImageError: the file, or the manifest in it, is damaged.
    """
    content = elf.section(path, SECTION)
    if content is not None:
        manifest = Manifest.from_json(content, origin=f"The manifest in {path}")
    elif (told := solo5.manifest_of(path, "image")) is not None:
        manifest = told
    else:
        return {}
    return {
        "name": manifest.name,
        "toolchain": {"name": manifest.toolchain.name},
        "devices": [vars(device) for device in manifest.devices],
        "abi": manifest.abi,
    }


def check_memory(memory_mib: int, image_mib: int, name: str) -> None:
    """Look whether a guest's memory can hold its image, and this machine the guest.

    Raises:
        UsageError: it cannot.
    """
    least = max(LEAST_MEMORY_MIB, image_mib + 1)
    if memory_mib < least:
        raise UsageError(
            f"{memory_mib} MiB of memory is too small for {name}: the image alone needs {least} MiB.",
            next_step=f"Give it at least {least} MiB, better 16 MiB more than that.",
        )
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _MIB
    if memory_mib > min(physical, MOST_MEMORY_MIB):
        raise UsageError(
            f"{memory_mib} MiB of memory is more than this machine has ({physical} MiB).",
            next_step="Give the guest less.",
        )


def check_limits(timeout: float | None, output_limit: int | None) -> None:
    """Look whether limits make sense.

    Raises:
        UsageError: they do not.
    """
    if timeout is not None and not 0 < timeout < math.inf:
        raise UsageError(
            f"A time limit of {timeout} s makes no sense.",
            next_step="Give a number of seconds above 0, or none.",
        )
    if output_limit is not None and output_limit < 1:
        raise UsageError(
            f"An output limit of {output_limit} bytes makes no sense.",
            next_step="Give a number of bytes above 0, or none.",
        )
