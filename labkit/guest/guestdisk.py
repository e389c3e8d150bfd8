"""A disk of a guest that runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Self

from labkit.guest.blocklayer import BlockLayer
from labkit.host.disk import Disk
from labkit.host.faults import Breakable, Faults, stop_after
from labkit.host.monitor import Monitor

__all__ = ["Counts", "GuestDisk"]


@dataclass(frozen=True)
class Counts:
    """What a guest has asked of a disk: requests of each kind, bytes, and how many requests failed."""

    reads: int
    read_bytes: int
    failed_reads: int
    writes: int
    written_bytes: int
    failed_writes: int
    flushes: int
    failed_flushes: int


class GuestDisk(Breakable):
    """A disk of a guest that runs. A fault that it is given here, its guest meets at the next request::

        guest.disks["storage"].fail_reads(7)
        guest.disks["storage"].heal()

    Attributes:
        name: the device's, as in ``config.ml``.
        disk: the disk itself, to be read from here.
    """

    def __init__(self, name: str, disk: Disk, number: int, monitor: Monitor) -> None:
        """Find it.

        Args:
            name: the device's.
            disk: the disk.
            number: its place among the disks of the domain.
            monitor: the guest's QEMU.

        Raises:
            GuestError: the guest has ended.
            HostError: QEMU does not answer as it should.
        """
        self.name = name
        self.disk = disk
        self._layer = BlockLayer(monitor, f"virtio-disk{number}", read_only=disk.read_only)
        self._faults = Faults()

    @property
    def faults(self) -> Faults:
        """The faults that it was given; those that happen once may have happened."""
        return self._faults

    def with_faults(self, faults: Faults) -> Self:
        """Give it faults, besides those that it has. A disk with a cache writes it out at that moment.

        Raises:
            UsageError: it cannot have them.
            GuestError: the guest has ended.
            HostError: QEMU does not do it.
        """
        self.disk.with_faults(faults).check_faults()
        rules = faults.rules(self.disk.size)
        if faults.limits_speed:
            self._layer.limit(faults.requests_per_second, faults.bytes_per_second)
        if rules.config:
            self._layer.inject(rules)
        self._faults = self._faults.with_faults(faults)
        return self

    def heal(self) -> None:
        """Take all faults away.

        Raises:
            GuestError: the guest has ended.
            HostError: QEMU does not do it.
        """
        self._layer.heal()
        if self._faults.limits_speed:
            self._layer.limit(0, 0)
        self._faults = Faults()

    def counts(self) -> Counts:
        """What the guest has asked of it so far, by QEMU's count.

        Raises:
            GuestError: the guest has ended.
            HostError: QEMU does not answer as it should.
        """
        counts = self._layer.counts()
        return Counts(
            reads=counts["rd_operations"],
            read_bytes=counts["rd_bytes"],
            failed_reads=counts["failed_rd_operations"],
            writes=counts["wr_operations"],
            written_bytes=counts["wr_bytes"],
            failed_writes=counts["failed_wr_operations"],
            flushes=counts["flush_operations"],
            failed_flushes=counts["failed_flush_operations"],
        )

    def log_writes(self, into: IO[bytes]) -> None:
        """Have QEMU log its writes and flushes, and stop the guest where its power is to be cut.

        Args:
            into: the log's file.

        Raises:
            HostError: QEMU does not do it.
        """
        self._layer.log_writes(into, stop_after(self.disk.cut.writes) if self.disk.cut else None)

    def __repr__(self) -> str:
        return f"<disk {self.name} of a guest: {self.disk.name}, faults: {self._faults}>"
