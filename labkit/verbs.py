"""The verbs boot and run, for notebooks and the command line alike: from any way of naming an image to a guest."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from labkit.build.builder import build
from labkit.build.image import Image
from labkit.build.linux.image import LinuxImage
from labkit.errors import GuestError, UsageError

if TYPE_CHECKING:
    from labkit.guest import Exit, Guest
    from labkit.guest.disks import Disks
    from labkit.guest.network.plan import Networks
    from labkit.guest.powercut import PowerCut
    from labkit.guest.tender import Taps
    from labkit.host.remote import RemoteHost

__all__ = ["Outcome", "boot", "run"]


@dataclass(frozen=True)
class Outcome:
    """What came of running an image to its end.

    Attributes:
        exit: how the guest ended: status, reason, last words, boot stages, seconds.
        output: what it printed, as far as it was kept.
        cut: what its power cut did, if one was planned for a disk and came.
    """

    exit: Exit
    output: str
    cut: PowerCut | None = None

    @property
    def status(self) -> int | None:
        """The guest's exit status; None where it was ended from outside."""
        return self.exit.status


def boot(
    image: Image | str | os.PathLike[str],
    *,
    memory: int | None = None,
    arguments: Sequence[str] = (),
    disks: Disks | None = None,
    network: Networks | Taps | str | None = None,
    forward: Mapping[int, int] | None = None,
    capture: bool = False,
    stay: bool = False,
    timeout: float | None = None,
    output_limit: int | None = None,
    user_data: str | os.PathLike[str] | None = None,
    host_name: str | None = None,
    seed: str | os.PathLike[str] | None = None,
    profile: str | None = None,
    host: RemoteHost | str | None = None,
) -> Guest:
    """Start a unikernel or a Linux guest; build it first if a folder is given.

    Args:
        image: an image, or what :func:`labkit.build.builder.build` takes.
        memory: the guest's memory, in MiB; the settings' choice unless given.
        arguments: the words after the program's name.
        disks: each block device's disk (:class:`labkit.Disk`) or its file, by its name in ``config.ml``:
            ``{"storage": "disk.img"}``.
        network: a :class:`labkit.Wire` for its network device, or wires by the devices' names; a device without
            one gets a network of its own, with this machine as its gateway and DHCP server. For the targets spt
            and hvt a TAP interface of this machine, or several by the devices' names: ``{"service": "tap0"}``.
        forward: ports of this machine, on 127.0.0.1, that lead to the guest: ``{8080: 80}`` leads 8080 to its 80;
            0 is for one that the system chooses.
        capture: capture its frames from the first one on; ``guest.network.captured`` has them.
        stay: let it outlive this process.
        timeout: the longest it may run, in seconds; then it is stopped.
        output_limit: the most bytes it may print; then it is stopped.
        user_data: for Linux, what cloud-init does at its first boot: a text that begins with ``#!`` or
            ``#cloud-config``, or a path to a file with one.
        host_name: for Linux, its name.
        seed: for Linux, a seed of your own: see :func:`labkit.guest.bootlinux.boot_linux`.
        profile: what an image file of another origin is, such as ``cirros``; its name tells, unless given.
        host: another machine to run it on, such as ``ssh://user@server``: see
            :func:`labkit.guest.remote.boot_remote`. A folder is built for what runs there.

    Raises:
        LabError: it cannot be built or started; see :func:`labkit.build.builder.build` and
            :func:`labkit.guest.boot.boot`.
    """
    if host is not None:
        _check_remote(
            stay=stay, network=network is not None, capture=capture, seed=user_data or host_name or seed
        )
        return _boot_there(image, host, memory, arguments, disks, forward, timeout, output_limit)
    from labkit.guest import boot as start
    from labkit.guest import boot_linux, boot_process, boot_tended
    from labkit.guest.tender import TENDED

    ready = image if isinstance(image, Image) else build(image, profile=profile)
    _check_runs_here(ready)
    if isinstance(ready, LinuxImage):
        if stay:
            raise UsageError(
                f"{ready.name} is no unikernel: such a guest ends with the process that started it.",
                next_step="Leave out stay.",
            )
        with ready.held():
            return boot_linux(
                ready,
                memory=memory,
                arguments=arguments,
                disks=disks,
                network=cast("Networks | None", network),  # which it looks at
                forward=forward,
                capture=capture,
                timeout=timeout,
                output_limit=output_limit,
                user_data=user_data,
                host_name=host_name,
                seed=seed,
            )
    if user_data is not None or host_name is not None or seed is not None:
        raise UsageError(
            f"{ready.name} is a unikernel: it has no cloud-init, and nothing that a seed could set up.",
            next_step="Give it arguments instead; `--help` among them shows those that it takes.",
        )
    if ready.manifest.target == "unix":
        if stay:
            raise UsageError(
                f"{ready.name} was built for the target unix: a process ends with the one that started it.",
                next_step="Leave out --stay, or build it for virtio.",
            )
        if network is not None or capture:
            raise UsageError(
                f"{ready.name} was built for the target unix: a process has no frames of its own, only this "
                "machine's sockets.",
                next_step="Leave out network and capture, or build it for virtio.",
            )
        return boot_process(
            ready,
            memory=memory,
            arguments=arguments,
            disks=disks,
            forward=forward,
            timeout=timeout,
            output_limit=output_limit,
        )
    if ready.manifest.target in TENDED:
        if stay or forward or capture:
            raise UsageError(
                f"{ready.name} was built for the target {ready.manifest.target}: its guests cannot stay, and "
                "their networks are TAP interfaces.",
                next_step="Leave out stay, forward and capture, or build it for virtio.",
            )
        with ready.held():
            return boot_tended(
                ready,
                ready.manifest.target,
                memory=memory,
                arguments=arguments,
                disks=disks,
                taps=cast("Taps | str | None", network),  # which it looks at
                timeout=timeout,
                output_limit=output_limit,
            )
    with ready.held():
        return start(
            ready,
            memory=memory,
            arguments=arguments,
            disks=disks,
            network=cast("Networks | None", network),  # which it looks at
            forward=forward,
            capture=capture,
            stay=stay,
            timeout=timeout,
            output_limit=output_limit,
        )


