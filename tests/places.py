"""(Not a test.) Where the same image is tried: each target, on each host that runs it.

A test that takes the fixture ``place`` is run in each of them. What a new target or host needs is one entry in
``PLACES``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import labkit
from labkit.build.image import Image
from labkit.guest import Guest

__all__ = ["PLACES", "Place"]


@dataclass(frozen=True)
class Place:
    """A target, and the host that runs it.

    Attributes:
        target: what images are built for.
        host: where they run; this machine unless named.
        machine: how a guest there calls this machine; empty if it cannot be reached.
        network: arguments that give a guest there an address that suits its network.
    """

    target: str
    host: str | None = None
    machine: str = "10.0.2.2"
    network: tuple[str, ...] = ("--ipv4=10.0.2.20/24", "--ipv4-gateway=10.0.2.2")

    def __str__(self) -> str:
        return self.target if self.host is None else f"{self.target}@{self.host}"

    def build(self, folder: Path) -> Image:
        """An image for it."""
        return labkit.build(folder, self.target)

    def boot(
        self,
        folder: Path,
        *arguments: str,
        memory: int | None = None,
        disks: Mapping[str, Path] | None = None,
        forward: Mapping[int, int] | None = None,
        timeout: float = 60.0,
    ) -> Guest:
        """A guest there, of an image that is built if it has to be."""
        options: dict[str, Any] = {} if self.host is None else {"host": self.host}
        return labkit.boot(
            self.build(folder),
            memory=memory,
            arguments=list(arguments),
            disks=disks,
            forward=forward,
            timeout=timeout,
            **options,
        )

    def wait_for_address(self, guest: Guest) -> None:
        """Wait until a guest has told its address, where that is to be seen."""
        if self.host is None:
            guest.network.wait_for_address()

    def transcript(
        self, folder: Path, *arguments: str, disks: Mapping[str, Path] | None = None
    ) -> Sequence[str]:
        """What a guest prints there until it ends, and how it ends; of log lines, what the program itself logs."""
        with self.boot(folder, *arguments, disks=disks) as guest:
            ending = guest.wait(90)
            lines = [*guest.console.text().splitlines(), f"status {ending.status}"]
        return said_by_program(lines)


def said_by_program(lines: Sequence[str]) -> list[str]:
    """What does not depend on the place: no times, and nothing of the network's own log."""
    kept = []
    for line in lines:
        head, bracket, rest = line.partition(": [")
        is_log = bool(bracket) and head[:4].isdecimal()
        if not is_log:
            kept.append(line)
        elif "] [application] " in rest:
            kept.append(rest.partition("] [application] ")[2])
    return kept


PLACES = (
    Place("virtio"),
    Place("unix", machine="127.0.0.1"),
    Place("virtio", "kvm", machine=""),
    Place("xen", "xen", machine="", network=("--ipv4=10.0.4.20/24", "--ipv4-gateway=10.0.4.1")),
)
