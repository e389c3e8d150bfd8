"""Can a guest be reached? Looked at layer by layer, so that it is seen which one fails, and whose turn it is."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final

from labkit.errors import Evidence, GuestError, WhoseTurn
from labkit.guest.network.forward import Forward, check_port
from labkit.guest.network.http import Failure, get
from labkit.guest.network.probe import Answer, Probe, probing

if TYPE_CHECKING:
    from labkit.guest.network.wiring import Wiring

__all__ = ["Layer", "Reachability", "check", "reach"]

LINK_SECONDS: Final = 3.0
ADDRESS_SECONDS: Final = 5.0
SILENT_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 0.02
HTTP_PORTS: Final = (80, 8000, 8080)
USUAL_PORTS: Final = (7, 80, 8080)
LAYERS: Final = ("link", "address", "ping", "tcp", "http")


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: ``guest``, ``link``, ``address``, ``ping``, ``tcp`` or ``http``.
        ok: whether it works; None where that does not matter.
        words: what was seen.
        whose_turn: who can mend it, where it fails.
        next_step: what to do then.
    """

    name: str
    ok: bool | None
    words: str
    whose_turn: WhoseTurn = WhoseTurn.STUDENT
    next_step: str = ""


@dataclass(frozen=True, repr=False)
class Reachability:
    """What came of looking; shows itself as text, the same for the same findings.

    Attributes:
        name: what the guest runs.
        port: the port that was asked for.
        layers: what was looked at, from below to above, up to the first that fails.
        asked: the names of all that were to be looked at.
    """

    name: str
    port: int
    layers: tuple[Layer, ...]
    asked: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the guest can be reached."""
        return self.failed is None

    @property
    def failed(self) -> Layer | None:
        """The layer that fails; None if all is well."""
        return next((layer for layer in self.layers if layer.ok is False), None)

    def __repr__(self) -> str:
        marks = {True: "ok", False: "NO", None: "--"}
        lines = [f"Can {self.name} be reached on port {self.port}? {'Yes.' if self.ok else 'No.'}"]
        lines += [f"  {marks[layer.ok]}  {layer.name:<7}  {layer.words}" for layer in self.layers]
        known = {layer.name for layer in self.layers}
        lines += [f"  ..  {name:<7}  not looked at" for name in self.asked if name not in known]
        if (failed := self.failed) is not None:
            lines += [f"  What to do: {failed.next_step}", f"  Whose turn: {failed.whose_turn.value}"]
        return "\n".join(lines)


def check(wiring: Wiring, port: int, *, http: bool | None = None) -> Reachability:
    """See :meth:`labkit.guest.network.Network.check`."""
    check_port(port)
    asks_http = wiring.wire is None and (port in HTTP_PORTS if http is None else http)
    found = []
    for layer in _Look(wiring, port, asks_http=asks_http).layers():
        found.append(layer)
        if layer.ok is False:
            break
    asked = tuple(name for name in LAYERS if name != "http" or asks_http)
    return Reachability(wiring.label, port, tuple(found), asked)


class _Look:
    """One look, from below to above."""

    def __init__(self, wiring: Wiring, port: int, *, asks_http: bool) -> None:
        self._wiring = wiring
        self._port = port
        self._asks_http = asks_http
        self._boot = (
            "Boot it with an address, such as --ipv4=10.0.0.1/24; each guest with another."
            if wiring.subnet is None
            else f"Boot it with --ipv4={wiring.subnet[15]}/24 --ipv4-gateway={wiring.gateway}, or with DHCP."
        )

    def layers(self) -> Iterator[Layer]:
        try:
            yield self._link()
            address = self._await_address()
            with probing(self._wiring, address) as probe:
                mac = None if address is None else probe.hardware_address(address)
                yield self._address(address, mac)
                if address is not None and mac is not None:
                    yield self._ping(probe, address, mac)
                    yield self._tcp(probe, address, mac)
        except GuestError as error:
            yield self._ended(error)
            return
        if self._asks_http:
            yield self._http()

    def _ended(self, error: GuestError) -> Layer:
        """Only a guest that ends does not let itself be asked; the console may tell of it a moment later."""
        ending = self._wiring.guest.exit
        return Layer(
            "guest",
            False,
            f"it {ending.detail}" if ending else "it has just ended",
            next_step=error.next_step,
        )

    def _link(self) -> Layer:
        deadline = time.monotonic() + LINK_SECONDS
        while not self._wiring.driven():
            if time.monotonic() > deadline:
                return Layer(
                    "link",
                    False,
                    "the guest's driver has not taken the network device",
                    next_step="Look by guest.console and guest.stamps whether it got so far, and whether "
                    "config.ml gives its network device to your functor.",
                )
            time.sleep(LOOK_SECONDS)  # QEMU has no event for it
        return Layer("link", True, "the guest's driver has taken the network device")

    def _await_address(self) -> IPv4Address | None:
        """The guest's address. One that says none is asked whether it has that which it should have."""
        wiring, name = self._wiring, self._wiring.plan.name
        if not wiring.guest.wait_for_address(name, SILENT_SECONDS) and wiring.subnet:
            usual = wiring.subnet[15]
            with probing(wiring, usual) as probe:
                probe.hardware_address(usual)  # its answer tells its address
        wiring.guest.wait_for_address(name, ADDRESS_SECONDS - SILENT_SECONDS)
        return wiring.address

    def _address(self, address: IPv4Address | None, mac: str | None) -> Layer:
        wiring = self._wiring
        if address is None:
            return self._no_address()
        if wiring.subnet is not None and address not in wiring.subnet:
            words = f"the guest says that it is {address}, but its network is {wiring.subnet}"
            return Layer("address", False, words, next_step=self._boot)
        if address == wiring.gateway:
            words = f"the guest says that it is {address}, but that is its gateway"
            return Layer("address", False, words, next_step=self._boot)
        if mac is None:
            words = f"nobody answers for {address} (ARP)"
            return Layer(
                "address",
                False,
                words,
                next_step="Look whether the guest still handles what comes: its console, and "
                "guest.network.capture() while you check again.",
            )
        if mac != wiring.plan.mac:
            words = f"{address} is answered for by {mac}, not by the guest, {wiring.plan.mac}"
            return Layer(
                "address", False, words, next_step="Give each host on the wire an address of its own."
            )
        return Layer("address", True, f"{address} is at {mac} (ARP)")

    def _no_address(self) -> Layer:
        wiring = self._wiring
        if wiring.asks_dhcp and wiring.wire is not None:
            return Layer(
                "address",
                False,
                "the guest asks for an address by DHCP, and nobody on its wire answers",
                next_step=self._boot,
            )
        if wiring.asks_dhcp:
            return Layer(
                "address",
                False,
                "the guest asks for an address by DHCP, but does not use the one it is offered",
                next_step=f"Look at what follows the offer with boot(capture=True). {self._boot}",
            )
        return Layer(
            "address",
            False,
            "the guest has told no address, and asks for none"
            if not wiring.heard
            else "the guest sends frames, but has told no IPv4 address",
            next_step="Look whether its stack is started, by its console. " + self._boot,
        )

    def _ping(self, probe: Probe, address: IPv4Address, mac: str) -> Layer:
        if probe.echo(address, mac) is not None:
            return Layer("ping", True, "the guest answers (ICMP)")
        return Layer("ping", None, "the guest does not answer (ICMP); not every one does")

    def _tcp(self, probe: Probe, address: IPv4Address, mac: str) -> Layer:
        answer = probe.knock(address, mac, self._port)
        if answer is Answer.LISTENS:
            return Layer("tcp", True, f"the guest listens on port {self._port} (SYN, ACK)")
        if answer is Answer.NONE:
            return Layer(
                "tcp",
                False,
                f"the guest does not answer on port {self._port}, neither yes nor no",
                next_step="Look whether its stack has TCP and is started, and whether the guest still handles "
                "what comes.",
            )
        ports = dict.fromkeys((*(forward.guest_port for forward in self._wiring.forwards.all), *USUAL_PORTS))
        open_ports = [
            str(port)
            for port in ports
            if port != self._port and probe.knock(address, mac, port) is Answer.LISTENS
        ]
        listening = f"it does on {', '.join(open_ports)}" if open_ports else "nor on other usual ports"
        return Layer(
            "tcp",
            False,
            f"nothing listens on port {self._port} of the guest (RST); {listening}",
            next_step=f"Ask for port {open_ports[0]}, or let the unikernel listen on {self._port}."
            if open_ports
            else f"Let the unikernel listen on {self._port}, and look by its console whether it gets so far.",
        )

    def _http(self) -> Layer:
        forwards = self._wiring.forwards
        known = next((forward for forward in forwards.all if forward.leads_to(self._port)), None)
        with contextlib.ExitStack() as closing:
            forward = known or closing.enter_context(forwards.add(self._port))
            try:
                answer = get(forward.address)
            except Failure as failure:
                return Layer(
                    "http",
                    False,
                    str(failure),
                    next_step="Capture the conversation with guest.network.capture(), and look at its ladder.",
                )
        return Layer(
            "http", True, f"GET / is answered: {answer.status} {answer.reason}, {answer.size:,} bytes"
        )


def reach(wiring: Wiring, port: int) -> Forward:
    """See :meth:`labkit.guest.network.Network.reach`."""
    found = check(wiring, port, http=True)
    if (failed := found.failed) is not None:
        raise GuestError(
            f"{wiring.label} cannot be reached on port {port}: {failed.words}.",
            next_step=failed.next_step,
            evidence=[Evidence("what was looked at", repr(found))],
        )
    forwards = wiring.forwards
    return next((known for known in forwards.all if known.leads_to(port)), None) or forwards.add(port)
