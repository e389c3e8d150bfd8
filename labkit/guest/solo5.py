"""How a Solo5 guest tells of its end: on its console, since it has no control channel.

The lines are those of Solo5's ``bindings/exit.c`` and ``bindings/abort.c``. ``--solo5:quiet`` keeps all but its
panics off the console.
"""

from __future__ import annotations

import re
from typing import Final

from labkit.guest.control import ExitRecord, PanicRecord

__all__ = ["EndReader"]

_LINE_BYTES: Final = 1024  # more than Solo5 writes on a line
_EXIT: Final = re.compile(rb"Solo5: solo5_exit\((\d{1,3})\) called\r?")
_ABORTED: Final = re.compile(rb"Solo5: solo5_abort\(\) called\r?")
_PANIC: Final = re.compile(rb"Solo5: ABORT: (.+?)\r?")


class EndReader:
    """Finds on a console what Solo5 says of the end."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[ExitRecord | PanicRecord]:
        """The records that ``data`` completes, in order."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-_LINE_BYTES:]
        return [record for line in lines if (record := _record(line)) is not None]


def _record(line: bytes) -> ExitRecord | PanicRecord | None:
    # A program may have left its last line without an end, so Solo5's may begin within a line.
    start = line.rfind(b"Solo5: ")
    if start < 0:
        return None
    words = line[start:]
    if told := _EXIT.fullmatch(words):
        status = int(told[1])
        return ExitRecord(status) if status <= 255 else None
    if _ABORTED.fullmatch(words):
        return PanicRecord("solo5_abort() was called")
    if told := _PANIC.fullmatch(words):
        return PanicRecord(told[1].decode("utf-8", "replace"))
    return None
