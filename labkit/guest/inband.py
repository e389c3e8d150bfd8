"""Control records in a console: how a guest of Xen, which has one channel only, tells of itself.

``docs/ARCHITECTURE.md`` has the contract (between a Xen guest and whoever starts it): each record of
:mod:`labkit.guest.control` is in a control sequence that terminals do not show,
``ESC ] 7077 ; unikernel RECORD ESC \\``.
"""

from __future__ import annotations

from typing import Final

from labkit.guest.control import RECORD_BYTES

__all__ = ["InBand"]

_BEFORE: Final = b"\x1b]7077;unikernel "
_AFTER: Final = b"\x1b\\"


class InBand:
    """Parts what a guest prints from the records in it."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """What ``data`` adds to the console, and to the control channel: whole records, one a line.

        The beginning of what may be a record is kept until more comes.
        """
        text = self._rest + data
        console, records = bytearray(), bytearray()
        while text:
            start = text.find(b"\x1b")
            if start < 0:
                start = len(text)
            console += text[:start]
            text = text[start:]
            if not _BEFORE.startswith(text[: len(_BEFORE)]):
                console += text[:1]
                text = text[1:]
                continue
            if len(text) < len(_BEFORE):
                break
            end = text.find(b"\x1b", len(_BEFORE))
            if (end < 0 and len(text) < len(_BEFORE) + RECORD_BYTES) or text[end:] == b"\x1b":
                break
            if end < 0 or not text.startswith(_AFTER, end) or end > len(_BEFORE) + RECORD_BYTES:
                console += text[:1]
                text = text[1:]
                continue
            records += text[len(_BEFORE) : end] + b"\n"
            text = text[end + len(_AFTER) :]
        self._rest = text
        return bytes(console), bytes(records)

    def end(self) -> bytes:
        """What was kept and is no record, since nothing more comes."""
        rest, self._rest = self._rest, b""
        return rest