def run(
    image: Image | str | os.PathLike[str],
    *arguments: str,
    memory: int | None = None,
    disks: Disks | None = None,
    timeout: float | None = 60.0,
    host: RemoteHost | str | None = None,
) -> Outcome:
    """Start a unikernel, let it run to its end, and tell what came of it.

    Args:
        image: an image, or what :func:`labkit.build.builder.build` takes.
        arguments: the words after the program's name.
        memory: the guest's memory, in MiB.
        disks: each block device's disk or its file, by its name in ``config.ml``.
        timeout: the longest it may run, in seconds; None for no limit.
        host: another machine to run it on.

    Raises:
        GuestError: it was stopped at its time limit; its last words are in the evidence.
        LabError: as :func:`boot`.
    """
    from labkit.errors import Evidence, GuestTimeout
    from labkit.guest import Reason

    with boot(image, memory=memory, arguments=arguments, disks=disks, timeout=timeout, host=host) as guest:
        ending = guest.wait()
        if ending.reason is Reason.TIME_LIMIT:
            raise GuestTimeout(
                f"{guest.name} {ending.detail}.",
                next_step="Give it more time, or look at where it waits.",
                evidence=[Evidence("its last words", ending.last_words)],
            )
        return Outcome(ending, guest.console.text(), guest.cut)


def _boot_there(
    image: Image | str | os.PathLike[str],
    host: RemoteHost | str,
    memory: int | None,
    arguments: Sequence[str],
    disks: Disks | None,
    forward: Mapping[int, int] | None,
    timeout: float | None,
    output_limit: int | None,
) -> Guest:
    """Start it on another machine, which is asked first what it runs."""
    from contextlib import ExitStack

    from labkit.guest.remote import boot_remote
    from labkit.host.remote import open_remote

    with ExitStack() as undo:
        place = undo.enter_context(open_remote(host)) if isinstance(host, str) else host
        ready = image if isinstance(image, Image) else build(image, place.target)
        if isinstance(ready, LinuxImage):
            raise UsageError(
                f"{ready.name} is no unikernel, and labkit puts only unikernels on other machines.",
                next_step="Boot it on this machine: leave out host.",
            )
        with ready.held():
            guest = boot_remote(
                ready,
                place,
                memory=memory,
                arguments=arguments,
                disks=disks,
                forward=forward,
                timeout=timeout,
                output_limit=output_limit,
                closes_host=isinstance(host, str),
            )
        undo.pop_all()
        return guest


def _check_remote(*, stay: bool, network: bool, capture: bool, seed: object) -> None:
    """Look whether what is asked for can be had on another machine."""
    asked = {"stay": stay, "network": network, "capture": capture, "user_data, host_name or seed": seed}
    for option in (name for name, given in asked.items() if given):
        raise UsageError(
            f"A guest on another machine cannot be given {option}: it ends with the connection, and its frames "
            "stay there.",
            next_step=f"Leave out {option}, or boot it on this machine.",
        )


def _check_runs_here(image: Image) -> None:
    target = image.manifest.target
    if target == "xen":
        raise UsageError(
            f"{image.name} was built for the target {target}, which cannot run on this host yet.",
            next_step="Build it for virtio.",
        )
    known = ("block", "network", *(("sockets",) if target == "unix" else ()))
    others = [device for device in image.manifest.devices if device.kind not in known]
    if others:
        names = ", ".join(f"{device.name} ({device.kind})" for device in others)
        raise GuestError(
            f"{image.name} needs devices that labkit cannot give a guest: {names}.",
            next_step="Run an image that needs the console, disks and networks only.",
        )
