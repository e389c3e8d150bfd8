"""A guest that this process has started and owns."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from labkit import events
from labkit.build import solo5
from labkit.build.domainxml import DomainNetwork, domain_name, domain_xml
from labkit.errors import Evidence, GuestError, HostError, LabError
from labkit.guest.checks import read_manifest
from labkit.guest.control import ControlReader, ExitRecord, PanicRecord, Record, Stamp
from labkit.guest.devices import Device, find_devices
from labkit.guest.disks import PlannedDisk
from labkit.guest.guest import CRASHED, Exit, Reason, State
from labkit.guest.livedisks import LiveDisks
from labkit.guest.network import Network, Wire
from labkit.guest.ownership import Ownership, this_process
from labkit.guest.powercut import PowerCut
from labkit.guest.pump import Link
from labkit.guest.relay import Relay
from labkit.guest.served import STOP_SECONDS, ServedGuest, refuse_here
from labkit.guest.solo5 import EndReader
from labkit.host.connection import Host
from labkit.host.diskfile import in_use
from labkit.host.loop import libvirt
from labkit.host.monitor import Monitor
from labkit.host.plannedcut import Lose, check_lose

if TYPE_CHECKING:
    import libvirt as libvirt_module

__all__ = ["RELAY_SOCKET", "OwnedGuest", "Plan"]

CONSOLE_SOCKET: Final = "console"
CONTROL_SOCKET: Final = "control"
RELAY_SOCKET: Final = "relay"
SETTLE_SECONDS: Final = 3.0  # how long libvirt may take to tell why a console has closed
_QEMU_HAS_NO_LOCK: Final = "Is another process using the image"

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Plan:
    """What to start.

    Attributes:
        path: the image file.
        name: what the guest is to be named for.
        memory_mib: its memory, in MiB.
        command_line: its arguments, quoted.
        hypervisor: ``kvm`` or ``qemu``.
        stay: whether it is meant to outlive who asked for it.
        timeout: the longest it may run, in seconds.
        output_limit: the most bytes it may print.
        console_bytes: how much of its console is kept.
        disks: its disks.
        networks: its network interfaces.
        wires: what they are plugged into, by their names; the others have a network of their own.
        forwards: ports of this machine that lead to its first network: its own port, by the machine's.
        capture: whether its frames are captured from power-on.
        abi: its image's, as in :class:`labkit.build.manifest.Manifest`.
    """

    path: Path
    name: str
    memory_mib: int
    command_line: str
    hypervisor: Literal["kvm", "qemu"]
    stay: bool = False
    timeout: float | None = None
    output_limit: int | None = None
    console_bytes: int = 1 << 20
    disks: tuple[PlannedDisk, ...] = ()
    networks: tuple[DomainNetwork, ...] = ()
    wires: Mapping[str, Wire] = field(default_factory=dict)
    forwards: Mapping[int, int] = field(default_factory=dict)
    capture: bool = False
    abi: str = ""


class OwnedGuest(ServedGuest):
    """A guest of this process: a domain that libvirt ends when this process ends.

    One thread, its pump, serves it. Every way to its end meets in :meth:`_ended`, in that thread.
    """

    def __init__(self, plan: Plan, host: Host, *, closes_host: bool) -> None:
        super().__init__(f"{domain_name(plan.name)}-{secrets.token_hex(3)}", plan.path, plan.console_bytes)
        self.host = host
        self._plan = plan
        self._closes_host = closes_host
        self._records = ControlReader()
        self._end_reader = EndReader() if plan.abi == solo5.ABI else None
        self._last_record: ExitRecord | PanicRecord | None = None
        self._shutdown = self._crashed = False
        self._domain: libvirt_module.virDomain | None = None
        self._callback: int | None = None
        self._forget_lost: Callable[[], None] = lambda: None
        self._folder = _new_folder(host)
        self._relay: Relay | None = None
        self._cut_terms: tuple[Lose, int | None] = ("some", None)
        self._cut: PowerCut | None = None
        self._ending = False
        self._domain_gone = threading.Event()
        self._monitor = monitor = Monitor(self.name, lambda: self._domain)
        self._disks = LiveDisks(plan.disks, monitor, self._qemu_process)
        for network in plan.networks:
            wire = plan.wires.get(network.name)
            self.networks[network.name] = Network(network, self, monitor, wire, self._qemu_process)

    @property
    def folder(self) -> Path:
        """Its run folder."""
        return self._folder

    @property
    def hypervisor(self) -> Literal["kvm", "qemu"]:
        """What it runs on: ``kvm``, or ``qemu`` for emulation."""
        return self._plan.hypervisor

    def start(self) -> None:
        """Start it. On an error nothing is left.

        Raises:
            HostError: libvirt or QEMU cannot start it.
            UsageError: another guest has one of its disks.
        """
        with events.step("boot", self.name) as step, ExitStack() as undo:
            undo.callback(self._release)
            self._disks.lock()
            if self.host.daemon and self.host.daemon.cold:
                step.progress("libvirt asks QEMU what it can do, once", 0.1)
            self._create()
            step.progress("created, under " + ("KVM" if self.hypervisor == "kvm" else "emulation"), 0.6)
            console = self._connect(CONSOLE_SOCKET)
            self._console_link = Link(self._pump, console, self._console_came, self._link_ended)
            control = self._connect(CONTROL_SOCKET)
            self._control_link = Link(self._pump, control, self._control_came, self._link_ended)
            try:
                self._relay = Relay(self._pump, self._folder / RELAY_SOCKET, self, self)
            except OSError as error:
                raise self.host.trouble(f"The relay socket of {self.name} cannot be made.", error) from error
            self._watch_domain()
            self._disks.attach()
            self._connect_networks()
            self._state = State.RUNNING
            self._began = time.monotonic()
            self._note("running", "resumed")
            if self._plan.timeout is not None:
                self._pump.at(self._began + self._plan.timeout, lambda: self._request(Reason.TIME_LIMIT))
            with self._libvirt_says(f"{self.name} cannot be resumed."):
                assert self._domain is not None  # noqa: S101  _create has set it
                self._domain.resume()
            self._pump.start()
            undo.pop_all()
            step.progress("running", 1.0)

    # What a user asks for

    @property
    def disks(self) -> LiveDisks:
        """Its disks, by the names of their devices."""
        return self._disks

    def devices(self) -> tuple[Device, ...]:
        """The devices that its machine offers it: see :meth:`labkit.Guest.devices`."""
        return find_devices(self._monitor)

    @property
    def cut(self) -> PowerCut | None:
        """What its power cut did, once its power has been cut."""
        return self._cut

    def power_cut(
        self,
        *,
        when: str | None = None,
        lose: Lose = "some",
        seed: int | None = None,
        timeout: float = 30.0,
    ) -> PowerCut:
        """Cut its power, now or when a text appears: see :meth:`labkit.Guest.power_cut`."""
        check_lose(lose)
        refuse_here(self._pump, self.name)
        if when is not None:
            self.console.expect(when, timeout=timeout)
        self._pump.post(lambda: self._cut_power(lose, seed))
        self._pump.join(STOP_SECONDS)
        ending = self.wait(0 if self._state is State.ENDED else STOP_SECONDS)
        if self._cut is None:
            raise GuestError(
                f"{self.name} {ending.detail} before its power was cut.",
                next_step="Cut it earlier, or keep the guest waiting for something.",
                evidence=[Evidence("its last words", ending.last_words)],
            )
        return self._cut

    # Its start

    def _create(self) -> None:
        module = libvirt()
        xml = self._xml(
            name=self.name,
            memory_mib=self._plan.memory_mib,
            command_line=self._plan.command_line,
            hypervisor=self._plan.hypervisor,
            console_socket=self._folder / CONSOLE_SOCKET,
            control_socket=self._folder / CONTROL_SOCKET,
            owner=Ownership.now(self.image, stay=self._plan.stay).attributes(),
            disks=[disk.place for disk in self._plan.disks],
            networks=self._plan.networks,
        )
        flags = module.VIR_DOMAIN_START_PAUSED | module.VIR_DOMAIN_START_AUTODESTROY
        with self._libvirt_says(f"{self.name} cannot be started."):
            try:
                self._domain = self.host.connection.createXML(xml, flags)
            except module.libvirtError as error:
                if self._plan.disks and _QEMU_HAS_NO_LOCK in str(error):
                    raise in_use(self._plan.disks[0].place.path, str(error)) from error
                raise

    def _xml(self, **domain: Any) -> str:
        """The domain; ``domain`` is what :func:`labkit.build.domainxml.domain_xml` takes besides the image."""
        return domain_xml(read_manifest(self.image), self._seen_by_qemu(self.image), **domain)

    def _connect_networks(self) -> None:
        for network in self.networks.values():
            network.prepare(capture=self._plan.capture)
        for host_port, guest_port in self._plan.forwards.items():
            next(iter(self.networks.values())).forward(guest_port, host_port)

    def _qemu_process(self) -> int | None:
        return self.host.daemon.qemu(self.name) if self.host.daemon else None

    def _seen_by_qemu(self, file: Path) -> Path:
        """A file, or a copy of it where QEMU may not see the file itself.

        QEMU puts the file's name before a multiboot kernel's arguments; Solo5 takes that to end at a blank.
        """
        if self.host.identity.sees_all_files and not (self._end_reader and " " in str(file)):
            return file
        copy = self._folder / f"image-{file.name.replace(' ', '-')}"
        try:
            shutil.copyfile(file, copy)
            copy.chmod(0o644)
        except OSError as error:
            raise HostError(
                f"The image cannot be copied to {copy}: {error.strerror}.", next_step="Free some space there."
            ) from error
        return copy

    def _connect(self, name: str) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(str(self._folder / name))
        except OSError as error:
            sock.close()
            raise self.host.trouble(f"The {name} of {self.name} cannot be reached.", error) from error
        return sock

    def _watch_domain(self) -> None:
        module = libvirt()
        with self._libvirt_says(f"{self.name} cannot be watched."):
            self._callback = self.host.connection.domainEventRegisterAny(
                self._domain, module.VIR_DOMAIN_EVENT_ID_LIFECYCLE, _lifecycle, self
            )
        self._forget_lost = self.host.when_lost(lambda: self._pump.post(self._host_lost))

    @contextmanager
    def _libvirt_says(self, what: str) -> Iterator[None]:
        try:
            yield
        except libvirt().libvirtError as error:
            raise self.host.trouble(what, error) from error

    # Its life, in the pump's thread

    def _console_came(self, data: bytes) -> None:
        self.console.feed(data)
        if self._end_reader:
            self._take(self._end_reader.feed(data))
        if self._relay:
            self._relay.console_came()
        if self._plan.output_limit is not None and self.console.size > self._plan.output_limit:
            self._request(Reason.OUTPUT_LIMIT)

    def _control_came(self, data: bytes) -> None:
        self._take(self._records.feed(data))

    def _take(self, records: Sequence[Record]) -> None:
        for record in records:
            match record:
                case Stamp(name, nanoseconds):
                    with self._changed:
                        self._stamps[name] = nanoseconds
                    self._note("stamp", f"{name} {nanoseconds}")
                case ExitRecord(status):
                    self._last_record = record
                    self._note("exit", str(status))
                case PanicRecord(reason):
                    self._last_record = record
                    self._note("panic", reason)

    def elsewhere(self, work: Callable[[], None]) -> None:
        """Have work done soon in the thread that serves the guest, which may wait for QEMU."""
        self._pump.post(work)

    def address_found(self, network: str, address: IPv4Address) -> None:
        """Take note of an address that the guest has told."""
        self._pump.post(lambda: self._note_address(network, address))

    def _note(self, kind: str, detail: str = "") -> None:
        super()._note(kind, detail)
        if self._relay:
            self._relay.event_came(self._events[-1])

    def _link_ended(self) -> None:
        """A socket has closed: with both, QEMU has gone."""
        if self._console_link.open or self._control_link.open or self._ending:
            return
        told = self._shutdown or self._crashed or self._domain_gone.is_set()
        if told or self._wanted or self._last_record:
            self._ended()
        else:  # libvirt tells why in a moment
            self._pump.at(time.monotonic() + SETTLE_SECONDS, self._ended)

    def _domain_event(self, event: int, detail: int) -> None:
        module = libvirt()
        if event == module.VIR_DOMAIN_EVENT_SHUTDOWN:
            if detail == module.VIR_DOMAIN_EVENT_SHUTDOWN_HOST:  # QEMU was told to end
                self._wanted = self._wanted or Reason.STOPPED
            else:
                self._shutdown = True
                self._note("shutdown", "the guest has powered off")
        elif event == module.VIR_DOMAIN_EVENT_CRASHED and self._end_reader:  # SOLO5_END_PORT
            self._shutdown = True
            self._note("shutdown", "the guest has told libvirt that it ended")
        elif event == module.VIR_DOMAIN_EVENT_CRASHED:
            self._crashed = True
            self._note("crashed", "the guest has told libvirt that it crashed")
        elif event == module.VIR_DOMAIN_EVENT_SUSPENDED:
            planned = self._disks.planned_cut
            if detail == module.VIR_DOMAIN_EVENT_SUSPENDED_IOERROR and planned is not None:
                self._cut_power(*planned)
            return
        elif event == module.VIR_DOMAIN_EVENT_STOPPED:
            self._domain_gone.set()
            if (
                detail == module.VIR_DOMAIN_EVENT_STOPPED_DESTROYED
                and not self._shutdown
                and not self._crashed
            ):
                self._wanted = self._wanted or Reason.STOPPED
            self._note("stopped", "libvirt has removed the domain")
        self._link_ended()

    def _request(self, reason: Reason) -> None:
        """Bring about the end."""
        if self._ending or self._wanted:
            return
        self._wanted = reason
        self._destroy(self.host)
        # What is left in the sockets is read before they tell of their end, which comes now.

    def _cut_power(self, lose: Lose, seed: int | None) -> None:
        if self._ending or self._wanted:
            return
        self._wanted = Reason.POWER_CUT
        self._cut_terms = lose, seed
        self._note("power cut", "the power is cut")
        if not self._disks.kill():
            self._destroy(self.host)

    def _destroy(self, host: Host) -> bool:
        """Remove the domain; True if it is not there any more."""
        module = libvirt()
        try:
            if host is self.host and self._domain is not None:
                self._domain.destroy()
            else:
                host.connection.lookupByName(self.name).destroy()
        except module.libvirtError as error:
            return bool(error.get_error_code() == module.VIR_ERR_NO_DOMAIN)
        return True

    def _host_lost(self) -> None:
        if self._ending or self._wanted:
            return
        self._wanted = Reason.HOST_LOST
        self._note("lost", "libvirt's daemon has gone")
        self._ended()

    # Its end, in the pump's thread

    def _ended(self) -> None:
        if self._ending:
            return
        self._ending = True
        ending = self._how_it_ended()
        failure: LabError | None = None
        if ending.reason is Reason.HOST_LOST:
            failure = self._lost_error(ending)
            self._remove_orphan()
        elif ending.reason is Reason.POWER_CUT:
            try:
                self._cut = self._disks.settle(*self._cut_terms)
            except LabError as error:
                failure = error
        self._finish(ending, failure)
        if self._relay:
            self._relay.close(ending, self._clean_up)
        else:
            self._clean_up()

    def _clean_up(self) -> None:
        if self.host.alive and not self._domain_gone.is_set():
            self._destroy(self.host)
        self._pump.stop()
        self._release()

    def _how_it_ended(self) -> Exit:
        seconds = time.monotonic() - self._began
        status: int | None = None
        match self._wanted, self._last_record:
            case (_, ExitRecord(status)):
                reason, detail = Reason.EXIT, f"exited with status {status}"
            case (_, PanicRecord(why)):
                status, reason, detail = CRASHED, Reason.PANIC, f"panicked: {why}"
            case (Reason.STOPPED, _):
                reason, detail = Reason.STOPPED, "was stopped"
            case (Reason.POWER_CUT, _):
                reason, detail = Reason.POWER_CUT, "lost its power"
            case (Reason.TIME_LIMIT, _):
                reason, detail = (
                    Reason.TIME_LIMIT,
                    f"did not end in {self._plan.timeout:g} s, and was stopped",
                )
            case (Reason.OUTPUT_LIMIT, _):
                reason = Reason.OUTPUT_LIMIT
                detail = f"printed more than {self._plan.output_limit:,} bytes, and was stopped"
            case (Reason.HOST_LOST, _):
                reason, detail = Reason.HOST_LOST, "libvirt's daemon went away while it ran"
            case _:
                status, reason = CRASHED, Reason.CRASH
                detail = (
                    "crashed" if self._crashed or not self._shutdown else "ended without telling its status"
                )
                if self._shutdown and self._end_reader:
                    detail += ", which Solo5 keeps to itself if --solo5:quiet is given"
        return Exit(status, reason, detail, self.console.last_words(), self.stamps, seconds)

    def _lost_error(self, ending: Exit) -> HostError:
        error = self.host.trouble(
            f"libvirt's daemon went away while {self.name} ran.",
            next_step="Boot it again: the daemon is started anew when it is needed.",
        )
        words = Evidence("the guest's last words", ending.last_words)
        return HostError(error.what, next_step=error.next_step, evidence=[words, *error.evidence])

    def _remove_orphan(self) -> None:
        """QEMU outlives libvirt's daemon: have a new daemon find and remove it."""
        with contextlib.suppress(LabError), self.host.reopened() as host:
            self._destroy(host)

    def _release(self) -> None:
        """Give back all that is held outside the pump, as far as it was taken."""
        module = libvirt()
        self._forget_lost()
        if self._state is State.STARTING:
            self._pump.join()
            if self._domain is not None:
                self._destroy(self.host)
        if self._callback is not None and self.host.alive:
            with contextlib.suppress(module.libvirtError):
                self.host.connection.domainEventDeregisterAny(self._callback)
        self._callback = self._domain = None
        self._disks.release()
        for network in self.networks.values():
            network.release()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._closes_host:
            self.host.close()


def _lifecycle(_connection: Any, _domain: Any, event: int, detail: int, guest: OwnedGuest) -> None:
    """libvirt's callback, in libvirt's thread."""
    guest._pump.post(lambda: guest._domain_event(event, detail))


def _new_folder(host: Host) -> Path:
    """A private run folder, whose name tells the process that owns it."""
    owner = this_process()
    folder = host.folder / f"{owner.pid}-{owner.start}-{next(_numbers)}"
    try:
        folder.mkdir(mode=0o700)
        if host.identity.owner is not None:
            os.chown(folder, host.identity.owner, host.identity.owner)
    except OSError as error:
        raise HostError(
            f"The run folder {folder} cannot be made: {error.strerror}.",
            next_step="Free some space there, or set LABKIT_RUN to another folder.",
        ) from error
    return folder
