"""Starting a guest on another machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Interface
from typing import Final

from labkit.build import solo5
from labkit.build.arguments import quote
from labkit.build.image import Image
from labkit.errors import UsageError
from labkit.guest.checks import check_image, check_limits, check_memory, read_manifest
from labkit.guest.disks import Disks, check_plain, plan_disks
from labkit.guest.guest import Guest
from labkit.guest.network.forward import check_forwards
from labkit.guest.network.plan import plan_networks
from labkit.guest.remote.driver import RemotePlan
from labkit.guest.remote.guest import RemoteGuest
from labkit.host.remote import RemoteHost

__all__ = ["boot_remote"]

_ADDRESS: Final = "--ipv4="


def boot_remote(
    image: Image,
    host: RemoteHost,
    *,
    memory: int | None = None,
    arguments: Sequence[str] = (),
    disks: Disks | None = None,
    forward: Mapping[int, int] | None = None,
    timeout: float | None = None,
    output_limit: int | None = None,
    closes_host: bool = False,
) -> Guest:
    """Start a unikernel on another machine; not a byte of its console is lost.

    It ends with the process that called and with the connection, however these end, and nothing is left of it
    there. What it wrote to its disks is brought back when it has ended; not if the connection was cut. Emits the
    step ``boot``.

    Args:
        image: what to start, built for what runs there: ``virtio`` for libvirt with QEMU, ``xen`` for Xen.
        host: the machine, which has been asked what it can do.
        memory: its memory, in MiB; ``LABKIT_MEMORY`` unless given.
        arguments: the words after the program's name.
        disks: each block device's disk or its file, by its name in ``config.ml``; copied there.
        forward: ports of this machine, on 127.0.0.1, that lead to the guest's first network by the connection.
        timeout: the longest it may run, in seconds; then it is stopped.
        output_limit: the most bytes it may print; then it is stopped.
        closes_host: close the host when the guest has ended; else it stays yours to close.

    Raises:
        ImageError: the file cannot be booted.
        UsageError: an argument of this call cannot be taken, or the image is for another target.
        SshError: the machine cannot be reached.
        HostError: it cannot start the guest.
    """
    check_limits(timeout, output_limit)
    path = image.path.absolute()
    command_line = quote(arguments)
    manifest = read_manifest(path)
    planned = plan_disks(image.name, manifest, disks or {})
    check_plain(
        planned, "of a guest on another machine", "Boot the guest here, or give it the disk as it is."
    )
    networks, _ = plan_networks(image.name, manifest, None)
    check_forwards(image.name, networks[:1], forward or {})
    _check_target(image, host)
    needed = check_image(path)
    memory_mib = host.settings.memory_mib if memory is None else memory
    check_memory(memory_mib, needed, image.name)
    plan = RemotePlan(
        path,
        image.name,
        manifest,
        memory_mib,
        command_line,
        address=_address(arguments),
        timeout=timeout,
        output_limit=output_limit,
        console_bytes=host.settings.console_bytes,
        disks=planned,
        networks=networks,
        forwards=forward or {},
    )
    guest = RemoteGuest(plan, host, closes_host=closes_host)
    guest.start()
    return guest


def _check_target(image: Image, host: RemoteHost) -> None:
    if image.manifest.abi == solo5.ABI:
        raise UsageError(
            f"{image.name} is an image of upstream's for Solo5, and labkit runs those on this machine only.",
            next_step="Leave out the host, or build it with the toolchain offline.",
        )
    if image.manifest.target != host.target:
        raise UsageError(
            f"{image.name} was built for the target {image.manifest.target}, and {host.name} runs guests by "
            f"{host.manager}, of the target {host.target}.",
            next_step=f"Build it for {host.target} (--target {host.target}), or leave out the target.",
        )


def _address(arguments: Sequence[str]) -> IPv4Address | None:
    """The address that a unikernel's arguments give it."""
    for word in arguments:
        if word.startswith(_ADDRESS):
            try:
                return IPv4Interface(word.removeprefix(_ADDRESS)).ip
            except ValueError:
                return None
    return None
