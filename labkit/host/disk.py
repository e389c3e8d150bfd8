"""Disks of guests, as Python sees them."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from labkit.errors import HostError, LabError, UsageError
from labkit.host import diskfile, sparse
from labkit.host.archive import pack
from labkit.host.diskfile import SECTOR, DiskLock
from labkit.host.faults import RULES_MOST, Faults
from labkit.host.moments import Moment, Snapshot, opened
from labkit.host.plannedcut import Lose, PlannedCut, check_lose
from labkit.host.sizes import bytes_of, words_of

__all__ = ["Disk"]


class Disk(Moment):
    """A raw file that is the disk of a guest: its bytes are the sectors, one after another.

    Give it to :func:`labkit.boot` or :func:`labkit.run` by the name of its device: ``disks={"storage": disk}``.
    What is read here is always what is in the file now. While a guest runs that is what this machine's page cache
    has: all that the guest has written, flushed or not.

    Attributes:
        path: its file, absolute, symbolic links followed.
        faults: what is wrong with it when a guest is booted with it.
        cache: whether it has a cache of its own that loses power with the guest.
        cut: the power cut that is planned for the guest.
        read_only: whether the guest may only read it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Take a file that is there.

        Args:
            path: the file.

        Raises:
            UsageError: it cannot be a disk; the message says why.
        """
        self.path = diskfile.inspect(path).path
        self.faults = Faults()
        self.cache = False
        self.cut: PlannedCut | None = None
        self.read_only = False

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        size: int | str | None = None,
        *,
        content: bytes | None = None,
        folder: str | os.PathLike[str] | None = None,
        replace: bool = False,
    ) -> Self:
        """Make a disk. It is zero where nothing is put into it, and takes no space there.

        Args:
            path: where its file is to be.
            size: in bytes, or such as ``1 MiB``; as large as what is put into it needs unless given.
            content: its first bytes.
            folder: files to put into it, as a tar archive that begins at sector 0 (the same archive whenever the
                files have the same names and contents).
            replace: whether it may take the place of a disk that is there, and that no guest has.

        Raises:
            UsageError: there is such a file, or the size or content cannot be a disk's.
            HostError: it cannot be made there.
        """
        if content is not None and folder is not None:
            raise UsageError("A disk is made from bytes or from a folder, not both.", next_step="Give one.")
        if size is None and content is None and folder is None:
            raise UsageError("How large is the disk to be?", next_step="Give a size, such as '1 MiB'.")
        place = Path(path)
        wanted = None if size is None else bytes_of(size)
        with sparse.anonymous(place.parent) as made:
            if folder is not None:
                pack(Path(folder), made)
            elif content is not None:
                made.write(content)
            used = os.fstat(made.fileno()).st_size
            whole = -(-used // SECTOR) * SECTOR if wanted is None else wanted
            diskfile.check_size(f"{place} cannot be made", whole)
            if used > whole:
                raise UsageError(
                    f"{place} cannot be made: what is to be on it has {used:,} bytes, and the disk {whole:,}.",
                    next_step="Give a larger size, or none.",
                )
            there = replace and place.exists()
            if not there:
                diskfile.create(place, whole)
            try:
                disk = cls(place)
                with disk._owned("replaced" if there else "made") as target:
                    os.ftruncate(target, 0)
                    os.ftruncate(target, whole)
                    sparse.fill(made.fileno(), target)
            except LabError:
                if not there:
                    place.unlink()
                raise
        return disk

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.path.name

    @property
    def when(self) -> str:
        """Now, and whether a guest may be writing it."""
        return "now in this machine's page cache, while a guest runs" if self.in_use else "now"

    @property
    def writable(self) -> bool:
        """Whether its file can be written by us, and so by a guest."""
        return diskfile.inspect(self.path).writable

    @property
    def in_use(self) -> bool:
        """Whether a guest that may write it has it now."""
        return diskfile.written_by_guest(self.path)

    @contextmanager
    def opened(self) -> Iterator[int]:
        """A descriptor of its file, to read, in a ``with`` block."""
        with opened(self.path) as file:
            yield file

    def write(self, sector: int, data: bytes) -> None:
        """Change its bytes, from here.

        Args:
            sector: the first sector to write.
            data: whole sectors.

        Raises:
            UsageError: it has no such sectors, a guest has it, or it cannot be written.
        """
        try:
            memoryview(data)
        except TypeError as error:
            raise UsageError(
                f"A {type(data).__name__} is no bytes, and a disk holds bytes.",
                next_step="Make bytes of it; text.encode() does it for a text.",
            ) from error
        if len(data) % SECTOR or not data:
            raise UsageError(
                f"{len(data):,} bytes are no whole number of sectors, and a disk moves only these.",
                next_step=rf"Fill them up: data.ljust({SECTOR}, b'\0').",
            )
        self.check(sector, len(data) // SECTOR)
        with self._owned("written") as file:
            os.pwrite(file, data, sector * SECTOR)

    def snapshot(self, name: str = "before") -> Snapshot:
        """Keep this moment. It costs the space of what is on the disk, or none where the file system can share it.

        A guest that writes just now may have some of its writes in it and some not.

        Args:
            name: what the moment is called in what is shown.

        Raises:
            HostError: there is no room for it.
        """
        return Snapshot(self.path, name)

    def restore(self, snapshot: Snapshot) -> None:
        """Make the disk what it was. Only sectors that differ are written.

        Raises:
            UsageError: a guest has it, it cannot be written, or the snapshot is of a disk of another size.
        """
        with self._owned("restored") as file, snapshot.opened() as kept:
            if snapshot.size != os.fstat(file).st_size:
                raise UsageError(
                    f"{snapshot.name} had {snapshot.sectors} sectors, and {self.name} has {self.sectors}.",
                    next_step="Restore a snapshot of this disk.",
                )
            for number, old, _ in sparse.differing(kept, file, SECTOR):
                os.pwrite(file, old, number * SECTOR)

    def again(self) -> Self:
        """The same disk, after another look at its file.

        Raises:
            UsageError: it cannot be a disk any more.
        """
        diskfile.inspect(self.path)
        self.check_faults()
        return self

    def check_faults(self) -> None:
        """Look whether it can have its faults.

        Raises:
            UsageError: it cannot.
        """
        self.faults.check(self.size)
        if self.cut is not None and self.faults.fails_writes:
            raise UsageError(
                f"{self.name} is to lose its power at a write: no other write can fail before.",
                next_step="Leave out the planned power cut, or the failing writes.",
            )

    def with_faults(self, faults: Faults) -> Self:
        """The same disk, with faults from the guest's first moment on.

        Raises:
            UsageError: it cannot have them.
        """
        made = copy.copy(self)
        made.faults = self.faults.with_faults(faults)
        made.check_faults()
        return made

    def as_read_only(self) -> Self:
        """The same disk, which the guest can only read. Others may read it at the same time."""
        made = copy.copy(self)
        made.read_only = True
        return made

    def with_cache(self) -> Self:
        """The same disk, with a cache as real disks have it: what the guest has written and not flushed may be
        lost or torn when its power is cut (:meth:`labkit.Guest.power_cut`). At any other end nothing is lost.
        """
        made = copy.copy(self)
        made.cache = True
        return made

    def with_power_cut(self, writes: int, *, lose: Lose = "some", seed: int = 0) -> Self:
        """The same disk with a cache, and the guest's power is cut when it has written so often to it: at the next
        write, which is not done any more. The guest stops there exactly, so that the same is seen every time.

        Args:
            writes: how many write requests are still done.
            lose: what becomes of what was not flushed: see :meth:`labkit.Guest.power_cut`.
            seed: of the random choices.

        Raises:
            UsageError: the number makes no sense.
        """
        check_lose(lose)
        if not 0 <= writes <= RULES_MOST:
            raise UsageError(
                f"A power cut cannot be planned for after {writes:,} writes.",
                next_step=f"Give a number from 0 to {RULES_MOST:,}.",
            )
        made = self.with_cache()
        made.cut = PlannedCut(writes, lose, seed)
        made.check_faults()
        return made

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        more = [words_of(self.size)]
        if self.read_only or not self.writable:
            more.append("read-only")
        if self.faults:
            more.append(f"faults: {self.faults}")
        if self.cache:
            more.append("with a cache")
        if self.cut:
            more.append(f"power cut after {self.cut.writes} writes")
        return f"<disk {self.name}: {self.sectors} sectors, {', '.join(more)}>"

    @contextmanager
    def _owned(self, what: str) -> Iterator[int]:
        """A descriptor of its file, to write, while no guest has it."""
        if not self.writable:
            raise UsageError(
                f"{self.name} cannot be {what}: its file is read-only.",
                next_step=f"Allow it: chmod u+w {self.path}",
            )
        try:
            lock = DiskLock(self.path, shared=False)
        except UsageError as error:
            raise UsageError(
                f"{self.name} cannot be {what}: a guest has it.",
                next_step="Stop the guest first. Reading is allowed while it runs.",
            ) from error
        try:
            with lock, self.path.open("r+b", buffering=0) as file:
                yield file.fileno()
        except OSError as error:
            raise HostError(
                f"{self.name} cannot be {what}: {error.strerror}.", next_step="Free some space there."
            ) from error
