"""Frames of a guest as they are on the wire, captured while it runs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from labkit.errors import Evidence, GuestTimeout, HostError, UsageError
from labkit.guest.network.scapy import scapy
from labkit.guest.network.telling import Names, Teller, Told

__all__ = ["MOST_BYTES", "MOST_FRAMES", "Capture", "Frame"]

MOST_FRAMES: Final = 20_000
MOST_BYTES: Final = 32 << 20

Wanted = str | Callable[["Frame"], bool]


@dataclass
class Frame:
    """A frame.

    Attributes:
        number: its place in the capture, from 1.
        seconds: when it came, after the capture's beginning.
        data: its bytes, from the destination's hardware address on.
        sent: whether the guest sent it; otherwise the guest was to get it.
        lost: whether it got lost on the way, since the network was impaired.
    """

    number: int
    seconds: float
    data: bytes
    sent: bool
    lost: bool = False

    @property
    def packet(self) -> Any:
        """It as scapy knows it: ``frame.packet[TCP].dport``.

        Raises:
            MissingTool: scapy is not installed.
        """
        return scapy().Ether(self.data)

    def __len__(self) -> int:
        return len(self.data)


class Capture:
    """What is on a guest's wire, from its beginning until it is closed, or is full. A context manager.

    Attributes:
        names: how hosts are called in what is told of frames.
    """

    def __init__(
        self,
        names: Names,
        *,
        sent: Callable[[bytes], bool],
        most: int = MOST_FRAMES,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        if most < 1 or most_bytes < 1:
            raise UsageError(
                f"A capture of at most {min(most, most_bytes)} makes no sense.",
                next_step="Give a number above 0, or none.",
            )
        self.names = names
        self._sent = sent
        self._most = most
        self._most_bytes = most_bytes
        self._frames: list[Frame] = []
        self._lost_ahead: list[bytes] = []
        self._bytes = 0
        self._full = False
        self._closed = False
        self._seen = 0
        self._began = time.monotonic()
        self._changed = threading.Condition()
        self._end: Callable[[], None] = lambda: None
        self._teller: Teller | None = None
        self._told: list[Told] = []
        self._telling = threading.Lock()

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames so far."""
        with self._changed:
            return tuple(self._frames)

    @property
    def full(self) -> bool:
        """Whether it has taken as much as it may; what came later is not in it."""
        return self._full

    @property
    def closed(self) -> bool:
        """Whether nothing more is captured."""
        return self._closed

    @property
    def age(self) -> float:
        """How long ago it began, in seconds."""
        return time.monotonic() - self._began

    def told(self, most: int | None = None) -> tuple[Told, ...]:
        """What each frame says, in words: who to whom, by which protocol, what.

        Args:
            most: of how many frames, the first ones; of all unless given.

        Raises:
            MissingTool: scapy is not installed.
        """
        with self._telling:
            if self._teller is None:
                self._teller = Teller(self.names)
            self._told += map(self._teller.tell, self.frames[len(self._told) : most])
            return tuple(self._told[:most])

    def wait_for(self, wanted: Wanted, timeout: float = 5.0) -> Frame:
        """Wait until a frame comes, looking behind the one found before.

        Args:
            wanted: words that are in what is told of the frame, such as ``"SYN"``, ``"DHCP offer"`` or
                ``"echo reply"``; or a function that says whether this is it.
            timeout: the longest wait, in seconds.

        Raises:
            GuestTimeout: it did not come in that time, or the capture has ended without it.
            MissingTool: scapy is not installed.
        """
        deadline = time.monotonic() + timeout
        while True:
            with self._changed:
                count, over = len(self._frames), self._closed
            found = self._find(wanted)
            if found is not None:
                return found
            with self._changed:
                if over or not self._changed.wait_for(
                    lambda count=count: self._closed or len(self._frames) > count,  # type: ignore[misc]
                    deadline - time.monotonic(),
                ):
                    break
        lines = [str(told) for told in self.told()[-15:]]
        name = repr(wanted) if isinstance(wanted, str) else "the frame that was asked for"
        raise GuestTimeout(
            f"{name} did not come in {timeout:g} s." if not over else f"The capture ended without {name}.",
            next_step="Compare the frames with what you expect. guest.network.check(port) says which layer fails.",
            evidence=[Evidence("the last frames", "\n".join(lines))],
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a pcap file, for Wireshark or tcpdump.

        Raises:
            HostError: it cannot be written there.
            MissingTool: scapy is not installed.
        """
        place = Path(path)
        began = time.time() - (time.monotonic() - self._began)
        writer = scapy().RawPcapWriter
        try:
            with place.open("wb") as file, writer(file, linktype=1, sync=False) as pcap:
                pcap.write_header(None)
                for frame in self.frames:
                    whole, fraction = divmod(began + frame.seconds, 1)
                    pcap.write_packet(frame.data, sec=int(whole), usec=int(fraction * 1e6))
        except OSError as error:
            raise HostError(
                f"The capture cannot be written to {place}: {error.strerror}.",
                next_step="Give a path in a folder that is there and can be written.",
            ) from error
        return place

    def close(self) -> None:
        """Capture no more; what was captured stays. Harmless the second time."""
        end, self._end = self._end, lambda: None
        end()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "full" if self._full else "closed" if self._closed else "under way"
        return f"<Capture: {len(self._frames)} frames, {state}>"

    # The side of whoever captures, in one thread

    def ended_by(self, end: Callable[[], None]) -> None:
        """Take note of what ends it."""
        self._end = end

    def feed(self, data: bytes) -> bool:
        """Take a frame; False if it is full or closed."""
        with self._changed:
            if self._closed or self._full:
                return False
            if len(self._frames) >= self._most or self._bytes + len(data) > self._most_bytes:
                self._full = True
                return False
            self._add(data)
            return True

    def lost(self, data: bytes, sent: bool) -> None:
        """Take note that a frame got lost: one that the guest had sent, or was to get."""
        with self._changed:
            if self._closed or self._full:
                return
            if not sent:
                self._add(data, lost=True)
                return
            for frame in reversed(self._frames):
                if frame.sent and not frame.lost and frame.data == data:
                    frame.lost = True
                    break
            else:
                self._lost_ahead.append(data)  # its copy is still to come

    def _add(self, data: bytes, *, lost: bool = False) -> None:
        sent = self._sent(data)
        if sent and data in self._lost_ahead:
            self._lost_ahead.remove(data)
            lost = True
        self._bytes += len(data)
        number = len(self._frames) + 1
        self._frames.append(Frame(number, time.monotonic() - self._began, data, sent, lost))
        self._changed.notify_all()

    def _find(self, wanted: Wanted) -> Frame | None:
        frames = self.frames
        if isinstance(wanted, str):
            told = self.told()
            matches: Callable[[int], bool] = lambda at: at < len(told) and wanted in str(told[at])  # noqa: E731
        else:
            matches = lambda at: wanted(frames[at])  # noqa: E731
        for at in range(self._seen, len(frames)):
            if matches(at):
                self._seen = at + 1
                return frames[at]
        return None
