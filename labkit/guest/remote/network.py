"""A network of a guest on another machine: ports that lead to it through the SSH connection."""

from __future__ import annotations

import threading
from ipaddress import IPv4Address

from labkit.build.domainxml import DomainNetwork
from labkit.errors import UsageError
from labkit.guest.network import Network
from labkit.guest.network.forward import Forward, Forwards, Protocol, check_port
from labkit.guest.network.wiring import Wiring
from labkit.guest.remote.driver import Driver

__all__ = ["RemoteNetwork"]


class RemoteNetwork(Network):
    """What can be had of a network through an SSH connection: its forwards. Frames stay on the other machine."""

    def __init__(self, plan: DomainNetwork, driver: Driver) -> None:
        self.name = plan.name
        self.mac = plan.mac
        self.wire = None
        self.captured = None
        self._driver = driver
        self._forwards = RemoteForwards(driver, plan.number)

    @property
    def address(self) -> IPv4Address | None:
        """The guest's IPv4 address, where its arguments tell it."""
        return self._driver.plan.address

    @property
    def forwards(self) -> tuple[Forward, ...]:
        """The ports of this machine that lead to the guest."""
        return tuple(self._forwards.all)

    def forward(self, guest_port: int, host_port: int = 0, *, protocol: Protocol = "tcp") -> Forward:
        """Lead a port of this machine, on 127.0.0.1 only, to one of the guest's, until it is closed.

        Args:
            guest_port: the guest's, 1 to 65535.
            host_port: this machine's; one that the system chooses unless given.
            protocol: ``tcp`` only.

        Raises:
            UsageError: the port is in use or is none; SSH leads no UDP.
        """
        return self._forwards.add(guest_port, host_port, protocol)

    def release(self) -> None:
        """Take all forwards away. Raises nothing."""
        for forward in self.forwards:
            forward.close()

    @property
    def _wiring(self) -> Wiring:  # type: ignore[override]  # a guest here has one, and sets it
        raise UsageError(
            f"The frames of {self._driver.plan.name} are on {self._driver.host.name}, out of reach from here.",
            next_step="Use its forwards; to capture, ping or impair, boot it on this machine.",
        )


class RemoteForwards(Forwards):
    """The forwards of one network."""

    def __init__(self, driver: Driver, number: int) -> None:
        self._driver = driver
        self._number = number
        self._lock = threading.Lock()
        self.all = []

    def add(self, guest_port: int, host_port: int = 0, protocol: Protocol = "tcp") -> Forward:
        """Lead a port to the guest. See :meth:`RemoteNetwork.forward`."""
        check_port(guest_port)
        if protocol != "tcp":
            raise UsageError(
                "SSH leads TCP only.", next_step="Boot the guest on this machine to forward UDP."
            )
        session = self._driver.host.session
        local = session.forward_to(lambda: self._driver.place_of(guest_port, self._number), host_port)
        forward = Forward(self, local, guest_port, protocol)
        with self._lock:
            self.all.append(forward)
        return forward

    def remove(self, forward: Forward) -> None:
        """Take one away. Harmless if it is gone."""
        with self._lock:
            if forward not in self.all:
                return
            self.all.remove(forward)
        self._driver.host.session.unforward(forward.host_port)
