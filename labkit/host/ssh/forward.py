"""Ports of this machine that lead through an SSH connection."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
from typing import TYPE_CHECKING, Final

from labkit.errors import LabError, UsageError
from labkit.host.ssh.channel import READ_BYTES

if TYPE_CHECKING:
    import paramiko

    from labkit.host.ssh.session import Session

__all__ = ["Listener", "splice"]

LOOPBACK: Final = "127.0.0.1"
BACKLOG: Final = 1024


class Listener:
    """A port of this machine, on 127.0.0.1, and the threads that lead what comes there through the connection.

    Attributes:
        port: the port.
    """

    def __init__(self, session: Session, host: str, port: int, local: int) -> None:
        self._session = session
        self._target = (host, port)
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
                channel = self._session.open("direct-tcpip", self._target)
                splice(channel, connection)
            except LabError:
                pass  # who connected sees that nobody is there
            finally:
                with self._lock:
                    self._open.discard(connection)


def splice(channel: paramiko.Channel, sock: socket.socket) -> None:
    """Pass bytes on between a channel and a socket, both ways, ends of file too; returns at the end of both."""

    def outward() -> None:
        with contextlib.suppress(OSError, EOFError):
            while data := sock.recv(READ_BYTES):
                channel.sendall(data)
        with contextlib.suppress(OSError, EOFError):
            channel.shutdown_write()

    channel.settimeout(None)
    sending = threading.Thread(target=outward, name="labkit-ssh-out", daemon=True)
    sending.start()
    try:
        while data := channel.recv(READ_BYTES):
            sock.sendall(data)
    except (OSError, EOFError):
        pass
    finally:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
        if channel.closed or not channel.get_transport().is_active():
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RD)
        sending.join()
        channel.close()
