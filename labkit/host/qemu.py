"""QEMU as a program: where it is, which version it has."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import Evidence, HostError, MissingTool

__all__ = ["Qemu", "find_qemu", "process_of"]

_VERSION = re.compile(r"version (\d+(?:\.\d+)+)")


@dataclass(frozen=True)
class Qemu:
    """An emulator.

    Attributes:
        path: its program, symbolic links followed.
    """

    path: Path

    def build(self) -> tuple[str, int, int]:
        """What changes whenever another version is installed; costs one look at the file."""
        found = self.path.stat()
        return (str(self.path), found.st_size, found.st_mtime_ns)

    def version(self) -> str:
        """Its version, such as ``7.2.22``, asked of the program itself.

        Raises:
            HostError: it does not run.
        """
        command = [str(self.path), "--version"]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise HostError(
                "QEMU does not run.", evidence=[Evidence(" ".join(command), str(error))]
            ) from error
        match = _VERSION.search(done.stdout)
        if done.returncode or match is None:
            raise HostError(
                "QEMU does not tell its version.",
                next_step="Install the package qemu-system-x86 again.",
                evidence=[Evidence(" ".join(command), done.stdout + done.stderr)],
            )
        return match[1]


def find_qemu() -> Qemu:
    """The emulator of 64-bit PCs on this machine.

    Raises:
        MissingTool: it is not installed.
    """
    found = shutil.which("qemu-system-x86_64")
    if found is None:
        raise MissingTool(
            "QEMU for 64-bit PCs, qemu-system-x86_64, is not installed.",
            next_step="Run `make lab`, or install the package qemu-system-x86.",
        )
    return Qemu(Path(os.path.realpath(found)))


def process_of(guest: str) -> int:
    """A handle (``pidfd_open``, pidfd_open(2)) of the process that runs a guest. It is yours to close.

    Args:
        guest: the guest's name; libvirt gives it to QEMU as the option ``-name guest=NAME,...``.

    Raises:
        HostError: there is none, or it may not be ended by us.
    """
    mark = f"\0guest={guest},".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            if mark not in (entry / "cmdline").read_bytes():
                continue
            handle = os.pidfd_open(int(entry.name))
        except OSError:  # it has just ended
            continue
        try:
            signal.pidfd_send_signal(handle, 0)
        except OSError as error:
            os.close(handle)
            raise HostError(
                f"The power of {guest} could not be cut: its QEMU belongs to another user.",
                next_step="Unset LABKIT_LIBVIRT_URI, so that guests run as yours.",
            ) from error
        return handle
    raise HostError(f"No process runs {guest}.", next_step="Boot it again.")
