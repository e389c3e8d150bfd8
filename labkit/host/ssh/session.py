"""A machine reached by SSH, over one connection that is used again and again, and made anew after a cut."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from labkit.errors import Evidence, SshError, UsageError
from labkit.host.ssh import transfer
from labkit.host.ssh.channel import Channel, Finished, cut
from labkit.host.ssh.login import Login

if TYPE_CHECKING:
    import paramiko

    from labkit.host.ssh.connect import Connection
    from labkit.host.ssh.forward import Listener

__all__ = ["Session"]


class Session:
    """Commands, files and ports of another machine. From any thread; a context manager.

    It connects when it is first used, and again when it is used after a cut; what ran when the connection was cut
    has ended then, and says so.

    Attributes:
        login: whose machine it is.
    """

    def __init__(self, login: Login) -> None:
        self.login = login
        self._connection: Connection | None = None
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()
        self._closed = False

    def run(self, *words: str, input: bytes = b"", timeout: float | None = None) -> Finished:  # noqa: A002
        """Run a program to its end.

        Args:
            words: its name and arguments, each of which arrives there as it is.
            input: its standard input.
            timeout: the longest it may take, in seconds.

        Raises:
            SshError: it cannot be started, takes longer, or the connection was cut.
        """
        with self.start(*words) as channel:
            return channel.finish(input, timeout)

    def start(
        self, *words: str, pty: bool = False, on_errors: Callable[[bytes], None] | None = None
    ) -> Channel:
        """Start a program, to talk with it.

        Args:
            words: its name and arguments, each of which arrives there as it is.
            pty: whether it gets a terminal; its standard error is its standard output then.
            on_errors: called with each piece of its standard error, and an empty one at the end, in a thread of
                its own; else the end of it is kept.

        Raises:
            SshError: it cannot be started.
        """
        if not words or any("\0" in word for word in words):
            raise UsageError(
                f"{words!r} is no command.", next_step="Give a program's name and its arguments."
            )
        opened = self.open("session")
        try:
            if pty:
                opened.get_pty()
            opened.exec_command(shlex.join(words))
        except _errors() as error:
            opened.close()
            raise cut(str(self.login), f"before {words[0]} was started", _words(error)) from error
        return Channel(opened, words[0], str(self.login), on_errors)

    def upload(
        self,
        source: Path,
        target: str,
        mode: int = 0o600,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Copy a file there, by SFTP: under its name it is there whole, or as it was before.

        Args:
            source: the file here.
            target: its path there.
            mode: its permissions there.
            progress: called with the bytes that are there, and all.

        Raises:
            SshError: it cannot be written there, or the connection was cut.
            HostError: it cannot be read here.
        """
        transfer.upload(self, source, target, mode, progress)

    def download(self, source: str, target: Path) -> None:
        """Copy a file from there, by SFTP: under its name it is here whole, or as it was before.

        Args:
            source: its path there.
            target: the file here, which keeps its permissions if it is there already.

        Raises:
            SshError: it cannot be read there, or the connection was cut.
            HostError: it cannot be written here.
        """
        transfer.download(self, source, target)

    def forward(self, host: str, port: int, local: int = 0) -> int:
        """Lead a port of this machine, on 127.0.0.1 only, through the connection, until this object is closed.

        Args:
            host: where it leads to, as seen from the other machine.
            port: the port there.
            local: the port here; one that the system chooses unless given.

        Returns:
            The port here.

        Raises:
            UsageError: that port cannot be had.
        """
        return self.forward_to(lambda: (host, port), local)

    def forward_to(self, find: Callable[[], tuple[str, int]], local: int = 0) -> int:
        """The same, to a place that is found out whenever somebody connects.

        Args:
            find: gives the place; raises a LabError if there is none, which ends the connection.
            local: the port here; one that the system chooses unless given.

        Raises:
            UsageError: that port cannot be had.
        """
        from labkit.host.ssh.forward import Listener

        with self._lock:
            self._check_open()
            listener = Listener(self, find, local)
            self._listeners.append(listener)
        return listener.port

    def unforward(self, local: int) -> None:
        """Take the forward of a local port away; connections that stand stay. Harmless if there is none."""
        with self._lock:
            gone = [listener for listener in self._listeners if listener.port == local]
            self._listeners = [listener for listener in self._listeners if listener.port != local]
        for listener in gone:
            listener.close()

    def open(self, kind: str, target: tuple[str, int] | None = None) -> paramiko.Channel:
        """A channel of paramiko's, on the connection that stands or on a new one.

        Args:
            kind: ``session`` or ``direct-tcpip``.
            target: where the latter leads to.

        Raises:
            SshError: the server does not open one.
        """
        import paramiko

        from labkit.host.ssh.connect import OPEN_SECONDS

        for is_last in (False, True):
            connection = self._connected()
            source = ("127.0.0.1", 0) if target else None
            try:
                return connection.transport.open_channel(kind, target, source, timeout=OPEN_SECONDS)
            except paramiko.ChannelException as error:
                raise SshError(
                    f"{self.login} refuses "
                    + (f"a way to {target[0]}:{target[1]}." if target else "more programs."),
                    next_step="Look whether something listens there, and at AllowTcpForwarding of its SSH server."
                    if target
                    else "Close some first, or raise MaxSessions of its SSH server.",
                    evidence=_words(error),
                ) from error
            except _errors() as error:
                connection.close()
                if is_last:
                    raise cut(str(self.login), "as soon as it was made", _words(error)) from error
        raise AssertionError("not reached")

    @property
    def connected(self) -> bool:
        """Whether a connection stands, as far as is known."""
        connection = self._connection
        return connection is not None and connection.alive

    def close(self) -> None:
        """End the connection, what runs through it, and forwards. Raises nothing; twice does no harm."""
        with self._lock:
            self._closed = True
            listeners, self._listeners = self._listeners, []
            connection, self._connection = self._connection, None
        for listener in listeners:
            listener.close()
        if connection is not None:
            connection.close()

    def __enter__(self) -> Self:
        self._connected()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Session {self.login}: {'connected' if self.connected else 'not connected'}>"

    def _connected(self) -> Connection:
        from labkit.host.ssh.connect import connect

        with self._lock:
            self._check_open()
            if self._connection is not None and not self._connection.alive:
                self._connection.close()
                self._connection = None
            if self._connection is None:
                self._connection = connect(self.login)
            return self._connection

    def _check_open(self) -> None:
        if self._closed:
            raise SshError(f"The session with {self.login} was closed.", next_step="Make another one.")


def _errors() -> tuple[type[Exception], ...]:
    import paramiko

    return (paramiko.SSHException, OSError, EOFError)


def _words(error: Any) -> list[Evidence]:
    return [Evidence("words of the connection", str(error) or type(error).__name__)]
