"""``labkit run``."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labkit.build.builder import build
from labkit.build.image import Image
from labkit.build.linux.image import LinuxImage
from labkit.cli import options
from labkit.cli.output import say
from labkit.cli.reach import look_in_background
from labkit.cli.terminal import follow
from labkit.errors import UsageError
from labkit.guest.tender import TENDED
from labkit.host.disk import Disk
from labkit.verbs import boot

if TYPE_CHECKING:
    from labkit.host.remote import RemoteHost

__all__ = ["run", "status_of"]

_TIMED_OUT = 124
_KILLED = 137  # as a shell shows a program ended by SIGKILL


@click.command
@options.image
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGS…]")
@options.target
@options.toolchain
@click.option(
    "--host",
    metavar="HOST",
    help="Where to run it: ssh://USER@SERVER[:PORT], qemu+ssh://… or xen+ssh://… where libvirt or Xen is meant, "
    "or xen or kvm, the lab's own hosts.  [default: this machine]",
)
@click.option("--disk", multiple=True, metavar="[NAME=]FILE", help="A disk for a block device of the image.")
@click.option(
    "--read-only", multiple=True, metavar="[NAME=]FILE", help="The same; the guest can only read it."
)
@click.option(
    "--forward",
    multiple=True,
    metavar="HOST:GUEST",
    help="Lead a port of this machine, on 127.0.0.1, to one of the guest; 0 lets the system choose.",
)
@click.option(
    "--tap",
    multiple=True,
    metavar="[NAME=]TAP",
    help="A TAP interface for a network device of an image for spt or hvt.",
)
@click.option("--memory", "-m", type=int, metavar="MB", help="The guest's memory, in MiB.  [default: 32]")
@click.option(
    "--timeout", type=float, metavar="S", help="Stop the guest after so many seconds, and end with 124."
)
@click.option("--profile", metavar="NAME", help="What an image of another origin is: cirros, alpine, …")
@click.option("--user-data", metavar="FILE", help="For Linux: a script or #cloud-config for its first boot.")
@click.option("--host-name", metavar="NAME", help="For Linux: its name.")
@click.option("--seed", metavar="FILE", help="For Linux: a NoCloud seed of your own, a CD image.")
@click.option("--stay", is_flag=True, help="Let the guest outlive this command: print its name and end.")
@options.verbose
def run(
    image: str,
    arguments: tuple[str, ...],
    target: str,
    toolchain: str | None,
    host: str | None,
    disk: tuple[str, ...],
    read_only: tuple[str, ...],
    forward: tuple[str, ...],
    tap: tuple[str, ...],
    memory: int | None,
    timeout: float | None,
    profile: str | None,
    user_data: str | None,
    host_name: str | None,
    seed: str | None,
    stay: bool,
) -> int:
    """Build and boot an image.

    IMAGE may be Linux too: a folder with an image.toml, or a disk that boots by itself, which is never written.

    The guest's console is standard output and standard input; its exit status is this command's. 124 is a
    time-out, 125 a failure of labkit's own. What follows -- goes to the guest.
    """
    with ExitStack() as places:
        place = None if host in {None, "local"} else places.enter_context(_place(str(host)))
        built = build(image, _target(target, place), toolchain=toolchain, profile=profile)
        forwards = _forwards(built, forward)
        guest = boot(
            built,
            memory=memory,
            arguments=arguments,
            disks=_disks(built, disk, read_only),
            network=_taps(built, tap),
            forward=forwards,
            stay=stay,
            timeout=timeout,
            user_data=Path(user_data) if user_data else None,
            host_name=host_name,
            seed=seed,
            host=place,
        )
        if stay:
            guest.close()
            say(guest.name)
            return 0
        places.enter_context(guest)
        for leads in [led for net in guest.networks.values() for led in net.forwards]:
            if leads.host_port not in forwards:  # the system has chosen it
                print(f"labkit: {leads.url} leads to the guest's port {leads.guest_port}", file=sys.stderr)
        look_in_background(guest)
        ending = follow(guest)
    return status_of(guest.name, ending.status, ending.reason.value, ending.detail)


def _place(host: str) -> RemoteHost:
    from labkit.host.remote import open_remote

    return open_remote(host)


def _target(given: str, place: RemoteHost | None) -> str:
    """The target to build for: what the host runs, unless the command line names one."""
    source = click.get_current_context().get_parameter_source("target")
    return given if place is None or source is not click.core.ParameterSource.DEFAULT else place.target


def status_of(name: str, status: int | None, reason: str, detail: str) -> int:
    """The exit status that tells of a guest's ending; what its console cannot have told is said on standard error.

    Args:
        name: the guest's.
        status: its own status, or None if it was ended from outside.
        reason: why it ended, as in :class:`labkit.guest.Reason`.
        detail: the same in a sentence.
    """
    if reason != "exit":
        print(f"labkit: {name} {detail}", file=sys.stderr)
    if status is not None:
        return status
    return _TIMED_OUT if reason == "time limit" else _KILLED


def _forwards(image: Image, given: tuple[str, ...]) -> dict[int, int]:
    """The guest's port by this machine's."""
    if given and all(device.kind not in ("network", "sockets") for device in image.manifest.devices):
        raise UsageError(
            f"--forward {given[0]} is for a network device, and {image.name} has none.",
            next_step="Leave out --forward, or give the unikernel such a device in config.ml.",
        )
    forwards: dict[int, int] = {}
    for text in given:
        host, colon, guest = text.partition(":")
        if not (colon and host.isdecimal() and guest.isdecimal()):
            raise UsageError(
                f"--forward {text} is not a port of this machine and one of the guest.",
                next_step="Write --forward HOST:GUEST, such as --forward 8080:80.",
            )
        if int(host) in forwards:
            raise UsageError(
                f"--forward gives port {host} of this machine twice.", next_step="Give each forward its own."
            )
        forwards[int(host)] = int(guest)
    return forwards


def _taps(image: Image, given: tuple[str, ...]) -> dict[str, str] | None:
    """The TAP interfaces, by the names of devices. The name may be left out where there is but one."""
    if not given:
        return None
    if image.manifest.target not in TENDED:
        raise UsageError(
            f"--tap {given[0]} is for images of the targets {' and '.join(TENDED)}, and {image.name} was built "
            f"for {image.target}.",
            next_step="Leave out --tap: such an image has a network of its own. --forward leads to it.",
        )
    names = [device.name for device in image.manifest.devices if device.kind == "network"]
    taps: dict[str, str] = {}
    for text in given:
        name, equals, tap = text.rpartition("=")
        if not equals and len(names) != 1:
            raise UsageError(
                f"--tap {text} does not say for which network device of {image.name} it is: "
                f"it has {', '.join(names) or 'none'}.",
                next_step=f"Write --tap {names[0] if names else 'NAME'}=TAP.",
            )
        name = name or names[0]
        if name in taps:
            raise UsageError(
                f"{name} is given two TAP interfaces: {taps[name]} and {tap}.",
                next_step="Give each device one.",
            )
        taps[name] = tap
    return taps


def _disks(image: Image, given: tuple[str, ...], read_only: tuple[str, ...]) -> dict[str, Disk | str]:
    """The disks, by name. The name may be left out where there is but one."""
    names = [device.name for device in image.manifest.devices if device.kind == "block"]
    disks: dict[str, Disk | str] = {}
    options = [("--disk", text) for text in given] + [("--read-only", text) for text in read_only]
    if isinstance(image, LinuxImage):  # it takes what it is given, under any names
        names = [text.partition("=")[0] if "=" in text else "disk" for _, text in options]
    for option, text in options:
        if not names:
            raise UsageError(
                f"{option} {text} is for a block device, and {image.name} has none.",
                next_step=f"Leave out {option}, or give the unikernel such a device in config.ml.",
            )
        name, equals, file = text.partition("=")
        if not equals or name not in names:  # a file's name may have a = in it
            if len(names) > 1 or (equals and not Path(text).exists()):
                known = ", ".join(names)
                raise UsageError(
                    f"{option} {text} does not begin with the name of a device of {image.name}: {known}.",
                    next_step=f"Write {option} {names[0]}=FILE.",
                )
            name, file = names[0], text
        if name in disks:
            raise UsageError(
                f"{name} is given two disks: {os.fspath(disks[name])} and {file}.",
                next_step="Give each device one file.",
            )
        disks[name] = Disk(file).as_read_only() if option == "--read-only" else file
    return disks
