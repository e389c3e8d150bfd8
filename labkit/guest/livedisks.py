"""The disks of a guest that runs: locked, and some of them with caches that can lose power."""

from __future__ import annotations

import os
import secrets
import select
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import IO

from labkit.errors import Evidence, HostError, UsageError
from labkit.guest.disks import PlannedDisk
from labkit.guest.guestdisk import GuestDisk
from labkit.guest.powercut import PowerCut
from labkit.host import sparse
from labkit.host.diskfile import DiskLock
from labkit.host.moments import Snapshot
from labkit.host.monitor import Monitor
from labkit.host.plannedcut import Lose
from labkit.host.writelog import settle

__all__ = ["LiveDisks"]

DEATH_SECONDS = 10.0


@dataclass(frozen=True)
class _Cache:
    """What is needed to lose power: the disk as it was before the guest, and QEMU's log of its writes."""

    before: Snapshot
    log: IO[bytes]


class LiveDisks(Mapping[str, GuestDisk]):
    """The disks of one guest, by the names of their devices."""

    def __init__(
        self, planned: Sequence[PlannedDisk], monitor: Monitor, process: Callable[[], int | None]
    ) -> None:
        """Make them.

        Args:
            planned: what is planned.
            monitor: the guest's QEMU.
            process: gives the number of QEMU's process, or None where it cannot be told.
        """
        self._planned = {item.place.name: item for item in planned}
        self._held = ExitStack()
        self._caches: dict[str, _Cache] = {}
        self._live: dict[str, GuestDisk] = {}
        self._monitor = monitor
        self._number = process
        self._process = -1

    def lock(self) -> None:
        """Take the right to use them, and keep what is needed to lose power.

        Raises:
            UsageError: another guest has one of them.
            HostError: there is no room for a copy.
        """
        with ExitStack() as held:
            for item in self._planned.values():
                held.enter_context(DiskLock(item.place.path, shared=item.place.read_only))
            for name, item in self._planned.items():
                if item.disk.cache and not item.place.read_only:
                    log = held.enter_context(sparse.anonymous(item.place.path.parent))
                    self._caches[name] = _Cache(item.disk.snapshot(), log)
            self._held = held.pop_all()

    def attach(self) -> None:
        """Do what was planned for them, before the guest begins to run.

        Raises:
            HostError: QEMU does not do it.
        """
        if self._caches:
            self._process = self._handle()
            self._held.callback(os.close, self._process)
        for name, item in self._planned.items():
            if name in self._caches:
                self[name].log_writes(self._caches[name].log)
            if item.disk.faults:
                self[name].with_faults(item.disk.faults)

    @property
    def planned_cut(self) -> tuple[Lose, int] | None:
        """What the power cut that is planned is to take, and its seed; None if none is planned."""
        for item in self._planned.values():
            if item.disk.cut is not None:
                return item.disk.cut.lose, item.disk.cut.seed
        return None

    def kill(self) -> bool:
        """Stop the guest as a power cut does, if one of the disks has a cache; False if none has.

        QEMU must not end in order: it would flush.
        """
        if self._process < 0:
            return False
        with suppress(ProcessLookupError):  # it has just ended by itself
            signal.pidfd_send_signal(self._process, signal.SIGKILL)
        return True

    def settle(self, lose: Lose, seed: int | None) -> PowerCut:
        """Make the files what the disks are after a power cut. The guest has been killed.

        Raises:
            HostError: a disk's cache cannot be told from its file; that file has all that was written.
        """
        chosen = secrets.randbelow(1_000_000) if seed is None else seed
        losses = {}
        if self._process >= 0 and not select.select([self._process], [], [], DEATH_SECONDS)[0]:
            raise HostError("QEMU does not end.", next_step="End it by hand; `labkit ps` shows its guest.")
        for name, cache in self._caches.items():
            place = self._planned[name].place.path
            try:
                with place.open("r+b", buffering=0) as file, cache.before.opened() as before:
                    losses[name] = settle(file.fileno(), before, cache.log.fileno(), lose, chosen)
            except (OSError, ValueError) as error:
                raise HostError(
                    f"What {place.name} would have lost cannot be told; it has all that was written.",
                    next_step="Please report this.",
                    evidence=[Evidence("the reason", str(error))],
                ) from error
        plain = tuple(
            name
            for name, item in self._planned.items()
            if name not in self._caches and not item.place.read_only
        )
        return PowerCut(lose, chosen, losses, plain)

    def release(self) -> None:
        """Give them back."""
        self._held.close()
        self._caches.clear()
        self._process = -1

    def _handle(self) -> int:
        """A handle of QEMU's process (pidfd_open(2)), by which it can be killed, and be seen to be dead."""
        number = self._number()
        if number is None:
            raise HostError(
                "The process of the guest's QEMU is not known, so its power could not be cut.",
                next_step="Unset LABKIT_LIBVIRT_URI, so that guests run under the lab's own libvirt; "
                "or give it disks without caches.",
            )
        return os.pidfd_open(number)

    def __getitem__(self, name: str) -> GuestDisk:
        if name not in self._planned:
            known = ", ".join(self._planned) or "none"
            raise UsageError(
                f"The guest has no disk {name!r}; it has: {known}.", next_step="Name one of these."
            )
        if name not in self._live:
            number = list(self._planned).index(name)
            self._live[name] = GuestDisk(name, self._planned[name].disk, number, self._monitor)
        return self._live[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._planned)

    def __len__(self) -> int:
        return len(self._planned)
