"""Files that hold the disks of guests: raw images, sector after sector, as they lie on this machine."""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from labkit.errors import Evidence, HostError, UsageError

__all__ = ["SECTOR", "DiskFile", "DiskLock", "check_size", "create", "in_use", "inspect", "written_by_guest"]

SECTOR: Final = 512
"""Bytes in a sector."""

# QEMU locks single bytes of an image (block/file-posix.c): of these, the first while it may read it, the second
# while it may write it.
_QEMU_LOCKS: Final = range(100, 164)
_QEMU_WRITES: Final = range(101, 102)

_FORMATS: Final = (  # where, what, and whose it is
    (0, b"QFI\xfb", "qcow2"),
    (0, b"KDMV", "VMDK"),
    (0, b"vhdxfile", "VHDX"),
    (64, b"\x7f\x10\xda\xbe", "VDI"),
    (0, b"conectix", "VHD"),
    (0, b"QED\0", "QED"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"PK\x03\x04", "zip"),
)


@dataclass(frozen=True)
class DiskFile:
    """A file that can be a disk.

    Attributes:
        path: its absolute path, symbolic links resolved.
        size: in bytes, a multiple of a sector.
        writable: whether we may write it.
    """

    path: Path
    size: int
    writable: bool

    @property
    def sectors(self) -> int:
        """How many sectors it has."""
        return self.size // SECTOR


def create(path: str | os.PathLike[str], size: int) -> DiskFile:
    """Make a new disk, all zero. The file is sparse: it takes space as it is written.

    Args:
        path: where; no file may be there.
        size: in bytes, a multiple of a sector.

    Raises:
        UsageError: there is such a file, or the size cannot be a disk's.
        HostError: it cannot be made there.
    """
    place = Path(path)
    check_size(f"{place} cannot be made", size)
    try:
        with place.open("xb") as file:
            file.truncate(size)
    except FileExistsError:
        raise UsageError(
            f"{place} is there already, and is not overwritten.",
            next_step="Use it as it is, take another name, or remove it first; replace=True in Python does that.",
        ) from None
    except (OSError, ValueError) as error:
        place.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else error
        raise HostError(
            f"The disk {place} cannot be made: {reason}.",
            next_step="Take a smaller size, or a folder that is there and can be written.",
        ) from error
    return inspect(place)


def inspect(path: str | os.PathLike[str]) -> DiskFile:
    """Look whether a file can be a disk.

    Raises:
        UsageError: it cannot; the message says why.
    """
    given = Path(path)
    try:
        place = given.resolve(strict=True)
        status = place.stat()
    except FileNotFoundError:
        raise UsageError(
            f"There is no file {given} to be a disk.",
            next_step="Check the path, or make an empty disk: "
            f"labkit disk create {shlex.quote(str(given))}, or Disk.create({str(given)!r}, '1 MiB') in Python.",
        ) from None
    except (OSError, RuntimeError, ValueError) as error:
        raise _unreadable(given, error) from error
    _check_links(given, place)
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no ordinary file"
        raise UsageError(
            f"{given} cannot be a disk: it is {kind}.", next_step="Give a file of whole sectors."
        )
    try:
        with place.open("rb") as file:
            first = file.read(SECTOR)
    except OSError as error:
        raise _unreadable(given, error) from error
    for at, magic, name in _FORMATS:
        if first.startswith(magic, at):
            raise UsageError(
                f"{given} cannot be a disk: it is of the format {name}, and guests here have raw disks only.",
                next_step="Convert it: qemu-img convert -O raw FROM TO (of qemu-utils); unpack what is packed.",
            )
    check_size(f"{given} cannot be a disk", status.st_size)
    writable = bool(status.st_mode & 0o222) and os.access(place, os.W_OK)
    return DiskFile(place, status.st_size, writable)


def _unreadable(given: Path, error: Exception) -> UsageError:
    reason = error.strerror if isinstance(error, OSError) else error
    return UsageError(f"{given} cannot be a disk: {reason}.", next_step="Give a file that you can read.")


def _check_links(given: Path, place: Path) -> None:
    """Refuse a link that leads out of its folder: whoever named the path did not name what would be written.

    Of an absolute path only the last part is looked at; the folders above may be links of the machine's own.
    """
    for part in [given] if given.is_absolute() else [given, *given.parents]:
        if part.is_symlink() and not (there := part.resolve()).is_relative_to(part.parent.resolve()):
            raise UsageError(
                f"{given} cannot be a disk: {part} is a link that leads out of its folder, to {there}.",
                next_step=f"If you mean that file, give its own path: {place}",
            )


def check_size(what: str, size: int) -> None:
    """Look whether a disk can have a size.

    Args:
        what: how the message begins: what cannot be if the size cannot.
        size: in bytes.

    Raises:
        UsageError: it cannot.
    """
    if size < SECTOR:
        raise UsageError(
            f"{what}: it {'is empty' if size == 0 else f'has {size} bytes'}, and a disk has at least one sector "
            f"of {SECTOR} bytes.",
            next_step=f"Give a size that is a multiple of {SECTOR} bytes, such as 1 MiB.",
        )
    if size % SECTOR:
        raise UsageError(
            f"{what}: {size:,} bytes are not a whole number of sectors of {SECTOR} bytes.",
            next_step=f"Give a size that is a multiple of {SECTOR} bytes; the next one is "
            f"{(size // SECTOR + 1) * SECTOR}.",
        )


class DiskLock:
    """The right to use a disk, held until it is released or this process ends.

    One guest may write a disk; several may read it while nobody writes.
    """

    def __init__(self, path: Path, *, shared: bool) -> None:
        """Take it.

        Raises:
            UsageError: a guest has the disk.
        """
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise UsageError(
                f"The disk {path} cannot be opened: {error.strerror}.", next_step="Check the file."
            ) from error
        try:
            fcntl.flock(self._file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            self.release()
            if error.errno != errno.EWOULDBLOCK:
                raise HostError(
                    f"The disk {path} cannot be locked: {error.strerror}.",
                    next_step="Put it on a file system that has locks.",
                ) from error
            raise in_use(path) from None

        if _held(self._file, _QEMU_WRITES if shared else _QEMU_LOCKS):
            self.release()
            raise in_use(path)

    def release(self) -> None:
        """Give it back. Harmless the second time."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def written_by_guest(path: Path) -> bool:
    """Whether a guest has a disk now, and may write it; takes no lock, and so disturbs nobody."""
    with path.open("rb") as file:
        return _held(file.fileno(), _QEMU_WRITES)


def _held(file: int, places: range) -> bool:
    """Whether another has a lock on one of these bytes (F_OFD_GETLK, fcntl(2))."""
    asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, places.start, len(places), 0)
    kind: int = struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_OFD_GETLK, asked))[0]
    return kind != fcntl.F_UNLCK


def in_use(path: Path, evidence: str = "") -> UsageError:
    """The error for a disk that another guest has.

    Args:
        path: the disk's file.
        evidence: what QEMU said, if it was the one to find out.
    """
    return UsageError(
        f"The disk {path} is in use by another guest.",
        next_step="Stop that guest first (labkit ps shows those that run), or give this one a copy of the file.",
        evidence=[Evidence("QEMU's words", evidence)] if evidence else [],
    )
