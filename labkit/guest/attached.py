"""A guest that another process owns, seen through its relay socket."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from labkit.build.domainxml import DomainNetwork
from labkit.errors import Evidence, GuestError, HostError, LabError
from labkit.guest import wire
from labkit.guest.checks import read_manifest
from labkit.guest.guest import Exit, Guest, Reason, State, from_json
from labkit.guest.network import Network
from labkit.guest.network.plan import plan_networks
from labkit.guest.owned import RELAY_SOCKET
from labkit.guest.pump import Link, Pump
from labkit.guest.registry import GuestInfo, await_release, destroy_guest, find_guest
from labkit.guest.served import refuse_here
from labkit.host.connection import Host, open_host
from labkit.host.loop import libvirt
from labkit.host.monitor import Monitor
from labkit.settings import settings

if TYPE_CHECKING:
    import libvirt as libvirt_module

__all__ = ["AttachedGuest", "attach", "stop_guest"]

STOP_SECONDS: Final = 5.0
PIECE: Final = 1 << 16


class AttachedGuest(Guest):
    """A guest of another process. Letting go of it leaves it running.

    Attributes:
        missed: how many bytes of the console came too fast for this process, or before it attached.
    """

    def __init__(
        self, name: str, image: Path, relay: Path, console_bytes: int, networks: Sequence[DomainNetwork] = ()
    ) -> None:
        super().__init__(name, image, console_bytes)
        self.missed = 0
        self._host: Host | None = None
        self._folder = relay.parent
        self._frames = wire.FrameReader()
        self._ending: Exit | None = None
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(str(relay))
        except OSError as error:
            sock.close()
            raise HostError(
                f"The console of {name} cannot be reached: {error.strerror}.",
                next_step="Its owner may just have ended; look with `labkit ps`, clean up with `labkit gc`.",
            ) from error
        self._pump = Pump(f"labkit-{name}")
        self._detached = threading.Event()
        self._link = Link(self._pump, sock, self._came, self._link_ended)
        self._state = State.RUNNING
        monitor = Monitor(self.name, self._domain)
        for plan in networks:
            self.networks[plan.name] = Network(plan, self, monitor)
        self._pump.start()

    def stop(self) -> Exit:
        """Have its owner end it; if the owner does not, libvirt does.

        Raises:
            HostError: neither does.
            UsageError: called by a subscriber.
        """
        refuse_here(self._pump, self.name)
        self.request_stop()
        with self._changed:
            done = self._changed.wait_for(lambda: self._state is State.ENDED, STOP_SECONDS)
        if not done:
            destroy_guest(self.name)
        ending = self.wait(STOP_SECONDS)
        self._pump.join(STOP_SECONDS)
        await_release(self._folder)
        return ending

    def request_stop(self) -> None:
        """Ask its owner to end it and do not wait for that; subscribers may call this."""
        self._link.send(wire.frame(wire.STOP))

    def close(self) -> None:
        """Let go of it; it runs on."""
        self._detached.set()
        self._pump.stop()
        self._pump.join(STOP_SECONDS)
        self._release()

    def elsewhere(self, work: Callable[[], None]) -> None:
        """Have work done soon in a thread that may wait for QEMU."""
        self._pump.post(work)

    def address_found(self, network: str, address: IPv4Address) -> None:
        """Its owner looks for its addresses, and tells them."""

    def _domain(self) -> libvirt_module.virDomain | None:
        if self._detached.is_set() or self._state is State.ENDED:
            return None
        if self._host is None:
            self._host = open_host()
        try:
            return self._host.connection.lookupByName(self.name)
        except libvirt().libvirtError:
            return None

    def _release(self) -> None:
        for network in self.networks.values():
            network.release()
        if self._host is not None:
            self._host.close()

    def _send(self, data: bytes) -> None:
        for at in range(0, len(data), PIECE):
            if not self._link.send(wire.frame(wire.INPUT, data[at : at + PIECE])):
                raise GuestError(
                    f"{self.name} does not read its console: a megabyte waits for it.",
                    next_step="Send less, or wait for its answers.",
                    evidence=[Evidence("its last words", self.console.last_words())],
                )

    # In the pump's thread

    def _came(self, data: bytes) -> None:
        try:
            for kind, content in self._frames.feed(data):
                self._frame(kind, content)
        except (ValueError, KeyError, TypeError):
            self._link.end()  # whoever answers there is no owner of a guest

    def _frame(self, kind: bytes, content: bytes) -> None:
        if kind == wire.CONSOLE:
            self.console.feed(content)
            return
        told: dict[str, Any] = json.loads(content)
        if kind == wire.CUT:
            self.missed += int(told["bytes"])
            self.console.feed(f"\n[{told['bytes']:,} bytes were cut here]\n".encode())
        elif kind == wire.EVENT:
            if told["kind"] == "stamp":
                name, _, nanoseconds = told["detail"].rpartition(" ")
                with self._changed:
                    self._stamps[name] = int(nanoseconds)
            if told["kind"] == "address":
                network, _, address = told["detail"].rpartition(" ")
                self._note_address(network, IPv4Address(address))
            elif told["kind"] != "ended":  # _finish says that
                self._note(told["kind"], told["detail"])
        elif kind == wire.END:
            self._ending = from_json(told)

    def _link_ended(self) -> None:
        if self._ending:
            self._finish(self._ending)
        elif not self._detached.is_set():
            words = self.console.last_words()
            ending = Exit(None, Reason.HOST_LOST, "its owner went away", words, self.stamps)
            failure = HostError(
                f"The process that owned {self.name} has ended, and {self.name} with it.",
                next_step="Boot it again.",
                evidence=[Evidence("the guest's last words", words)],
            )
            self._finish(ending, failure)
        self._pump.stop()
        self._release()


def attach(name: str, host: Host | None = None) -> AttachedGuest:
    """Watch and answer a guest that another process owns: its console from the first byte kept, then live.

    Args:
        name: its name, or the beginning of it.
        host: where it runs.

    Raises:
        UsageError: there is no such guest.
        HostError: its owner cannot be reached.
    """
    info = find_guest(name, host)
    image = Path(info.ownership.image)
    return AttachedGuest(
        info.name, image, info.folder / RELAY_SOCKET, settings().console_bytes, _networks(info, image)
    )


def _networks(info: GuestInfo, image: Path) -> list[DomainNetwork]:
    """The guest's networks. Those that are on a wire belong to the process that has the wire."""
    try:
        planned, _ = plan_networks(info.name, read_manifest(image), None)
    except LabError:
        return []  # its image has gone
    return [plan for plan in planned if plan.mac in info.macs]


def stop_guest(name: str, host: Host | None = None) -> str:
    """End a guest, whoever owns it, and return its full name when it is gone and its disks are free.

    Raises:
        UsageError: there is no such guest.
        HostError: libvirt does not end it.
    """
    info = find_guest(name, host)
    destroy_guest(info.name, host)
    if not info.orphaned:
        await_release(info.folder)
    return info.name
