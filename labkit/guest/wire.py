"""What goes over a guest's relay socket: frames of a letter, a length and a content.

The socket named ``relay`` in a guest's run folder is opened by the process that owns the guest; other processes of
the same user connect to it to see the console, type on it, and stop the guest.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Final

__all__ = [
    "CONSOLE",
    "CUT",
    "END",
    "EVENT",
    "HELLO",
    "INPUT",
    "STOP",
    "FrameReader",
    "WireError",
    "frame",
    "json_frame",
]

HELLO: Final = b"H"  # owner: JSON, the guest's name and image
CONSOLE: Final = b"C"  # owner: bytes of the console
CUT: Final = b"K"  # owner: JSON, how many bytes of the console are missing here
EVENT: Final = b"E"  # owner: JSON, kind and detail
END: Final = b"X"  # owner: JSON, how the guest ended; the last frame
INPUT: Final = b"I"  # client: bytes for the console
STOP: Final = b"S"  # client: stop the guest

_HEADER: Final = struct.Struct(">cI")
_MOST: Final = 1 << 20


class WireError(ValueError):
    """The other side does not speak this protocol."""


def frame(kind: bytes, content: bytes = b"") -> bytes:
    """One frame."""
    return _HEADER.pack(kind, len(content)) + content


def json_frame(kind: bytes, content: dict[str, Any]) -> bytes:
    """One frame whose content is JSON."""
    return frame(kind, json.dumps(content).encode())


class FrameReader:
    """Turns a stream of bytes into frames."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """The frames that ``data`` completes: letter and content.

        Raises:
            WireError: a frame is longer than frames are.
        """
        self._rest += data
        frames = []
        while len(self._rest) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._rest)
            if length > _MOST:
                raise WireError(f"a frame of {length} bytes")
            if len(self._rest) < _HEADER.size + length:
                break
            frames.append((kind, bytes(self._rest[_HEADER.size : _HEADER.size + length])))
            del self._rest[: _HEADER.size + length]
        return frames
