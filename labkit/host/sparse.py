"""Files with holes, as disks are: copied without filling the holes, and compared without reading them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

__all__ = ["anonymous", "copy", "differing", "extents"]

CHUNK: Final = 1 << 20
_FICLONE: Final = 0x40049409  # ioctl_ficlone(2): share the blocks, where the file system can


def anonymous(folder: Path) -> IO[bytes]:
    """A file without a name, in a folder if it can be: it is gone when it is closed, or its process ends.

    Raises:
        OSError: there is no room for it.
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
    with contextlib.suppress(OSError):
        fcntl.ioctl(target, _FICLONE, source)
        return
    os.ftruncate(target, os.fstat(source).st_size)
    for begin, end in extents(source):
        at = begin
        while at < end:
            at += os.copy_file_range(source, target, end - at, at, at) or end - at


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
    streams = [extents(one), extents(other)]
    heads = [next(stream, None) for stream in streams]
    done = 0
    while any(heads):
        which = min((head[0], index) for index, head in enumerate(heads) if head)[1]
        head = heads[which]
        assert head is not None  # noqa: S101  min has chosen it
        begin, end = max(done, head[0] // CHUNK * CHUNK), min(size, -(-head[1] // CHUNK) * CHUNK)
        for at in range(begin, end, CHUNK):
            yield at, min(at + CHUNK, end)
        done = max(done, end)
        heads[which] = next(streams[which], None)
