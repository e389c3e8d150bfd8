"""Frames over a stream socket, each with its length before it, on a pump."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from typing import Final

from labkit.guest.pump import Pump

__all__ = ["FrameStream"]

READ_BYTES: Final = 1 << 18
UNSENT_BYTES: Final = 1 << 20
_LENGTH: Final = 4


class FrameStream:
    """One socket from or to QEMU. All methods run in the pump's thread.

    Attributes:
        dropped: frames that could not be sent, since the other side reads too slowly.
    """

    def __init__(self, pump: Pump, sock: socket.socket, on_frames: Callable[[list[bytes]], None]) -> None:
        """Take over a socket. Until the pump runs this may be called by any thread.

        Args:
            pump: whose thread serves it.
            sock: the socket; closed together with this.
            on_frames: called with frames that came together, in their order.
        """
        self.dropped = 0
        self._pump = pump
        self._socket = sock
        self._on_frames = on_frames
        self._came = bytearray()
        self._unsent = bytearray()
        self._flush_posted = False
        self._writing = False
        self._open = True
        sock.setblocking(False)
        pump.watch(sock, self._ready, selectors.EVENT_READ)

    def send(self, frame: bytes) -> None:
        """Send a frame, together with others that are sent in this turn of the pump."""
        if not self._open:
            return
        if len(self._unsent) > UNSENT_BYTES:
            self.dropped += 1
            return
        self._unsent += len(frame).to_bytes(_LENGTH, "big")
        self._unsent += frame
        if not self._flush_posted:
            self._flush_posted = True
            self._pump.post(self.flush)

    def flush(self) -> None:
        """Send what waits, as far as the other side takes it."""
        self._flush_posted = False
        if not self._open:
            return
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()  # the other side has gone; reading will show it
        if self._writing != bool(self._unsent):
            self._writing = not self._writing
            interest = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._writing else 0)
            self._pump.watch(self._socket, self._ready, interest)

    def read(self) -> None:
        """Take all that has come, without waiting for more."""
        while self._open and self._read_once():
            continue

    def finish(self) -> None:
        """Take what has come, and close."""
        self.read()
        self.close()

    def close(self) -> None:
        """Close it and its socket. Harmless the second time."""
        if self._open:
            self._open = False
            self._pump.forget(self._socket)

    def _ready(self, mask: int) -> None:
        if mask & selectors.EVENT_READ:
            self._read_once()
        if mask & selectors.EVENT_WRITE:
            self.flush()

    def _read_once(self) -> bool:
        """Take one piece; False if there is none."""
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self.close()
            return False
        self._take(data)
        return True

    def _take(self, data: bytes) -> None:
        came = self._came
        came += data
        frames = []
        at = 0
        while len(came) - at >= _LENGTH:
            begin = at + _LENGTH
            end = begin + int.from_bytes(came[at:begin], "big")
            if end > len(came):
                break
            frames.append(bytes(came[begin:end]))
            at = end
        del came[:at]
        if frames:
            self._on_frames(frames)
