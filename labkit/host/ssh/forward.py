"""Ports of this machine that lead through an SSH connection."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from labkit.errors import LabError, UsageError
from labkit.host.ssh.channel import splice

if TYPE_CHECKING:
    from labkit.host.ssh.session import Session

__all__ = ["Listener"]

LOOPBACK: Final = "127.0.0.1"
BACKLOG: Final = 1024


class Listener:
    """A port of this machine, on 127.0.0.1, and the threads that lead what comes there through the connection.

    Attributes:
        port: the port.
    """

    def __init__(self, session: Session, find: Callable[[], tuple[str, int]], local: int) -> None:
        self._session = session
        self._find = find
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closed = False
        try:
            self._socket = socket.create_server((LOOPBACK, local), backlog=BACKLOG)
        except (OSError, OverflowError) as error:
            taken = getattr(error, "errno", None) == errno.EADDRINUSE
            raise UsageError(
                f"Port {local} of this machine {'is in use' if taken else 'cannot be had'} ({error}).",
                next_step="Take another port, or let the system choose one.",
            ) from error
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name=f"labkit-ssh-{self.port}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give the port back and cut what leads through it. Raises nothing."""
        with self._lock:
            self._closed = True
            connections = list(self._open)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self._thread.join()
        self._socket.close()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with self._lock:
                if self._closed:
                    connection.close()
                    return
                self._open.add(connection)
            threading.Thread(
                target=self._lead, args=(connection,), name=f"{self._thread.name}-way", daemon=True
            ).start()

    def _lead(self, connection: socket.socket) -> None:
        with connection:
            try:
                channel = self._session.open("direct-tcpip", self._find())
                splice(channel, connection)
            except LabError:
                pass  # who connected sees that nobody is there
            finally:
                with self._lock:
                    self._open.discard(connection)
