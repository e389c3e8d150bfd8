"""Which guests there are, and the removal of those whose owners have gone."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from labkit import events
from labkit.errors import UsageError
from labkit.guest.ownership import Owner, Ownership
from labkit.host.connection import Host, borrowed
from labkit.host.loop import libvirt

if TYPE_CHECKING:
    import libvirt as libvirt_module

__all__ = [
    "Collected",
    "GuestInfo",
    "await_release",
    "destroy_guest",
    "find_guest",
    "gc",
    "list_guests",
    "sweep_folders",
]

RELEASE_SECONDS: Final = 3.0

_FOLDER = re.compile(r"(\d+)-(\d+)-p?\d+")


@dataclass(frozen=True)
class GuestInfo:
    """A guest as anybody on its machine sees it.

    Attributes:
        name: its name.
        state: libvirt's word: ``running``, ``paused``, ``shutdown``, ``crashed``.
        ownership: what is written on its domain.
        folder: its run folder, with its sockets.
        memory_mib: its memory, in MiB.
        macs: the hardware addresses of its network interfaces.
        orphaned: whether the process that owned it has gone; ``gc`` removes it.
    """

    name: str
    state: str
    ownership: Ownership
    folder: Path
    memory_mib: int
    macs: tuple[str, ...]
    orphaned: bool


@dataclass(frozen=True)
class Collected:
    """What :func:`gc` removed.

    Attributes:
        guests: names of guests.
        folders: run folders.
    """

    guests: tuple[str, ...]
    folders: tuple[Path, ...]


def list_guests(host: Host | None = None) -> list[GuestInfo]:
    """The lab's guests that exist now, whoever started them, by name.

    Raises:
        HostError: libvirt does not work.
    """
    with borrowed(host) as place:
        return sorted((info for _, info in _guests(place)), key=lambda info: info.name)


def find_guest(name: str, host: Host | None = None) -> GuestInfo:
    """The guest of this name, or the only one whose name begins so.

    Raises:
        UsageError: there is none, or more than one.
        HostError: libvirt does not work.
    """
    guests = list_guests(host)
    found = [info for info in guests if info.name == name] or [
        info for info in guests if info.name.startswith(name)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{len(found)} guests have names that begin with {name!r}.",
            next_step="Name one of them in full: " + ", ".join(info.name for info in found) + ".",
        )
    names = ", ".join(info.name for info in guests)
    raise UsageError(
        f"No guest is named {name!r}.",
        next_step=f"These run: {names}." if names else "No guest runs; start one with `labkit run`.",
    )


def gc(host: Host | None = None) -> Collected:
    """Remove guests and run folders whose owners have gone; nothing that belongs to a living process or to others.

    Emits the step ``gc``.

    Raises:
        HostError: libvirt does not work, or does not remove a guest.
    """
    module = libvirt()
    with events.step("gc", "guests") as step, borrowed(host) as place:
        removed = []
        for domain, info in _guests(place):
            if not info.orphaned:
                continue
            try:
                domain.destroy()
            except module.libvirtError as error:
                if error.get_error_code() not in (module.VIR_ERR_NO_DOMAIN, module.VIR_ERR_OPERATION_INVALID):
                    raise place.trouble(f"{info.name} cannot be removed.", error) from error
            removed.append(info.name)
            step.progress(f"removed {info.name}")
        folders = sweep_folders(place)
        return Collected(tuple(removed), tuple(folders))


def sweep_folders(host: Host) -> list[Path]:
    """Remove the run folders of processes that have gone; cheap, asks no libvirt."""
    removed = []
    for folder in host.folder.iterdir():
        match = _FOLDER.fullmatch(folder.name)
        if match and not Owner(int(match[1]), int(match[2])).alive:
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
    return removed


def await_release(folder: Path, limit: float = RELEASE_SECONDS) -> None:
    """Wait until the owner of an ended guest has let go of its disks: it removes the guest's folder after that.

    Args:
        folder: the guest's run folder.
        limit: the longest wait, in seconds.
    """
    deadline = time.monotonic() + limit
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.005)  # another process does it, and there is no event of it


def destroy_guest(name: str, host: Host | None = None) -> None:
    """Have libvirt remove a guest, whoever owns it; its owner sees it end.

    Raises:
        HostError: libvirt does not.
    """
    module = libvirt()
    with borrowed(host) as place:
        try:
            place.connection.lookupByName(name).destroy()
        except module.libvirtError as error:
            if error.get_error_code() not in (module.VIR_ERR_NO_DOMAIN, module.VIR_ERR_OPERATION_INVALID):
                raise place.trouble(f"{name} cannot be stopped.", error) from error


def _guests(host: Host) -> list[tuple[libvirt_module.virDomain, GuestInfo]]:
    module = libvirt()
    try:
        domains = host.connection.listAllDomains()
    except module.libvirtError as error:
        raise host.trouble("libvirt does not list its guests.", error) from error
    found = []
    for domain in domains:
        with contextlib.suppress(module.libvirtError):  # one that ends just now
            if (info := _info(domain)) is not None:
                found.append((domain, info))
    return found


def _info(domain: libvirt_module.virDomain) -> GuestInfo | None:
    """What is known of a domain; None if it is none of the lab's."""
    module = libvirt()
    xml = domain.XMLDesc()
    ownership = Ownership.of_domain(xml)
    if ownership is None:
        return None
    states = {
        module.VIR_DOMAIN_RUNNING: "running",
        module.VIR_DOMAIN_PAUSED: "paused",
        module.VIR_DOMAIN_SHUTDOWN: "shutdown",
        module.VIR_DOMAIN_SHUTOFF: "shutdown",
        module.VIR_DOMAIN_CRASHED: "crashed",
    }
    domain_xml = ET.fromstring(xml)  # noqa: S314  from libvirt
    source = domain_xml.find("devices/serial/source[@path]")
    return GuestInfo(
        name=domain.name(),
        state=states.get(domain.state()[0], "running"),
        ownership=ownership,
        folder=Path(source.get("path", "")).parent if source is not None else Path(),
        memory_mib=domain.maxMemory() // 1024,
        macs=tuple(mac.get("address", "") for mac in domain_xml.findall("devices/interface/mac")),
        orphaned=ownership.host == socket.gethostname() and not ownership.owner.alive,
    )
