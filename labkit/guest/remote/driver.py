"""What is to be started on another machine, and what the ways of starting it have in common."""

from __future__ import annotations

import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from labkit.build.domainxml import DomainNetwork, domain_name
from labkit.errors import HostError
from labkit.guest.disks import PlannedDisk
from labkit.host.remote import RemoteHost

__all__ = ["Driver", "RemotePlan"]


@dataclass(frozen=True)
class RemotePlan:
    """What to start.

    Attributes:
        path: the image file, here.
        image: what the guest is named for.
        manifest: what the image says of itself.
        memory_mib: its memory, in MiB.
        command_line: its arguments, quoted.
        address: its IPv4 address, where its arguments tell it.
        timeout: the longest it may run, in seconds.
        output_limit: the most bytes it may print.
        console_bytes: how much of its console is kept.
        disks: its disks, as they are here.
        networks: its network interfaces.
        forwards: ports of this machine that lead to its first network: its own port, by the machine's.
        name: the guest's name.
    """

    path: Path
    image: str
    manifest: Mapping[str, Any]
    memory_mib: int
    command_line: str
    address: IPv4Address | None = None
    timeout: float | None = None
    output_limit: int | None = None
    console_bytes: int = 1 << 20
    disks: tuple[PlannedDisk, ...] = ()
    networks: tuple[DomainNetwork, ...] = ()
    forwards: Mapping[int, int] = field(default_factory=dict)
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", f"{domain_name(self.image)}-{secrets.token_hex(3)}")


class Driver(ABC):
    """One way of starting guests on another machine, for one guest.

    Attributes:
        host: the machine.
        plan: the guest.
        folder: its folder there.
        in_band: whether control records come within its console.
    """

    in_band = False

    def __init__(self, host: RemoteHost, plan: RemotePlan, folder: str) -> None:
        self.host = host
        self.plan = plan
        self.folder = folder
        self._places: dict[tuple[int, int], tuple[str, int]] = {}
        self._lock = threading.Lock()

    @abstractmethod
    def configuration(self, image: str) -> str:
        """What the file ``configuration`` in its folder holds.

        Args:
            image: the image file, there.
        """

    @property
    @abstractmethod
    def begin(self) -> str:
        """The script that starts it, run in its folder."""

    @property
    @abstractmethod
    def end(self) -> str:
        """The script that ends it if it is there; its status is 0 if it then is not."""

    @property
    @abstractmethod
    def console(self) -> str:
        """The script whose input and output are its console. It says ``opened`` on standard error first."""

    def place_of(self, port: int, number: int) -> tuple[str, int]:
        """Where a port of the guest is reached from its host, found out once; see :meth:`lead`."""
        with self._lock:
            if (port, number) not in self._places:
                self._places[port, number] = self.lead(port, number)
            return self._places[port, number]

    @abstractmethod
    def lead(self, port: int, number: int) -> tuple[str, int]:
        """Where a port of the guest is reached from its host.

        Args:
            port: the guest's.
            number: which of its networks.

        Raises:
            LabError: it is not, or not yet.
        """

    def refusal(self, error: HostError) -> HostError:
        """The error of a guest that was not started, put better where more is known."""
        return error

    def disk(self, name: str) -> str:
        """The file of a disk, there."""
        return f"{self.folder}/disk-{domain_name(name)}"
