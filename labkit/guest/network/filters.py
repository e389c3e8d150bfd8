"""QEMU's network filters: what looks at the frames of a running guest, and what leads them through this process.

A frame goes from the guest through the filters of its network to the network behind it, and the other way. Filters
come and go while the guest runs; each that has to do with us gets one end of a pair of sockets, so that nothing is
in the file system and nothing outlives either side. Each frame on a socket has its length before it, 32 bits in
network order. (QEMU's ``filter-mirror`` and ``filter-redirector``; queue ``rx`` is what the guest sends, ``tx``
is what it gets. QEMU waits for a reader that is slow, so whoever has a socket must read it at once.)
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
import struct
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from labkit.errors import GuestError
from labkit.host.monitor import Monitor, MonitorError

__all__ = ["Injector", "Mirror", "Splice"]

BUFFER_BYTES: Final = 1 << 20
FLUSH_ROUNDS: Final = 50


class _Filters:
    """Filters that were put into a network together, with their sockets."""

    def __init__(self, monitor: Monitor, network: str) -> None:
        self._monitor = monitor
        self._network = network
        self._mark = f"lab-{os.getpid()}-{secrets.token_hex(4)}"
        self._filters: list[str] = []
        self._channels: list[str] = []
        self._sockets: list[socket.socket] = []

    def _channel(self, name: str) -> socket.socket:
        """A character device in QEMU; returns the socket at whose other end it is."""
        ours, theirs = socket.socketpair()
        channel = f"{self._mark}-{name}"
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        try:
            self._monitor.ask("getfd", descriptor=theirs.fileno(), fdname=channel)
            address = {"type": "fd", "data": {"str": channel}}
            self._monitor.ask(
                "chardev-add",
                id=channel,
                backend={"type": "socket", "data": {"addr": address, "server": False}},
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._channels.append(channel)
        self._sockets.append(ours)
        return ours

    def _add(self, kind: str, name: str, queue: str, **properties: Any) -> None:
        filter_id = f"{self._mark}-{name}"
        channels = {
            key: f"{self._mark}-{value}" for key, value in properties.items() if key in ("indev", "outdev")
        }
        self._monitor.ask(
            "object-add",
            qom_type=kind,
            id=filter_id,
            netdev=self._network,
            queue=queue,
            **{**properties, **channels},
        )
        self._filters.append(filter_id)

    def _drop(self, names: list[str]) -> None:
        for name in [known for known in self._filters if known.rpartition("-")[2] in names]:
            self._filters.remove(name)
            self._monitor.ask("object-del", id=name)

    def remove(self) -> None:
        """Take all of it out. Harmless the second time, and when the guest has ended. Closes no socket of ours."""
        with contextlib.suppress(GuestError):
            for command, names in (("object-del", self._filters), ("chardev-remove", self._channels)):
                while names:
                    with contextlib.suppress(MonitorError):
                        self._monitor.ask(command, id=names.pop())

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Undo it all if the block raises: nobody has taken over the sockets then."""
        try:
            yield
        except BaseException:
            self.undo()
            raise

    def undo(self) -> None:
        """Take all of it out, and close our sockets, which nobody serves."""
        self.remove()
        for sock in self._sockets:
            sock.close()


class Mirror(_Filters):
    """Copies of all frames, as the guest sends and gets them, in their order.

    Attributes:
        frames: the socket they come from.
    """

    def __init__(self, monitor: Monitor, network: str, *, far: bool = False) -> None:
        """Put it in.

        Args:
            monitor: the guest's QEMU.
            network: the network's name there.
            far: whether it is at the other end, behind what leads frames through this process.

        Raises:
            GuestError: the guest has ended.
            MonitorError: QEMU refuses.
        """
        super().__init__(monitor, network)
        with self.undone_on_error():
            self.frames = self._channel("copy")
            # The last in the list is the one next to the guest.
            position = "head" if far else "tail"
            self._add("filter-mirror", "mirror", "all", outdev="copy", position=position)


class Injector(_Filters):
    """A way to send frames to the guest as if they came from the network behind.

    Attributes:
        to_guest: the socket for them.
    """

    def __init__(self, monitor: Monitor, network: str) -> None:
        """Put it in.

        Raises:
            GuestError: the guest has ended.
            MonitorError: QEMU refuses.
        """
        super().__init__(monitor, network)
        with self.undone_on_error():
            self.to_guest = self._channel("inject")
            self._add("filter-redirector", "injector", "tx", indev="inject", position="head")


class Splice(_Filters):
    """Leads all frames through this process.

    Attributes:
        from_guest: the socket from which come frames that the guest sends.
        to_guest: the socket for frames that the guest is to get.
        from_network: what the network behind sends to the guest.
        to_network: for what the network behind is to get.
    """

    def __init__(self, monitor: Monitor, network: str) -> None:
        """Put it in. Frames wait in the sockets until somebody reads them.

        Raises:
            GuestError: the guest has ended.
            MonitorError: QEMU refuses.
        """
        super().__init__(monitor, network)
        with self.undone_on_error():
            self.from_guest = self._channel("fromguest")
            self.to_guest = self._channel("toguest")
            self.from_network = self._channel("fromnet")
            self.to_network = self._channel("tonet")
            # To the guest frames pass the list from its head, from the guest from its tail.
            for name, queue, channel in (
                ("takeguest", "rx", {"outdev": "fromguest"}),
                ("givenet", "rx", {"indev": "tonet"}),
                ("giveguest", "tx", {"indev": "toguest"}),
                ("takenet", "tx", {"outdev": "fromnet"}),
            ):
                self._add("filter-redirector", name, queue, position="head", **channel)

    def stop_taking(self) -> None:
        """Let frames pass by; those that are under way in this process can still be given back."""
        self._drop(["takeguest", "takenet"])

    def drain(self) -> None:
        """Wait until QEMU has read what was given back."""
        for sock in (self.to_guest, self.to_network):
            for _ in range(FLUSH_ROUNDS):
                if not _unread(sock):
                    break
                self._monitor.ask("query-status")  # its loop goes round before it answers


def _unread(sock: socket.socket) -> int:
    """How much of what was sent the other side has not read (SIOCOUTQ, unix(7))."""
    if sock.fileno() < 0:
        return 0
    answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
    return int(struct.unpack("i", answer)[0])
