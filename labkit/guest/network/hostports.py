"""Ports of this machine that a process listens on in the place of its own: its forwards.

The process is told of them by an environment variable, and later over its control channel, and answers there
(``docs/ARCHITECTURE.md``, section 4; ``libos/unix/sockets/ports.ml``).
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from labkit.errors import GuestError, UsageError
from labkit.guest.control import ForwardRecord, ListenRecord
from labkit.guest.network.forward import (
    ATTEMPTS,
    LOOPBACK,
    Forward,
    Protocol,
    check_free,
    check_port,
    free_port,
)
from labkit.host.backlog import BACKLOG

__all__ = ["PORTS_VARIABLE", "HostPorts"]

PORTS_VARIABLE: Final = "UNIKERNEL_PORTS"
"""Environment variable with the ports of this machine that stand for the program's."""

ANSWER_SECONDS: Final = 5.0  # for a process that has something else to do
LISTEN_SECONDS: Final = 1.0  # until it listens; it may never do so


class HostPorts:
    """The forwards of one process. From any thread.

    Attributes:
        all: those that there are.
    """

    def __init__(self, name: str, tell: Callable[[str], None], ended: Callable[[], bool]) -> None:
        """Make it.

        Args:
            name: the guest's, for messages.
            tell: passes a line on to the process.
            ended: whether it has ended.
        """
        self.all: list[Forward] = []
        self._name = name
        self._tell = tell
        self._ended = ended
        self._listened: set[tuple[int, Protocol]] = set()
        self._states: dict[str, ForwardRecord] = {}
        self._kept: dict[Forward, socket.socket] = {}
        self._changed = threading.Condition()

    def begin(self, forwards: Mapping[int, int]) -> str:
        """Take ports for a process that is about to start; what the environment variable is to be.

        Args:
            forwards: its port by this machine's; 0 is for one that the system chooses.

        Raises:
            UsageError: a port is in use, or a number is no port's.
        """
        for host_port, port in forwards.items():
            self._add(port, host_port, "tcp")
        return ",".join(map(_words, self.all))

    def add(self, guest_port: int, host_port: int = 0, protocol: Protocol = "tcp") -> Forward:
        """Have the process listen on a port of this machine in the place of its own.

        Args:
            guest_port: its own, 1 to 65535.
            host_port: this machine's; 0 for one that the system chooses.
            protocol: ``tcp`` or ``udp``.

        Raises:
            UsageError: the port is in use, or a number is no port's.
            GuestError: the process has ended, does not answer, or cannot have the port.
        """
        for attempt in range(1, ATTEMPTS + 1):
            self._refuse_ended()
            forward = self._add(guest_port, host_port, protocol)
            self._tell(f"forward {_words(forward)}")
            answer = self._answer(forward)
            if answer.state != "failed":
                return forward
            self._forget(forward)
            if host_port or attempt == ATTEMPTS:  # somebody was quicker
                break
        raise GuestError(
            f"{self._name} cannot have port {forward.host_port} of this machine: {answer.reason}",
            next_step="Take another port, or let the system choose one.",
        )

    def remove(self, forward: Forward) -> None:
        """Take one away. Harmless if it is gone, and if the process is."""
        if forward not in self.all:
            return
        self._tell(f"unforward {_words(forward)}")
        with self._changed:
            self._changed.wait_for(
                lambda: self._ended() or self._state(forward) in ("closed", ""), ANSWER_SECONDS
            )
        self._forget(forward)

    def listens(self, port: int, protocol: Protocol = "tcp", *, seconds: float = 0.0) -> bool:
        """Whether the program listens on a port of its own, by now or within so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: (port, protocol) in self._listened or self._ended(), seconds)
            return (port, protocol) in self._listened

    @property
    def listened(self) -> list[int]:
        """The TCP ports that the program listens on."""
        with self._changed:
            return sorted(port for port, protocol in self._listened if protocol == "tcp")

    def told(self, record: ListenRecord | ForwardRecord) -> None:
        """Take note of what the process says."""
        with self._changed:
            if isinstance(record, ForwardRecord):
                self._states[_words(record)] = record
            elif record.listens:
                self._listened.add((record.port, record.protocol))
            else:
                self._listened.discard((record.port, record.protocol))
            self._changed.notify_all()

    def over(self) -> None:
        """The process has ended. Raises nothing."""
        with self._changed:
            for kept in self._kept.values():
                kept.close()
            self._kept.clear()
            self._changed.notify_all()

    def _add(self, guest_port: int, host_port: int, protocol: Protocol) -> Forward:
        check_port(guest_port)
        if host_port:
            check_free(host_port, protocol)
        forward = Forward(self, host_port, guest_port, protocol)
        if protocol == "tcp":
            forward.queue = BACKLOG
            kept = _keep(host_port)
            forward.host_port = kept.getsockname()[1]
            self._kept[forward] = kept
        elif not host_port:
            forward.host_port = free_port(protocol)
        self.all.append(forward)
        return forward

    def _answer(self, forward: Forward) -> ForwardRecord:
        """What the process makes of a forward; a program that does not listen yet is given a moment."""
        with self._changed:
            deadline = time.monotonic() + ANSWER_SECONDS
            self._changed.wait_for(lambda: self._state(forward) or self._ended(), ANSWER_SECONDS)
            if self._state(forward) == "waits":
                left = min(LISTEN_SECONDS, deadline - time.monotonic())
                self._changed.wait_for(lambda: self._state(forward) != "waits" or self._ended(), left)
            answer = self._states.get(_words(forward))
        if answer is None:
            self._forget(forward)
            self._refuse_ended()
            raise GuestError(
                f"{self._name} has not said in {ANSWER_SECONDS:g} s that it took port {forward.host_port}.",
                next_step="Look at its console: a program that computes, or waits without Lwt, hears nothing.",
            )
        return answer

    def _state(self, forward: Forward) -> str:
        told = self._states.get(_words(forward))
        return told.state if told else ""

    def _forget(self, forward: Forward) -> None:
        with self._changed:
            if forward in self.all:
                self.all.remove(forward)
            self._states.pop(_words(forward), None)
            if kept := self._kept.pop(forward, None):
                kept.close()

    def _refuse_ended(self) -> None:
        if self._ended():
            raise GuestError(f"{self._name} has ended, and its network with it.", next_step="Boot it again.")


def _keep(port: int) -> socket.socket:
    """Bind a port and do not listen: the process can do the same beside us, and nobody else can have it.

    Raises:
        UsageError: it is not to be had.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        kept.bind((LOOPBACK, port))
    except OSError as error:
        kept.close()
        raise UsageError(
            f"Port {port} of this machine cannot be had: {error.strerror}.", next_step="Take another one."
        ) from error
    return kept


def _words(forward: Forward | ForwardRecord) -> str:
    port = forward.guest_port if isinstance(forward, Forward) else forward.port
    return f"{forward.host_port}:{port}" + ("/udp" if forward.protocol == "udp" else "")
