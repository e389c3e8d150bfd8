"""Starting a guest that is no unikernel of the lab's."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from labkit.build.arguments import quote
from labkit.build.domainxml import domain_name
from labkit.build.linux.domain import NETWORK_PLACE, OTHERS_PLACE
from labkit.build.linux.ignition import ignition
from labkit.build.linux.image import LinuxImage
from labkit.build.linux.seed import Seed, check_seed, check_user_data
from labkit.errors import UsageError
from labkit.guest.boot import hypervisor
from labkit.guest.checks import check_limits, check_memory
from labkit.guest.disks import Disks, check_reach, plan_disks
from labkit.guest.keys import lab_key, new_key
from labkit.guest.linux import LinuxGuest
from labkit.guest.network.forward import check_forwards
from labkit.guest.network.plan import Networks, plan_networks
from labkit.guest.owned import Plan
from labkit.guest.registry import gc, sweep_folders
from labkit.host.connection import Host, open_host
from labkit.settings import settings

__all__ = ["boot_linux"]


def boot_linux(
    image: LinuxImage,
    *,
    memory: int | None = None,
    arguments: Sequence[str] = (),
    disks: Disks | None = None,
    network: Networks | None = None,
    forward: Mapping[int, int] | None = None,
    capture: bool = False,
    timeout: float | None = None,
    output_limit: int | None = None,
    user_data: str | os.PathLike[str] | None = None,
    host_name: str | None = None,
    seed: str | os.PathLike[str] | None = None,
    host: Host | None = None,
) -> LinuxGuest:
    """Start a Linux guest. It runs when this returns, and ends with the process that called.

    A disk that it boots from is never written: what the guest writes goes with it. Emits the step ``boot``.

    Args:
        image: what to start.
        memory: its memory, in MiB; what its image or profile says unless given.
        arguments: more words of its kernel's command line.
        disks: more disks for it, by names of your choice, in the order in which it finds them.
        network, forward, capture, timeout, output_limit: as for :func:`labkit.guest.boot.boot`.
        user_data: what cloud-init does at its first boot: a text that begins with ``#!`` or ``#cloud-config``, or
            a file with one. For an image of the profile flatcar: an Ignition configuration.
        host_name: its name.
        seed: a seed of your own, a CD image labelled ``cidata``, in place of labkit's. It has to have the lab's
            SSH key if ``guest.ssh`` is to be used.
        host: where to run it; a place of its own unless given. It stays yours to close.

    Raises:
        UsageError: an argument of this call, or a setting, cannot be taken.
        ImageError: the image's disk cannot be read.
        HostError: the place where guests run does not work.
        MissingTool: something that is needed is not installed.
    """
    found = host.settings if host else settings()
    check_limits(timeout, output_limit)
    memory_mib = image.profile.memory_mib if memory is None else memory
    check_memory(memory_mib, 1, image.name)
    if arguments and image.kernel is None:
        raise UsageError(
            f"{image.name} is a disk: its boot loader tells its kernel the arguments.",
            next_step="Leave out the arguments, or give user_data.",
        )
    planned = [
        replace(disk, place=replace(disk.place, place=OTHERS_PLACE + number))
        for number, disk in enumerate(plan_disks(image.name, {}, disks or {}))
    ]
    devices = [vars(device) for device in image.manifest.devices]
    networks, wires = plan_networks(image.name, {"devices": devices}, network)
    networks = tuple(replace(net, place=NETWORK_PLACE + net.number) for net in networks)
    check_forwards(image.name, [net for net in networks if net.name not in wires][:1], forward or {})
    told, own = _seed(image, user_data, host_name, seed)
    place = host or open_host(found)
    try:
        if place.fresh:
            gc(place)
        else:
            sweep_folders(place)
        check_reach((disk.place for disk in planned), place.identity)
        plan = Plan(
            image.path,
            image.name,
            memory_mib,
            quote(arguments),
            hypervisor(found, place.identity),
            timeout=timeout,
            output_limit=output_limit,
            console_bytes=found.console_bytes,
            disks=tuple(planned),
            networks=networks,
            wires=wires,
            forwards=forward or {},
            capture=capture,
        )
        guest = LinuxGuest(plan, image, told, own, place, closes_host=host is None)
    except BaseException:
        if host is None:
            place.close()
        raise
    guest.start()
    return guest


def _seed(
    image: LinuxImage,
    user_data: str | os.PathLike[str] | None,
    host_name: str | None,
    seed: str | os.PathLike[str] | None,
) -> tuple[Seed | None, Path | None]:
    """What the guest is told: a seed to be made, or one that is there."""
    profile = image.profile
    given = {"user_data": user_data, "host_name": host_name, "seed": seed}
    named = [name for name, value in given.items() if value is not None]
    if profile.seed == "none":
        if named:
            raise UsageError(
                f"{image.name} reads no seed, so {' and '.join(named)} would be told to nobody.",
                next_step="Leave it out.",
            )
        return None, None
    if seed is not None:
        if len(named) > 1:
            raise UsageError(
                "A seed of your own says all that there is to say.", next_step=f"Leave out {named[0]}."
            )
        path = Path(seed).expanduser().absolute()
        return None, check_seed(path)
    text = _text(user_data)
    if profile.seed == "nocloud":
        check_user_data(text)
    name = host_name or image.name
    if domain_name(name) != name:
        raise UsageError(
            f"{name!r} is no name for a host.", next_step="Use letters, digits and dashes, such as web-1."
        )
    _, public = lab_key(settings())
    host_key = new_key(name) if profile.host_key == "seed" else None
    told = Seed(name, f"i-{secrets.token_hex(6)}", (public,), text, host_key)
    if profile.seed == "ignition":
        ignition(told, profile.user)  # raises where the user-data are none
    return told, None


def _text(user_data: str | os.PathLike[str] | None) -> str:
    if user_data is None:
        return ""
    if isinstance(user_data, str):
        return user_data
    try:
        return Path(user_data).expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The user-data cannot be read: {error}.", next_step="Check the path.") from error
