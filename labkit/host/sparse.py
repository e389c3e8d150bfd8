"""Files with holes, as disks are: copied without filling the holes, and compared without reading them."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

__all__ = ["anonymous", "copy", "differing", "extents", "fill"]

CHUNK: Final = 1 << 20
_FICLONE: Final = 0x40049409  # ioctl_ficlone(2): share the blocks, where the file system can


def anonymous(folder: Path) -> IO[bytes]:
    """A file without a name, in a folder if it can be: it is gone when it is closed, or its process ends.

    Raises:
        OSError: it can be made nowhere.
    """
    try:
        return tempfile.TemporaryFile(dir=folder, buffering=0)
    except OSError:
        return tempfile.TemporaryFile(buffering=0)


def extents(file: int) -> Iterator[tuple[int, int]]:
    """The stretches of a file that are no holes: begin and end, in bytes.

    Args:
        file: its descriptor; its position moves.
    """
    end = 0
    while True:
        try:
            begin = os.lseek(file, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                return
            raise
        end = os.lseek(file, begin, os.SEEK_HOLE)
        yield begin, end


def copy(source: int, target: int) -> None:
    """Make an empty file the same as another; where the file system can, they share their blocks.

    Args:
        source: descriptor of a file.
        target: descriptor of an empty one.

    Raises:
        OSError: there is no room for it, or a file cannot be read or written.
    """
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        os.ftruncate(target, os.fstat(source).st_size)
        fill(source, target)


def fill(source: int, target: int) -> None:
    """Copy what is in a file to the same places of another; its holes are left out.

    Args:
        source: descriptor of a file.
        target: descriptor of another.

    Raises:
        OSError: there is no room for it, or a file cannot be read or written.
    """
    for begin, end in extents(source):
        for at in range(begin, end, CHUNK):
            data = os.pread(source, min(CHUNK, end - at), at)
            while data:
                done = os.pwrite(target, data, at)
                data, at = data[done:], at + done  # noqa: PLW2901  a short write goes on where it ended


def differing(one: int, other: int, unit: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Where two files of one size differ, unit by unit: number of the unit, its bytes in each.

    Args:
        one: descriptor of a file.
        other: descriptor of another.
        unit: bytes in a unit, of which a megabyte is a multiple.
    """
    for begin, end in _chunks(one, other):
        first, second = os.pread(one, end - begin, begin), os.pread(other, end - begin, begin)
        if first == second:
            continue
        for at in range(0, len(first), unit):
            here, there = first[at : at + unit], second[at : at + unit]
            if here != there:
                yield (begin + at) // unit, here, there


def _chunks(one: int, other: int) -> Iterator[tuple[int, int]]:
    """The chunks, at most a megabyte each, in which at least one of two files has more than a hole."""
    size = os.fstat(one).st_size
    # The extents of a file are asked for as they are needed, and it may be written meanwhile; so, all at once.
    touched = {
        number
        for file in (one, other)
        for begin, end in extents(file)
        for number in range(begin // CHUNK, -(-end // CHUNK))
    }
    for number in sorted(touched):
        yield number * CHUNK, min(size, (number + 1) * CHUNK)
