"""The network of a process: this machine's own, through its sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final, NoReturn

from labkit.errors import Evidence, GuestError, UsageError
from labkit.guest.network.check import HTTP_PORTS, Layer, Reachability
from labkit.guest.network.forward import LOOPBACK, Forward, Protocol, check_port
from labkit.guest.network.hostports import HostPorts
from labkit.guest.network.http import Failure, get
from labkit.guest.network.network import Network

if TYPE_CHECKING:
    from labkit.guest.network.capture import Capture
    from labkit.guest.network.impairment import Impairment
    from labkit.guest.network.probe import Pings

__all__ = ["ProcessNetwork"]

LOOK_SECONDS: Final = 3.0
_FRAMES: Final = "Boot the image for the target virtio: there its frames are its own."


class ProcessNetwork(Network):
    """What a guest of the target unix has in the place of a network interface.

    Its TCP and UDP are Linux's, and it sees this machine's network as any program does; so there are no frames of
    its own to capture, lose or send. Nobody reaches it but through forwards: ports of 127.0.0.1 that it listens on
    in the place of its own.
    """

    def __init__(self, name: str, guest: str, ports: HostPorts, ended: Callable[[], str | None]) -> None:
        """Make it.

        Args:
            name: how ``config.ml`` calls it.
            guest: the guest's name.
            ports: its forwards.
            ended: how the guest ended, or None while it runs.
        """
        self.name = name
        self.mac = ""
        self.wire = None
        self.captured = None
        self._guest = guest
        self._ports = ports
        self._ended = ended

    @property
    def address(self) -> IPv4Address:
        """This machine's loopback address, which is where the process is found."""
        return IPv4Address(LOOPBACK)

    @property
    def gateway(self) -> IPv4Address:
        """Where the process finds this machine: at the same address."""
        return IPv4Address(LOOPBACK)

    @property
    def forwards(self) -> tuple[Forward, ...]:
        """The ports of this machine that lead to the guest through this object."""
        return tuple(self._ports.all)

    def wait_for_address(self, timeout: float = 10.0) -> IPv4Address:  # noqa: ARG002  it has one from its first moment
        """Give its address, which it has from its first moment."""
        return self.address

    def forward(self, guest_port: int, host_port: int = 0, *, protocol: Protocol = "tcp") -> Forward:
        """Have the process listen on a port of this machine, on 127.0.0.1 only, in the place of its own.

        Where the program listens, or begins to within a second, connections are taken when this returns. Args as
        for :meth:`labkit.guest.network.Network.forward`.

        Raises:
            UsageError: the port is in use or is none.
            GuestError: the guest has ended, does not answer, or cannot have the port.
        """
        return self._ports.add(guest_port, host_port, protocol)

    def check(self, port: int, *, http: bool | None = None) -> Reachability:
        """Look whether the guest can be reached: whether it listens, takes connections, answers HTTP.

        Args:
            port: the TCP port.
            http: whether it should speak HTTP; for the usual ports of that, unless told.

        Raises:
            UsageError: the port is none.
        """
        check_port(port)
        asks_http = port in HTTP_PORTS if http is None else http
        label = self._guest.rpartition("-")[0] or self._guest
        asked = ("tcp", "http") if asks_http else ("tcp",)
        return Reachability(label, port, tuple(self._layers(port, asks_http=asks_http)), asked)

    def reach(self, port: int) -> Forward:
        """Make sure that the guest answers HTTP on a port, and give the forward to it; made if there is none.

        Raises:
            GuestError: it cannot be reached; the evidence says which layer fails.
            UsageError: the port is none.
        """
        found = self.check(port, http=True)
        if (failed := found.failed) is not None:
            raise GuestError(
                f"{found.name} cannot be reached on port {port}: {failed.words}.",
                next_step=failed.next_step,
                evidence=[Evidence("what was looked at", repr(found))],
            )
        return self._known(port) or self.forward(port)

    # What needs frames

    def capture(self, **_: object) -> Capture:
        """Refused: there are no frames.

        Raises:
            UsageError: always.
        """
        self._refuse("its frames cannot be captured")

    def impair(self, **_: object) -> Impairment:
        """Refused: its connections are Linux's.

        Raises:
            UsageError: always.
        """
        self._refuse("its network cannot be made worse")

    def heal(self) -> None:
        """Do nothing: its network was never made worse."""

    def ping(self, count: int = 4, *, size: int = 56) -> Pings:  # noqa: ARG002
        """Refused: this machine itself would answer.

        Raises:
            UsageError: always.
        """
        self._refuse("this machine would answer for it")

    def prepare(self, *, capture: bool) -> None:
        """Make nothing ready: the process does."""

    def release(self) -> None:
        """Let go of all, after the guest's end. Raises nothing."""
        self._ports.over()

    def __repr__(self) -> str:
        return f"<ProcessNetwork {self.name}: this machine's sockets, on {LOOPBACK}>"

    def _refuse(self, why: str) -> NoReturn:
        raise UsageError(
            f"{self._guest} is a process and uses this machine's sockets: {why}.", next_step=_FRAMES
        )

    def _known(self, port: int) -> Forward | None:
        return next((forward for forward in self._ports.all if forward.leads_to(port)), None)

    def _layers(self, port: int, *, asks_http: bool) -> Iterator[Layer]:
        listens = self._ports.listens(port, seconds=LOOK_SECONDS)
        if (ended := self._ended()) is not None:
            yield Layer("guest", False, f"it {ended}", next_step="Boot it again.")
            return
        if not listens:
            others = ", ".join(map(str, self._ports.listened))
            step = f"Let the unikernel listen on {port}, and look by its console whether it gets so far."
            yield Layer(
                "tcp",
                False,
                f"the program does not listen on port {port}; "
                + (f"it does on {others}" if others else "nor on any other"),
                next_step=f"Ask for one of its ports, {others}. Or: {step}" if others else step,
            )
            return
        yield Layer("tcp", True, f"the program listens on port {port}")
        if asks_http:
            yield self._http(port)

    def _http(self, port: int) -> Layer:
        with ExitStack() as closing:
            forward = self._known(port) or closing.enter_context(self.forward(port))
            try:
                answer = get(forward.address)
            except Failure as failure:
                step = "Look at its console; tcpdump shows the conversation on this machine's loopback interface."
                return Layer("http", False, str(failure), next_step=step)
        words = f"GET / is answered: {answer.status} {answer.reason}, {answer.size:,} bytes"
        return Layer("http", True, words)
