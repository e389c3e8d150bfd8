"""What is known about a guest besides how it is: where it runs, on what, with how much memory, and its log."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.guest.guest import Guest

__all__ = ["Facts", "log_of"]

_HYPERVISORS = {"kvm": "KVM, by the processor", "qemu": "QEMU, by emulation"}


@dataclass(frozen=True)
class Facts:
    """What a guest's card shows.

    Attributes:
        guest: the guest.
        host: where it runs; '' where it cannot be told.
        hypervisor: on what; '' where it cannot be told.
        memory_mib: its memory, in MiB; 0 where it cannot be told.
        created: when it was made; None where it cannot be told.
    """

    guest: Guest
    host: str = ""
    hypervisor: str = ""
    memory_mib: int = 0
    created: dt.datetime | None = None

    @classmethod
    def of(cls, guest: Guest) -> Facts:
        """Find them out; asks libvirt if the guest still runs."""
        from labkit.guest.owned import OwnedGuest
        from labkit.guest.process import ProcessGuest
        from labkit.guest.registry import find_guest

        if isinstance(guest, ProcessGuest):
            return cls(guest, "this machine, as a process", created=guest.created)
        place = guest.host if isinstance(guest, OwnedGuest) else None
        hypervisor = _HYPERVISORS[guest.hypervisor] if isinstance(guest, OwnedGuest) else ""
        if guest.exit is None:
            with contextlib.suppress(LabError, ValueError):
                info = find_guest(guest.name, place)
                host = f"libvirt on {info.ownership.host}"
                created = dt.datetime.fromisoformat(info.ownership.created)
                return cls(guest, host, hypervisor, info.memory_mib, created)
        return cls(guest, hypervisor=hypervisor)

    def lines(self) -> list[tuple[str, str]]:
        """What is known, as names and values."""
        found = [
            ("name", self.guest.name),
            ("host", self.host),
            ("hypervisor", self.hypervisor),
            ("memory", f"{self.memory_mib} MiB" if self.memory_mib else ""),
            ("address", ", ".join(str(address) for address in self.guest.addresses.values())),
        ]
        return [(name, value) for name, value in found if value]

    def seconds(self, now: dt.datetime) -> float:
        """How long it has run, or did run."""
        if self.guest.exit is not None:
            return self.guest.exit.seconds
        if self.created is not None:
            return max(0.0, (now - self.created).total_seconds())
        return 0.0


def log_of(guest: Guest) -> str:
    """What happened to a guest so far, and its last words."""
    happened = [f"{event.seconds:9.3f} s  {event.kind:<9} {event.detail}".rstrip() for event in guest.events]
    words = [f"    {line}" for line in guest.console.last_words().splitlines()] or ["    (nothing yet)"]
    return "\n".join([*happened, "", "last words on its console:", *words])
