"""Solo5's tenders, which run images of the targets spt and hvt as processes: found, asked, told what to do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from labkit.build import solo5
from labkit.build.opam.opam import lab_bin
from labkit.errors import Evidence, HostError, ImageError, MissingTool, UsageError
from labkit.guest.disks import PlannedDisk
from labkit.settings import settings

__all__ = ["TENDED", "Taps", "Tender", "find_tender", "plan_taps"]

TENDED: Final = ("spt", "hvt")
"""Targets whose images a tender runs."""

Taps = Mapping[str, str]
"""TAP interfaces of this machine, by the names of the network devices in ``config.ml``."""

_ABI_LINE: Final = re.compile(r"^ABI version (\d+)$", re.MULTILINE)
_ASK_SECONDS: Final = 10.0
_IS_TAP: Final = 0x0002  # IFF_TAP, linux/if_tun.h
_IS_UP: Final = 0x1  # IFF_UP, linux/if.h
_INTERFACES: Final = Path("/sys/class/net")
_KVM: Final = Path("/dev/kvm")


@dataclass(frozen=True)
class Tender:
    """A tender on this machine.

    Attributes:
        path: the program.
        target: whose images it runs.
        abi: the version of that target's ABI that it speaks.
    """

    path: str
    target: str
    abi: int

    def check(self, image: Path) -> None:
        """Look whether an image has the tender's version of the ABI, and this machine what it needs.

        Raises:
            ImageError: it does not.
            HostError: the target hvt needs KVM, and there is none for this user.
        """
        wanted = solo5.abi_version(image)
        if wanted != self.abi:
            raise ImageError(
                f"{image} asks for version {wanted} of the ABI of {self.target}, and {self.path} has version "
                f"{self.abi}.",
                next_step="Take image and tender from the same release of Solo5: build the image again with the "
                "one that is installed.",
            )
        if self.target == "hvt" and not os.access(_KVM, os.R_OK | os.W_OK):
            raise HostError(
                f"Images for hvt run on KVM, and {_KVM} "
                + ("may not be used by you." if _KVM.exists() else "does not exist on this machine."),
                next_step="Join the group kvm (`sudo adduser $USER kvm`, then log in again), or build the image "
                "for spt or virtio, which need no KVM.",
            )

    def command(self, memory_mib: int, disks: Sequence[PlannedDisk], taps: Taps) -> tuple[str, ...]:
        """The tender and its options, to be followed by the image and its command line.

        Args:
            memory_mib: the guest's memory, in MiB.
            disks: its disks.
            taps: its networks.
        """
        # By its name in the guest's folder, which the tender runs in: it takes options to end at a blank.
        blocks = [f"--block:{name}={name}" for name in (disk.place.name for disk in disks)]
        nets = [f"--net:{name}={tap}" for name, tap in taps.items()]
        return (self.path, f"--mem={memory_mib}", *blocks, *nets, "--")


def find_tender(target: str) -> Tender:
    """The tender for a target: on ``PATH``, or in the lab's own switch of opam's.

    Raises:
        MissingTool: it is not there, or does not say what it is.
    """
    name = f"solo5-{target}"
    path = shutil.which(name) or shutil.which(name, path=str(lab_bin(settings().cache)))
    if path is None:
        raise MissingTool(
            f"An image for the target {target} needs the program {name}, which is not on this machine's PATH.",
            next_step="Install Solo5's tenders: labkit toolchain install opam brings them. Or build them from "
            f"Solo5's sources, and put {name} on PATH. An image for virtio needs none.",
            evidence=[Evidence("PATH", os.environ.get("PATH", "(not set)"))],
        )
    try:
        asked = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_ASK_SECONDS,
        )
        said = asked.stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    version = _ABI_LINE.search(said)
    if version is None:
        raise MissingTool(
            f"{path} does not say which version of the ABI it has.",
            next_step="Install Solo5 0.9 or later.",
            evidence=[Evidence(f"{name} --version", said)],
        )
    return Tender(path, target, int(version[1]))


def plan_taps(name: str, manifest: Mapping[str, Any], given: object) -> Taps:
    """The TAP interface for each network device.

    Args:
        name: the image's, for messages.
        manifest: what :func:`labkit.guest.checks.read_manifest` gives.
        given: a TAP interface's name for the only network device, or such names by the devices' names.

    Raises:
        UsageError: a device has none, a name is none of a device, or an interface is missing, no TAP, or down.
    """
    devices = [device["name"] for device in manifest.get("devices", []) if device["kind"] == "network"]
    if isinstance(given, str) and len(devices) == 1:
        given = {devices[0]: given}
    taps = {} if given is None else given
    if not isinstance(taps, Mapping) or not all(isinstance(tap, str) for tap in taps.values()):
        raise UsageError(
            f"network={given!r} does not name the TAP interfaces of {name}.",
            next_step="Guests of a tender are on TAP interfaces: --tap NAME=TAP, or network={'service': 'tap0'}.",
        )
    for device in taps:
        if device not in devices:
            raise UsageError(
                f"{name} has no network device {device}; it has "
                + (f"these: {', '.join(devices)}." if devices else "none at all."),
                next_step="Use the name of a device in config.ml.",
            )
    for device in devices:
        if device not in taps:
            raise UsageError(
                f"{name} needs a TAP interface for its network device {device}, and none is given.",
                next_step=f"Give one: --tap {device}=tap0, or network={{{device!r}: 'tap0'}} in Python. "
                + _make("tap0"),
            )
        _check_tap(taps[device])
    return dict(taps)


def _check_tap(tap: str) -> None:
    folder = _INTERFACES / tap
    if not tap or "/" in tap or not folder.is_dir():
        raise UsageError(f"This machine has no network interface {tap!r}.", next_step=_make(tap or "tap0"))
    try:
        is_tap = int((folder / "tun_flags").read_text(), 16) & _IS_TAP
    except OSError:
        is_tap = 0
    if not is_tap:
        raise UsageError(f"The network interface {tap} is no TAP interface.", next_step=_make("tap0"))
    if not int((folder / "flags").read_text(), 16) & _IS_UP:
        raise UsageError(
            f"The TAP interface {tap} is down.", next_step=f"Set it up: sudo ip link set {tap} up."
        )


def _make(tap: str) -> str:
    return (
        f"One is made by: sudo ip tuntap add {tap} mode tap user $USER; sudo ip addr add 10.0.0.1/24 dev {tap}; "
        f"sudo ip link set {tap} up."
    )
