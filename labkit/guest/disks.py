"""Which file is which block device of a guest."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.build.domainxml import DomainDisk
from labkit.errors import HostError, UsageError
from labkit.host.disk import Disk
from labkit.host.identity import Identity

__all__ = ["Disks", "PlannedDisk", "check_plain", "check_reach", "plan_disks"]

Disks = Mapping[str, Disk | str | os.PathLike[str]]
"""Each disk or its file, by the name of its device in ``config.ml``."""


@dataclass(frozen=True)
class PlannedDisk:
    """A disk that a guest is to have.

    Attributes:
        place: where it is in the domain.
        disk: the disk, with what is to be done to it.
    """

    place: DomainDisk
    disk: Disk

    @property
    def is_plain(self) -> bool:
        """Whether it is a file and no more: nothing is to go wrong with it."""
        return not self.disk.cache and not self.disk.faults


def plan_disks(name: str, manifest: Mapping[str, Any], disks: Disks) -> tuple[PlannedDisk, ...]:
    """The disks of a guest, each at its place on the bus.

    Args:
        name: the image's, for messages.
        manifest: what :func:`labkit.guest.checks.read_manifest` gives. An image of another origin, whose devices
            nobody knows, gets its disks in the order in which they are given.
        disks: the files.

    Raises:
        UsageError: a device has no file, a file has no device, or a file cannot be a disk.
    """
    devices: Sequence[Mapping[str, str]] = manifest.get("devices", [])
    if not manifest:
        places = {device: place for place, device in enumerate(disks)}
    else:
        places = {device["name"]: place for place, device in enumerate(devices) if device["kind"] == "block"}
    _check_names(name, places, disks)
    planned = []
    seen: dict[tuple[int, int], str] = {}
    cuts = [device for device, disk in disks.items() if isinstance(disk, Disk) and disk.cut]
    if len(cuts) > 1:
        raise UsageError(
            f"A power cut is planned for more than one disk: {', '.join(cuts)}.",
            next_step="Plan it for one; it cuts the power of the whole guest.",
        )
    for device, place in places.items():
        given = disks[device]
        disk = given.again() if isinstance(given, Disk) else Disk(given)
        status = disk.path.stat()
        other = seen.setdefault((status.st_dev, status.st_ino), device)
        if other != device:
            raise UsageError(
                f"{disk.path} is given as two disks, {other} and {device}.",
                next_step="Give each device a file of its own.",
            )
        if not disk.writable and not disk.read_only:
            raise UsageError(
                f"{disk.path} cannot be written, and a guest may write to its disk {device}.",
                next_step="Allow it, by chmod u+w. Or let the guest only read it: "
                f"--read-only {device}=FILE, or labkit.Disk(FILE).as_read_only() in Python.",
            )
        stops = disk.cut is not None
        planned.append(
            PlannedDisk(DomainDisk(place, device, disk.path, read_only=disk.read_only, stops=stops), disk)
        )
    return tuple(planned)


def _check_names(name: str, places: Mapping[str, int], disks: Disks) -> None:
    known = ", ".join(places)
    for given in disks:
        if given not in places:
            raise UsageError(
                f"{name} has no block device {given}"
                + (f"; it has: {known}." if places else ": it has none at all."),
                next_step="Use the name of a device in config.ml.",
            )
    missing = [device for device in places if device not in disks]
    if missing:
        first = missing[0]
        raise UsageError(
            f"{name} needs a file for its block device {first}, and none is given.",
            next_step=f"Give a file: --disk {first}=FILE, or disks={{{first!r}: FILE}} in Python. "
            "An empty one is made by: labkit disk create FILE, or labkit.Disk.create(FILE, '1 MiB').",
        )


def check_plain(disks: Iterable[PlannedDisk], of_what: str, next_step: str) -> None:
    """Look whether disks are mere files; faults and caches are QEMU's, and belong to the process that booted.

    Args:
        disks: the disks.
        of_what: which guest cannot have others, in words.
        next_step: what to do if one is not.

    Raises:
        UsageError: one is not.
    """
    for planned in disks:
        if not planned.is_plain:
            raise UsageError(
                f"{planned.disk.name} has faults or a cache, and so cannot be a disk {of_what}.",
                next_step=next_step,
            )


def check_reach(disks: Iterable[DomainDisk], who: Identity) -> None:
    """Look whether QEMU will be able to open the files, where it does not run as we do.

    Raises:
        HostError: it will not.
    """
    if who.sees_all_files:
        return
    for disk in disks:
        wanted = 0o4 if disk.read_only else 0o6
        open_to_all = disk.path.stat().st_mode & wanted == wanted and all(
            folder.stat().st_mode & 0o1 for folder in disk.path.parents
        )
        if not open_to_all:
            raise HostError(
                f"Guests run {who.manner.value} on this machine, and may not open {disk.path}.",
                next_step="Put the file into a folder that everybody may enter, and let everybody "
                f"{'read' if disk.read_only else 'read and write'} it; or run labkit as an ordinary user.",
            )
