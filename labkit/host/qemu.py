"""QEMU as a program: where it is, which version it has."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import Evidence, HostError, MissingTool

__all__ = ["Qemu", "find_qemu"]

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
