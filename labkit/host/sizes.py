"""Sizes as people write them."""

from __future__ import annotations

import re
from typing import Final

from labkit.errors import UsageError

__all__ = ["bytes_of", "words_of"]

_UNITS: Final = {"": 1, "b": 1, "bytes": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
_SIZE: Final = re.compile(r"\s*(\d+)\s*([a-z]*)\s*", re.IGNORECASE)


def bytes_of(size: int | str) -> int:
    """A size in bytes.

    Args:
        size: a number of bytes, or a text such as ``1 MiB``.

    Raises:
        UsageError: it is neither.
    """
    if isinstance(size, int):
        return size
    match = _SIZE.fullmatch(size)
    if match is None or match[2].lower() not in _UNITS:
        raise UsageError(
            f"{size!r} is not a size.",
            next_step="Write a number of bytes, or a text such as '64 KiB', '1 MiB' or '2 GiB'.",
        )
    return int(match[1]) * _UNITS[match[2].lower()]


def words_of(size: int) -> str:
    """A size for people: the largest unit of which it is a whole number."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size and size % _UNITS[unit.lower()] == 0:
            return f"{size // _UNITS[unit.lower()]} {unit}"
    return f"{size:,} bytes"
