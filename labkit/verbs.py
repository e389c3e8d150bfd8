"""The verbs boot and run, for notebooks and the command line alike: from any way of naming an image to a guest."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from labkit.build.builder import build
from labkit.build.image import Image
from labkit.errors import GuestError, UsageError

if TYPE_CHECKING:
    from labkit.guest import Exit, Guest
    from labkit.guest.disks import Disks
    from labkit.guest.network.plan import Networks
    from labkit.guest.powercut import PowerCut
    from labkit.guest.tender import Taps

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
) -> Guest:
    """Start a unikernel; build it first if a folder is given.

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

    Raises:
        LabError: it cannot be built or started; see :func:`labkit.build.builder.build` and
            :func:`labkit.guest.boot.boot`.
    """
    from labkit.guest import boot as start
    from labkit.guest import boot_process, boot_tended
    from labkit.guest.tender import TENDED

    ready = image if isinstance(image, Image) else build(image)
    _check_runs_here(ready)
    if ready.manifest.target == "unix":
        if stay:
            raise UsageError(
                f"{ready.name} was built for the target unix: a process ends with the one that started it.",
                next_step="Leave out --stay, or build it for virtio.",
            )
        if network is not None or forward or capture:
            raise UsageError(
                f"{ready.name} was built for the target unix: a process has no network device.",
                next_step="Leave out network, forward and capture, or build it for virtio.",
            )
        return boot_process(
            ready,
            memory=memory,
            arguments=arguments,
            disks=disks,
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
) -> Outcome:
    """Start a unikernel, let it run to its end, and tell what came of it.

    Args:
        image: an image, or what :func:`labkit.build.builder.build` takes.
        arguments: the words after the program's name.
        memory: the guest's memory, in MiB.
        disks: each block device's disk or its file, by its name in ``config.ml``.
        timeout: the longest it may run, in seconds; None for no limit.

    Raises:
        GuestError: it was stopped at its time limit; its last words are in the evidence.
        LabError: as :func:`boot`.
    """
    from labkit.errors import Evidence, GuestTimeout
    from labkit.guest import Reason

    with boot(image, memory=memory, arguments=arguments, disks=disks, timeout=timeout) as guest:
        ending = guest.wait()
        if ending.reason is Reason.TIME_LIMIT:
            raise GuestTimeout(
                f"{guest.name} {ending.detail}.",
                next_step="Give it more time, or look at where it waits.",
                evidence=[Evidence("its last words", ending.last_words)],
            )
        return Outcome(ending, guest.console.text(), guest.cut)


def _check_runs_here(image: Image) -> None:
    target = image.manifest.target
    if target == "xen":
        raise UsageError(
            f"{image.name} was built for the target {target}, which cannot run on this host yet.",
            next_step="Build it for virtio.",
        )
    others = [device for device in image.manifest.devices if device.kind not in ("block", "network")]
    if others:
        names = ", ".join(f"{device.name} ({device.kind})" for device in others)
        raise GuestError(
            f"{image.name} needs devices that labkit cannot give a guest: {names}.",
            next_step="Run an image that needs the console, disks and networks only.",
        )
