"""A guest of this process on another machine."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import socket
import threading
import time
from contextlib import ExitStack
from typing import Final

from labkit import events
from labkit.errors import Evidence, HostError, LabError, SshError
from labkit.guest.control import ControlReader, ExitRecord, PanicRecord, Stamp
from labkit.guest.guest import CRASHED, Exit, Reason, State
from labkit.guest.inband import InBand
from labkit.guest.pump import Link
from labkit.guest.remote.driver import Driver, RemotePlan
from labkit.guest.remote.libvirt import LibvirtDriver
from labkit.guest.remote.network import RemoteNetwork
from labkit.guest.remote.xl import XlDriver
from labkit.guest.served import ServedGuest
from labkit.host.diskfile import DiskLock
from labkit.host.remote import RemoteHost, Supervisor
from labkit.host.remote.supervisor import ANSWER_SECONDS, guest_folder
from labkit.host.ssh import Channel

__all__ = ["RemoteGuest"]

_OPENED: Final = b"opened\n"
OPEN_SECONDS: Final = 30.0


class RemoteGuest(ServedGuest):
    """A guest on a server: its supervisor there ends it when this process, or the connection, is no more.

    Attributes:
        host: the server.
        driver: what starts and ends it there.
        created: when it was made.

    One thread, its pump, serves it, over two programs on the server: the supervisor and the console.
    """

    stop_seconds = 2 * ANSWER_SECONDS  # to end it, and to remove what was brought for it

    def __init__(self, plan: RemotePlan, host: RemoteHost, *, closes_host: bool) -> None:
        super().__init__(plan.name, plan.path, plan.console_bytes)
        self.host = host
        self.created = dt.datetime.now(dt.UTC)
        self._plan = plan
        self._closes_host = closes_host
        self.driver = _driver(host, plan)
        self._records = ControlReader()
        self._in_band = InBand() if self.driver.in_band else None
        self._last_record: ExitRecord | PanicRecord | None = None
        self._locks = ExitStack()
        self._brought: dict[str, bytes] = {}  # what writable disks were, by their devices
        self._supervisor: Supervisor | None = None
        self._channel: Channel | None = None
        for network in plan.networks:
            self.networks[network.name] = RemoteNetwork(network, self.driver)

    def start(self) -> None:
        """Start it. On an error nothing is left, here or there.

        Raises:
            SshError: the connection fails.
            HostError: the server cannot start it.
            UsageError: another guest has one of its disks.
        """
        with events.step("boot", self.name) as step, ExitStack() as undo:
            undo.callback(self._release)
            for disk in self._plan.disks:
                self._locks.enter_context(DiskLock(disk.disk.path, shared=disk.place.read_only))
            image = self.host.bring(
                self.image,
                also=sum(disk.disk.path.stat().st_size for disk in self._plan.disks),
                progress=lambda done, size: step.progress(
                    f"uploading, {done >> 10} KiB", 0.4 * done / (size or 1)
                ),
            )
            configuration = self.driver.configuration(image)
            self._supervisor = Supervisor(
                self.host,
                self.name,
                configuration,
                self.driver.begin,
                self.driver.end,
                on_gone=lambda: self._pump.post(self._supervisor_gone),
            )
            step.progress(f"looked after on {self.host.name}", 0.5)
            self._bring_disks()
            self._open_console()
            try:
                self._supervisor.begin()
            except SshError:
                raise
            except HostError as error:
                raise self.driver.refusal(error) from error
            self._state = State.RUNNING
            self._began = time.monotonic()
            self._note("running", f"on {self.host.name}, by {self.host.manager}")
            if self._plan.timeout is not None:
                self._pump.at(self._began + self._plan.timeout, lambda: self._request(Reason.TIME_LIMIT))
            for host_port, guest_port in self._plan.forwards.items():
                next(iter(self.networks.values())).forward(guest_port, host_port)
            self._pump.start()
            undo.pop_all()
            step.progress("running", 1.0)

    # Its start

    def _bring_disks(self) -> None:
        for disk in self._plan.disks:
            there = self.driver.disk(disk.place.name)
            self.host.session.upload(disk.disk.path, there, 0o444 if disk.place.read_only else 0o666)
            if not disk.place.read_only:
                with disk.disk.path.open("rb") as file:
                    self._brought[disk.place.name] = hashlib.file_digest(file, "sha256").digest()

    def _open_console(self) -> None:
        console, far_console = socket.socketpair()
        control, far_control = socket.socketpair()
        self._console_link = Link(self._pump, console, self._console_came, self._link_ended)
        self._control_link = Link(self._pump, control, self._control_came, self._link_ended)
        opened = threading.Event()
        heard = bytearray()

        def errors_came(piece: bytes) -> None:
            records = piece
            if not opened.is_set():
                heard.extend(piece)
                records = bytes(heard.partition(_OPENED)[2])
                if _OPENED in heard or not piece:
                    opened.set()
            with contextlib.suppress(OSError):  # nobody listens any more
                far_control.sendall(records)
            if not piece:
                far_control.close()

        words = ("sh", "-c", self.driver.console, "labkit-console", self.driver.folder)
        channel = self._channel = self.host.session.start(*words, on_errors=errors_came)

        def join() -> None:
            with far_console:
                channel.join_to(far_console)

        threading.Thread(target=join, name=f"labkit-{self.name}-console", daemon=True).start()
        if not opened.wait(OPEN_SECONDS) or _OPENED not in heard:
            raise HostError(
                f"The console of {self.name} cannot be opened on {self.host.name}.",
                next_step="Look whether that machine is busy, and try again.",
                evidence=[Evidence("its words", heard.decode("utf-8", "replace"))],
            )

    # Its life, in the pump's thread

    def _console_came(self, data: bytes) -> None:
        if self._in_band is not None:
            data, records = self._in_band.feed(data.replace(b"\r\n", b"\n"))
            self._control_came(records)
        if not data:
            return  # to the console's readers, nothing is the end
        self.console.feed(data)
        if self._plan.output_limit is not None and self.console.size > self._plan.output_limit:
            self._request(Reason.OUTPUT_LIMIT)

    def _control_came(self, data: bytes) -> None:
        for record in self._records.feed(data):
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

    def _request(self, reason: Reason) -> None:
        """Bring about the end."""
        if self._wanted or self._state is not State.RUNNING or self._supervisor is None:
            return
        self._wanted = reason
        self._supervisor.request_end()

    def _supervisor_gone(self) -> None:
        """If the connection stands, somebody has killed it: have the host swept, which ends the guest."""
        if self._state is State.RUNNING and self.host.session.connected:
            with contextlib.suppress(LabError):
                self.host.look()

    def _link_ended(self) -> None:
        """It is over when both of its channels are: it has gone, or the connection to it."""
        if self._console_link.open or self._control_link.open or self._state is not State.RUNNING:
            return
        failure: LabError | None = None
        try:
            assert self._supervisor is not None  # noqa: S101  it is running
            self._supervisor.end()
            self._bring_back()
        except SshError as error:
            failure = error
            self._wanted = Reason.HOST_LOST
        except LabError as error:
            failure = error
        if self._in_band is not None and (rest := self._in_band.end()):
            self.console.feed(rest)
        ending = self._how_it_ended()
        if failure is not None:
            self.host.forget()
            failure = _with_words(failure, self.name, ending.last_words)
        self._release()
        self._finish(ending, failure)
        self._pump.stop()

    def _bring_back(self) -> None:
        """Take the disks that were written."""
        for disk in self._plan.disks:
            before = self._brought.get(disk.place.name)
            there = self.driver.disk(disk.place.name)
            if before is None:
                continue
            now = self.host.run("sha256sum", "--", there)
            if not now.output.startswith(before.hex().encode()):
                self.host.session.download(there, disk.disk.path)

    def _how_it_ended(self) -> Exit:
        seconds = time.monotonic() - self._began
        status: int | None = None
        match self._wanted, self._last_record:
            case (_, ExitRecord(status)):
                reason, detail = Reason.EXIT, f"exited with status {status}"
            case (_, PanicRecord(why)):
                status, reason, detail = CRASHED, Reason.PANIC, f"panicked: {why}"
            case (Reason.HOST_LOST, _):
                reason, detail = Reason.HOST_LOST, f"was lost: the connection to {self.host.name} was cut"
            case (Reason.TIME_LIMIT, _):
                reason = Reason.TIME_LIMIT
                detail = f"did not end in {self._plan.timeout:g} s, and was stopped"
            case (Reason.OUTPUT_LIMIT, _):
                reason = Reason.OUTPUT_LIMIT
                detail = f"printed more than {self._plan.output_limit:,} bytes, and was stopped"
            case (Reason.STOPPED, _):
                reason, detail = Reason.STOPPED, "was stopped"
            case _:
                status, reason, detail = CRASHED, Reason.CRASH, "ended without telling its status"
        return Exit(status, reason, detail, self.console.last_words(), self.stamps, seconds)

    def _release(self) -> None:
        """Give back all that is held here and there, as far as it was taken. Raises nothing."""
        for network in self.networks.values():
            if isinstance(network, RemoteNetwork):
                network.release()
        if self._supervisor is not None:
            try:
                self._supervisor.leave()
            except LabError as error:
                self._note("left", error.what)
        if self._channel is not None:
            self._channel.close()
        self._locks.close()
        if self._state is State.STARTING:
            self._pump.join()
        if self._closes_host:
            self.host.close()


def _driver(host: RemoteHost, plan: RemotePlan) -> Driver:
    kind = XlDriver if host.manager == "xl" else LibvirtDriver
    return kind(host, plan, guest_folder(host, plan.name))


def _with_words(failure: LabError, name: str, last_words: str) -> LabError:
    """The failure, with the guest's last words."""
    words = Evidence(f"last words of {name}", last_words)
    return type(failure)(failure.what, next_step=failure.next_step, evidence=[words, *failure.evidence])
