"""The libvirt domain of a Linux guest, or of another that is no unikernel of the lab's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from labkit.build.domainxml import Boot, DomainDisk, domain_xml
from labkit.build.linux.image import LinuxImage

__all__ = ["NETWORK_PLACE", "OTHERS_PLACE", "linux_domain_xml"]

ROOT_PLACE: Final = 0
SEED_PLACE: Final = 1
NETWORK_PLACE: Final = 2
OTHERS_PLACE: Final = 3
"""Where on the bus disks begin that are neither what it boots from nor its seed. Linux names disks in order."""


def linux_domain_xml(
    image: LinuxImage,
    *,
    disk: Path | None = None,
    seed: Path | None = None,
    firmware_files: Mapping[str, Path] | None = None,
    command_line: str = "",
    disks: Sequence[DomainDisk] = (),
    **more: Any,
) -> str:
    """The domain that runs a Linux image; see :func:`labkit.build.domainxml.domain_xml`.

    Args:
        image: the image.
        disk: an overlay of its disk, which takes what is written; the disk itself unless given.
        seed: a disk with its cloud-init data.
        firmware_files: files in its firmware's configuration device, by name.
        command_line: more arguments of its kernel.
        disks: its other disks.
        more: what else ``domain_xml`` takes.
    """
    profile = image.profile
    own = []
    if image.disk is not None:
        overlaid = (
            {"path": disk, "format": "qcow2"} if disk else {"path": image.disk, "format": image.disk_format}
        )
        own.append(
            DomainDisk(
                ROOT_PLACE,
                "root",
                last=True,
                boots=True,
                **overlaid,  # type: ignore[arg-type]
            )
        )
    if seed is not None:
        own.append(DomainDisk(SEED_PLACE, "seed", seed, read_only=True, last=True))
    kind = "a Linux guest" if profile.seed != "none" else profile.what
    boot = Boot(kind, image.initrd, image.disk is not None, firmware_files=firmware_files or {})
    manifest = {"name": image.name, "toolchain": {"name": image.toolchain.name}}
    return domain_xml(
        manifest,
        image.path,
        command_line=" ".join(word for word in (image.command_line, command_line) if word),
        disks=[*disks, *own],
        boot=boot,
        **more,
    )
