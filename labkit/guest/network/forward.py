"""Ports of this machine that lead to a guest, on 127.0.0.1 only."""

from __future__ import annotations

import contextlib
import errno
import re
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address
from typing import Final, Literal, Self
from typing import Protocol as Interface

from labkit.errors import Evidence, GuestError, HostError, UsageError
from labkit.host.backlog import BACKLOG, widen
from labkit.host.monitor import Monitor

__all__ = [
    "LOOPBACK",
    "Forward",
    "Forwards",
    "Protocol",
    "check_forwards",
    "check_free",
    "check_port",
    "free_port",
]

LOOPBACK: Final = "127.0.0.1"
ATTEMPTS: Final = 5
_TYPES: Final = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
_LISTENER = re.compile(r"^\s*TCP\[HOST_FORWARD\]\s+(\d+)\s+\S+\s+(\d+)\s", re.MULTILINE)

Protocol = Literal["tcp", "udp"]


class Owner(Interface):
    """Who has made a forward, and can take it away."""

    def remove(self, forward: Forward) -> None:
        """Take it away. Harmless if it is gone."""
        ...


class Forward:
    """A port of this machine that leads to one of a guest. A context manager.

    Attributes:
        host_port: the port on 127.0.0.1.
        guest_port: the guest's.
        protocol: ``tcp`` or ``udp``.
        queue: how many connections may wait for the guest at once; 1 where this machine does not let it be more.
    """

    def __init__(self, owner: Owner, host_port: int, guest_port: int, protocol: Protocol) -> None:
        self._owner = owner
        self.host_port = host_port
        self.guest_port = guest_port
        self.protocol: Protocol = protocol
        self.queue = 1

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect to, as :func:`socket.create_connection` takes it."""
        return LOOPBACK, self.host_port

    @property
    def url(self) -> str:
        """The address for a browser or curl."""
        return f"http://{LOOPBACK}:{self.host_port}/"

    def leads_to(self, guest_port: int) -> bool:
        """Whether it leads to this TCP port of the guest."""
        return (self.guest_port, self.protocol) == (guest_port, "tcp")

    def close(self) -> None:
        """Take it away; connections that stand stay. Harmless the second time."""
        self._owner.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        kind = "" if self.protocol == "tcp" else "/udp"
        return f"<Forward {LOOPBACK}:{self.host_port} to the guest's port {self.guest_port}{kind}>"


class Forwards:
    """The forwards of one network of a running guest. From any thread.

    Attributes:
        all: those that there are.
    """

    def __init__(
        self, monitor: Monitor, network: str, target: IPv4Address, process: Callable[[], int | None]
    ) -> None:
        """Make it.

        Args:
            monitor: the guest's QEMU.
            network: the network's name in QEMU.
            target: the guest's address, unless it says otherwise.
            process: gives the number of QEMU's process, as far as it is known.
        """
        self._monitor = monitor
        self._network = network
        self._process = process
        self._target = target
        self._lock = threading.Lock()
        self.all: list[Forward] = []

    def add(self, guest_port: int, host_port: int = 0, protocol: Protocol = "tcp") -> Forward:
        """Lead a port to the guest.

        Args:
            guest_port: the guest's, 1 to 65535.
            host_port: this machine's; 0 for one that the system chooses.
            protocol: ``tcp`` or ``udp``.

        Raises:
            UsageError: the host's port is in use, or a number is no port's.
            GuestError: the guest has ended.
            HostError: QEMU cannot do it.
        """
        check_port(guest_port)
        with self._lock:
            for attempt in range(1, ATTEMPTS + 1):
                forward = Forward(self, host_port or free_port(protocol), guest_port, protocol)
                check_free(forward.host_port, protocol)
                said = self._tell(forward)
                if not said:
                    break
                if host_port or attempt == ATTEMPTS:  # somebody was quicker
                    raise HostError(
                        f"Port {forward.host_port} of this machine cannot be forwarded.",
                        next_step="Take another port, or let the system choose one.",
                        evidence=[Evidence("QEMU's words", said)],
                    )
            self.all.append(forward)
            self._make_room(forward)
        return forward

    def remove(self, forward: Forward) -> None:
        """Take one away. Harmless if it is gone, and if the guest is."""
        with self._lock:
            if forward in self.all:
                self.all.remove(forward)
                self._untell(forward)

    def aim(self, address: IPv4Address) -> None:
        """Let all forwards, also those to come, lead to this address of the guest."""
        with self._lock:
            if address == self._target:
                return
            self._target = address
            for forward in list(self.all):
                self._untell(forward)
                if self._tell(forward):
                    self.all.remove(forward)  # somebody took the port in that moment
                else:
                    self._make_room(forward)

    def _tell(self, forward: Forward) -> str:
        return self._monitor.say(
            f"hostfwd_add {self._network} {forward.protocol}:{LOOPBACK}:{forward.host_port}"
            f"-{self._target}:{forward.guest_port}"
        )

    def _untell(self, forward: Forward) -> None:
        with contextlib.suppress(GuestError):
            self._monitor.say(
                f"hostfwd_remove {self._network} {forward.protocol}:{LOOPBACK}:{forward.host_port}"
            )

    def _make_room(self, forward: Forward) -> None:
        process = self._process()
        if forward.protocol != "tcp" or process is None:
            return
        for descriptor, port in _LISTENER.findall(self._monitor.say("info usernet")):
            if int(port) == forward.host_port and widen(process, int(descriptor)):
                forward.queue = BACKLOG


def check_port(port: object) -> None:
    """Look whether something is a port number.

    Raises:
        UsageError: it is not.
    """
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise UsageError(f"{port!r} is no port.", next_step="Ports are the whole numbers from 1 to 65535.")


def check_free(port: int, protocol: Protocol = "tcp") -> None:
    """Look whether a port of this machine can be had.

    Raises:
        UsageError: it is in use, needs rights that we do not have, or is none.
    """
    check_port(port)
    with socket.socket(socket.AF_INET, _TYPES[protocol]) as probe:
        if protocol == "tcp":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            if protocol == "tcp":
                probe.listen(1)
        except OSError as error:
            if error.errno == errno.EACCES:
                raise UsageError(
                    f"Port {port} of this machine is for root only.",
                    next_step="Take one above 1023, such as 8080, or let the system choose one.",
                ) from error
            raise UsageError(
                f"Port {port} of this machine is in use ({error.strerror}).",
                next_step="Stop what listens there (labkit ps shows guests that run), take another port, "
                "or let the system choose one.",
            ) from error


def check_forwards(name: str, networks: Sequence[object], forwards: Mapping[int, int]) -> None:
    """Look whether a guest could be given these forwards.

    Args:
        name: the image's, for messages.
        networks: the guest's networks that can have forwards.
        forwards: the guest's port by this machine's.

    Raises:
        UsageError: it could not.
    """
    if forwards and not networks:
        raise UsageError(
            f"Ports are to be forwarded to {name}, which has no network device for that.",
            next_step="Leave out the forwards, or give the unikernel such a device in config.ml.",
        )
    for host_port, guest_port in forwards.items():
        check_port(guest_port)
        if host_port != 0:
            check_free(host_port)


def free_port(protocol: Protocol) -> int:
    """A port of this machine that nobody had a moment ago."""
    with socket.socket(socket.AF_INET, _TYPES[protocol]) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
