"""A disk of a guest that runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from labkit.errors import HostError, UsageError
from labkit.guest.blocklayer import BlockLayer
from labkit.host.disk import Disk
from labkit.host.faults import Faults, stop_after
from labkit.host.loop import libvirt

if TYPE_CHECKING:
    import libvirt as libvirt_module

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


class GuestDisk:
    """A disk of a guest that runs. What is done to it here, its guest meets at the next request.

    Attributes:
        name: the device's, as in ``config.ml``.
        disk: the disk itself, to be read from here.
    """

    def __init__(self, name: str, disk: Disk, number: int, domain: libvirt_module.virDomain) -> None:
        """Find it.

        Args:
            name: the device's.
            disk: the disk.
            number: its place among the disks of the domain.
            domain: the guest's.

        Raises:
            HostError: QEMU does not answer as it should.
        """
        self.name = name
        self.disk = disk
        self._domain = domain
        self._target = f"vd{chr(ord('a') + number)}"
        self._layer = BlockLayer(domain, f"virtio-disk{number}", read_only=not disk.writable)
        self._faults = Faults()

    @property
    def faults(self) -> Faults:
        """The faults that it has now, those that were to happen once included."""
        return self._faults

    def fail_reads(self, *sectors: int | range, once: bool = False) -> None:
        """From now on reads of these sectors fail, or all reads if none is named.

        Args:
            sectors: numbers, or ranges of them.
            once: each only once.

        Raises:
            UsageError: there is no such sector, or the guest has ended.
            HostError: QEMU does not do it.
        """
        self.add(Faults().fail_reads(*sectors, once=once))

    def fail_writes(self, *sectors: int | range, once: bool = False) -> None:
        """From now on writes to these sectors fail and change nothing, or all writes if none is named.

        Raises:
            UsageError, HostError: as :meth:`fail_reads`.
        """
        self.add(Faults().fail_writes(*sectors, once=once))

    def fail_flushes(self, *, once: bool = False) -> None:
        """From now on flushes fail, all of them or the next one.

        Raises:
            UsageError, HostError: as :meth:`fail_reads`.
        """
        self.add(Faults().fail_flushes(once=once))

    def fill(self, room: int | str) -> None:
        """From now on there is room for its first ``room`` bytes only: see :meth:`labkit.Faults.fill`.

        Raises:
            UsageError, HostError: as :meth:`fail_reads`.
        """
        self.add(Faults().fill(room))

    def slow(self, *, requests: int = 0, bytes: int | str = 0) -> None:  # noqa: A002  it is bytes
        """From now on it is slow.

        Args:
            requests: how many it serves at most in a second; 0 for no limit.
            bytes: how many it moves at most in a second, or such as ``64 KiB``; 0 for no limit.

        Raises:
            UsageError, HostError: as :meth:`fail_reads`.
        """
        self.add(Faults().slow(requests=requests, bytes=bytes))

    def add(self, faults: Faults) -> None:
        """Add faults to those that it has. A disk with a cache writes it out at that moment.

        Raises:
            UsageError, HostError: as :meth:`fail_reads`.
        """
        faults.check(self.disk.sectors)
        if self.disk.cut is not None and faults.stops_writes:
            raise UsageError(
                f"{self.disk.name} is planned to lose its power at a write: no other write can fail before.",
                next_step="Boot it without the planned power cut, or without this fault.",
            )
        rules = faults.rules(self.disk.size)
        if rules:
            self._layer.inject(rules)
        if faults.requests_per_second or faults.bytes_per_second:
            self._limit(faults.requests_per_second, faults.bytes_per_second)
        self._faults = self._faults.plus(faults)

    def heal(self) -> None:
        """Take all faults away.

        Raises:
            UsageError, HostError: as :meth:`fail_reads`.
        """
        self._layer.heal()
        if self._faults.requests_per_second or self._faults.bytes_per_second:
            self._limit(0, 0)
        self._faults = Faults()

    def counts(self) -> Counts:
        """What the guest has asked of it so far, by QEMU's count.

        Raises:
            HostError: the guest has ended, or QEMU does not answer.
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

        Raises:
            HostError: QEMU does not do it.
        """
        self._layer.log_writes(into, stop_after(self.disk.cut.writes) if self.disk.cut else None)

    def __repr__(self) -> str:
        return f"<disk {self.name} of a guest: {self.disk.name}, faults: {self._faults}>"

    def _limit(self, requests: int, rate: int) -> None:
        limits = {"total_iops_sec": requests, "total_bytes_sec": rate}
        try:
            self._domain.setBlockIoTune(self._target, limits, libvirt().VIR_DOMAIN_AFFECT_LIVE)
        except libvirt().libvirtError as error:
            raise HostError(
                f"The disk {self.name} cannot be made slow or fast: {error}.",
                next_step="Look whether the guest runs still.",
            ) from error
