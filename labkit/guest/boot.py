"""Starting a guest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from labkit.build.arguments import quote
from labkit.errors import UsageError
from labkit.guest.checks import Bootable, check_image, check_limits, check_memory, read_manifest
from labkit.guest.disks import Disks, PlannedDisk, check_plain, check_reach, plan_disks
from labkit.guest.guest import Guest
from labkit.guest.network.forward import check_forwards
from labkit.guest.network.plan import Networks, plan_networks
from labkit.guest.owned import OwnedGuest, Plan
from labkit.guest.process import ProcessGuest, ProcessPlan
from labkit.guest.registry import gc, sweep_folders
from labkit.guest.tender import Taps, find_tender, plan_taps
from labkit.host.connection import Host, open_host
from labkit.host.identity import Identity
from labkit.host.probe import proven
from labkit.host.qemu import find_qemu
from labkit.settings import Settings, settings

__all__ = ["boot", "boot_process", "boot_tended", "hypervisor"]


def boot(
    image: Bootable,
    *,
    memory: int | None = None,
    arguments: Sequence[str] = (),
    disks: Disks | None = None,
    network: Networks | None = None,
    forward: Mapping[int, int] | None = None,
    capture: bool = False,
    stay: bool = False,
    timeout: float | None = None,
    output_limit: int | None = None,
    host: Host | None = None,
) -> Guest:
    """Start a unikernel. It runs when this returns; not a byte of its console is lost.

    It ends with the process that called, however that ends, unless it is to stay. Emits the step ``boot``.

    Args:
        image: what to start.
        memory: its memory, in MiB; ``LABKIT_MEMORY`` unless given.
        arguments: the words after the program's name.
        disks: each block device's disk or its file, by its name in ``config.ml``. A file that cannot be written
            makes a disk that can only be read. The guest has them to itself until it ends.
        network: a wire for its network device, or wires by the devices' names; a device without
            one gets a network of its own, with this machine as its gateway and DHCP server.
        forward: ports of this machine, on 127.0.0.1, that lead to the guest's first network: ``{8080: 80}`` leads
            8080 to its 80; 0 is for one that the system chooses.
        capture: capture its frames from the first one on; ``guest.network.captured`` has them.
        stay: hand it to a keeper process, so that it outlives this one.
        timeout: the longest it may run, in seconds; then it is stopped.
        output_limit: the most bytes it may print; then it is stopped.
        host: where to run it; a place of its own unless given. It stays yours to close.

    Raises:
        ImageError: the file cannot be booted.
        UsageError: an argument of this call, or a setting, cannot be taken.
        HostError: the place where guests run does not work.
        MissingTool: something that is needed is not installed.
    """
    found = host.settings if host else settings()
    check_limits(timeout, output_limit)
    path = image.path.absolute()
    memory_mib = found.memory_mib if memory is None else memory
    check_memory(memory_mib, check_image(path), image.name)
    command_line = quote(arguments)
    manifest = read_manifest(path)
    planned = plan_disks(image.name, manifest, disks or {})
    networks, wires = plan_networks(image.name, manifest, network)
    check_forwards(image.name, [net for net in networks if net.name not in wires][:1], forward or {})
    if stay:
        if wires or capture:
            raise UsageError(
                "A guest that stays outlives this process, in which wires and captures are.",
                next_step="Leave out stay, or network and capture.",
            )
        from labkit.guest.keeper import keep

        check_plain(
            planned, "of a guest that stays", "Boot the guest without stay, or give it the disk as it is."
        )
        return keep(
            path,
            image.name,
            memory_mib,
            list(arguments),
            [disk.place for disk in planned],
            networks,
            forward or {},
            timeout=timeout,
            output_limit=output_limit,
            found=found,
        )
    place = host or open_host(found)
    try:
        if place.fresh:
            gc(place)
        else:
            sweep_folders(place)
        check_reach((disk.place for disk in planned), place.identity)
        plan = Plan(
            path,
            image.name,
            memory_mib,
            command_line,
            hypervisor(found, place.identity),
            timeout=timeout,
            output_limit=output_limit,
            console_bytes=found.console_bytes,
            disks=planned,
            networks=networks,
            wires=wires,
            forwards=forward or {},
            capture=capture,
            abi=manifest.get("abi", ""),
        )
        guest = OwnedGuest(plan, place, closes_host=host is None)
    except BaseException:
        if host is None:
            place.close()
        raise
    guest.start()
    return guest


def boot_process(
    image: Bootable,
    *,
    memory: int | None = None,
    arguments: Sequence[str] = (),
    disks: Disks | None = None,
    forward: Mapping[int, int] | None = None,
    timeout: float | None = None,
    output_limit: int | None = None,
) -> Guest:
    """Start a unikernel that was built for the target unix. It ends with the process that called.

    Emits the step ``boot``.

    Args:
        image: what to start.
        memory: the most memory of its own that it may have, in MiB; ``LABKIT_MEMORY`` unless given.
        arguments: the words after the program's name.
        disks: as for :func:`boot`.
        forward: as for :func:`boot`; the process listens on these ports in the place of its own.
        timeout: the longest it may run, in seconds; then it is killed.
        output_limit: the most bytes it may print; then it is killed.

    Raises:
        UsageError: an argument of this call, or a setting, cannot be taken.
        HostError: this machine cannot start it.
    """
    found = settings()
    check_limits(timeout, output_limit)
    path = image.path.absolute()
    memory_mib = found.memory_mib if memory is None else memory
    check_memory(memory_mib, 0, image.name)
    line = quote(arguments)  # what a kernel's command line cannot hold is refused for every target
    manifest = read_manifest(path)
    planned = plan_disks(image.name, manifest, disks or {})
    sockets = [device["name"] for device in manifest.get("devices", []) if device["kind"] == "sockets"]
    check_forwards(image.name, sockets, forward or {})
    _check_files(planned)
    # Upstream's programs join their arguments, and read the line as a kernel does.
    joins = manifest.get("toolchain", {}).get("name") == "opam"
    plan = ProcessPlan(
        path,
        image.name,
        memory_mib,
        (line,) if joins and line else tuple(arguments),
        timeout=timeout,
        output_limit=output_limit,
        console_bytes=found.console_bytes,
        disks=planned,
        network=next(iter(sockets), None),
        forwards=forward or {},
    )
    return _start(plan, found)


def boot_tended(
    image: Bootable,
    target: str,
    *,
    memory: int | None = None,
    arguments: Sequence[str] = (),
    disks: Disks | None = None,
    taps: Taps | str | None = None,
    timeout: float | None = None,
    output_limit: int | None = None,
) -> Guest:
    """Start a Solo5 image of the target spt or hvt by its tender. It ends with the process that called.

    Emits the step ``boot``.

    Args:
        image: what to start.
        target: which of the two it was built for.
        memory: its memory, in MiB; ``LABKIT_MEMORY`` unless given.
        arguments: the words after the program's name.
        disks: as for :func:`boot`.
        taps: a TAP interface of this machine for its network device, or several by the devices' names.
        timeout: the longest it may run, in seconds; then it is killed.
        output_limit: the most bytes it may print; then it is killed.

    Raises:
        ImageError: the file is no such image, is damaged, or speaks another version of the ABI.
        UsageError: an argument of this call, or a setting, cannot be taken.
        MissingTool: the tender is not installed.
        HostError: this machine cannot start it.
    """
    found = settings()
    check_limits(timeout, output_limit)
    path = image.path.absolute()
    memory_mib = found.memory_mib if memory is None else memory
    check_memory(memory_mib, check_image(path, target), image.name)
    line = quote(arguments)
    manifest = read_manifest(path)
    planned = plan_disks(image.name, manifest, disks or {})
    _check_files(planned)
    networks = plan_taps(image.name, manifest, taps)
    tender = find_tender(target)
    tender.check(path)
    plan = ProcessPlan(
        path,
        image.name,
        memory_mib,
        (line,) if line else (),
        timeout=timeout,
        output_limit=output_limit,
        console_bytes=found.console_bytes,
        disks=planned,
        tender=tender.command(memory_mib, planned, networks),
    )
    return _start(plan, found)


def _check_files(planned: Sequence[PlannedDisk]) -> None:
    """Look whether a process can have these disks.

    Raises:
        UsageError: it cannot.
    """
    check_plain(planned, "of a process", "Build the image for virtio, or give it the disk as it is.")
    for disk in planned:
        if disk.disk.read_only:
            raise UsageError(
                f"{disk.disk.name} is to be read only, and a process may write what its user may.",
                next_step="Build the image for virtio, or give it the disk to write.",
            )


def _start(plan: ProcessPlan, found: Settings) -> Guest:
    folder = found.run_folder() / "g"
    folder.mkdir(mode=0o700, exist_ok=True)
    guest = ProcessGuest(plan, folder)
    guest.start()
    return guest


def hypervisor(found: Settings, who: Identity) -> Literal["kvm", "qemu"]:
    """What guests run on: KVM where it is proven, else emulation.

    Raises:
        MissingTool: QEMU is not installed.
    """
    return "kvm" if proven(found, find_qemu(), who).proven else "qemu"
