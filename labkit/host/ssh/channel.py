"""A program that runs on another machine."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from labkit.errors import Evidence, SshError

if TYPE_CHECKING:
    import paramiko

__all__ = ["Channel", "Finished", "cut", "splice"]

READ_BYTES: Final = 1 << 16
ERROR_BYTES: Final = 1 << 16  # of standard error that are kept
_SETTLE_SECONDS: Final = 1.0  # how long a cut connection may take to be known as such


@dataclass(frozen=True)
class Finished:
    """What came of a program.

    Attributes:
        status: its exit status; -1 where a signal ended it.
        output: its standard output.
        errors: the end of its standard error.
    """

    status: int
    output: bytes
    errors: bytes


class Channel:
    """A live program. Reading, sending and waiting are for one thread each; a context manager.

    Attributes:
        name: what runs, in words, for messages.
    """

    def __init__(
        self, channel: paramiko.Channel, name: str, host: str, on_errors: Callable[[bytes], None] | None
    ) -> None:
        """Made by :meth:`labkit.host.ssh.Session.start`."""
        self._channel = channel
        self.name = name
        self._host = host
        self._errors = bytearray()
        self._on_errors = on_errors or self._keep
        self._drain = threading.Thread(target=self._read_errors, name="labkit-ssh-errors", daemon=True)
        self._drain.start()

    @property
    def errors(self) -> bytes:
        """Its standard error so far; the end of it where that is long."""
        return bytes(self._errors)

    def read(self, most: int = READ_BYTES, timeout: float | None = None) -> bytes:
        """Bytes of its standard output, as soon as there are some; none once it has closed that.

        Args:
            most: the most bytes.
            timeout: the longest wait, in seconds.

        Raises:
            SshError: nothing came in that time.
        """
        self._channel.settimeout(timeout)
        try:
            return bytes(self._channel.recv(most))
        except TimeoutError as error:
            raise self._late(timeout) from error
        except (OSError, EOFError):
            return b""  # cut; status() says so

    def send(self, data: bytes) -> None:
        """Send to its standard input; waits while the program does not read.

        Raises:
            SshError: it has closed that, or the connection was cut.
        """
        try:
            self._channel.sendall(data)
        except (OSError, EOFError) as error:
            raise SshError(
                f"{self.name} on {self._host} takes no input any more.",
                next_step="It has ended, or the connection was cut; start it again.",
                evidence=self._evidence(),
            ) from error

    def end_input(self) -> None:
        """Close its standard input. Harmless if it has ended."""
        if not self._channel.closed:
            self._channel.shutdown_write()

    def status(self, timeout: float | None = None) -> int:
        """Wait for its end, and give its exit status; -1 where a signal ended it. Its output must be read first.

        Args:
            timeout: the longest wait, in seconds.

        Raises:
            SshError: the connection was cut before its end, or it runs still.
        """
        if not self._channel.status_event.wait(timeout):
            raise self._late(timeout)
        status = int(self._channel.exit_status)
        if status == -1 and self.cut:
            raise cut(self._host, f"while {self.name} ran", self._evidence())
        return status

    def finish(self, input: bytes = b"", timeout: float | None = None) -> Finished:  # noqa: A002
        """Give it all its input, and wait for its end.

        Args:
            input: its standard input, which is closed then.
            timeout: the longest wait, in seconds; then it loses its input and output, which ends most programs.

        Raises:
            SshError: it runs still, or the connection was cut.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        feeder = threading.Thread(target=self._feed, args=(input,), name="labkit-ssh-input", daemon=True)
        feeder.start()
        output = bytearray()

        def left() -> float | None:
            return None if deadline is None else max(0.001, deadline - time.monotonic())

        try:
            while piece := self.read(timeout=left()):
                output += piece
            status = self.status(left())
            self._drain.join(left())
        except SshError as error:
            raise (self._late(timeout) if isinstance(error.__cause__, TimeoutError) else error) from None
        finally:
            self.close()
            feeder.join()
        return Finished(status, bytes(output), self.errors)

    def join_to(self, sock: socket.socket) -> None:
        """Pass bytes on between it and a socket, both ways, till the end of both. Nobody else may read then."""
        splice(self._channel, sock)

    def close(self) -> None:
        """Let go of it: it gets an end of file, and nobody reads what it prints. Raises nothing."""
        self._channel.close()
        self._drain.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _feed(self, data: bytes) -> None:
        try:
            self._channel.sendall(data)
            self.end_input()
        except (OSError, EOFError):
            pass  # it does not want it all

    def _read_errors(self) -> None:
        piece = b"-"
        while piece:
            piece = self._next_errors()
            self._on_errors(piece)

    def _keep(self, piece: bytes) -> None:
        self._errors += piece
        del self._errors[:-ERROR_BYTES]

    def _next_errors(self) -> bytes:
        while True:
            try:
                return bytes(self._channel.recv_stderr(READ_BYTES))
            except TimeoutError:
                continue  # the time-out is that of a reader of its output
            except (OSError, EOFError):
                return b""

    @property
    def cut(self) -> bool:
        """Whether the connection has gone, once the program has told no status."""
        transport = self._channel.get_transport()
        transport.join(_SETTLE_SECONDS)
        return not transport.is_active()

    def _late(self, timeout: float | None) -> SshError:
        late = SshError(
            f"{self.name} on {self._host} has not answered in {timeout:g} s.",
            next_step="Look what that machine is busy with, and try again.",
            evidence=self._evidence(),
        )
        late.__cause__ = TimeoutError()
        return late

    def _evidence(self) -> list[Evidence]:
        said = self.errors.decode("utf-8", "replace")
        return [Evidence("its words", said)] if said else []


def cut(host: str, when: str, evidence: list[Evidence] | None = None) -> SshError:
    """The error of a connection that was cut.

    Args:
        host: the machine.
        when: when that was, in words.
        evidence: what shows more.
    """
    return SshError(
        f"The connection to {host} was cut {when}.",
        next_step="Look at the network between you and it, and try again: the connection is made anew.",
        evidence=evidence or (),
    )


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
