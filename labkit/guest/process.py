"""A guest of the targets unix, spt and hvt: a process here, which ends with the process that started it."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import secrets
import selectors
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from labkit import events
from labkit.build.domainxml import domain_name
from labkit.errors import HostError, LabError
from labkit.guest.control import ControlReader, ExitRecord, ForwardRecord, ListenRecord, PanicRecord, Stamp
from labkit.guest.disks import PlannedDisk
from labkit.guest.guest import CRASHED, Exit, Reason, State
from labkit.guest.network.hostports import PORTS_VARIABLE, HostPorts
from labkit.guest.network.processnetwork import ProcessNetwork
from labkit.guest.ownership import this_process
from labkit.guest.pump import Link
from labkit.guest.served import ServedGuest
from labkit.guest.solo5 import EndReader
from labkit.host.diskfile import DiskLock

__all__ = ["ProcessGuest", "ProcessPlan"]

CONTROL_VARIABLE: Final = "UNIKERNEL_CONTROL"
"""Environment variable that holds the descriptor of the control channel (``libos/unix/platform.c``)."""

_TENDER_MIB: Final = 64

_numbers = itertools.count(1)


@dataclass(frozen=True)
class ProcessPlan:
    """What to start.

    Attributes:
        path: the program.
        name: what the guest is to be named for.
        memory_mib: the most memory of its own that it may have, in MiB.
        arguments: its arguments.
        timeout: the longest it may run, in seconds.
        output_limit: the most bytes it may print.
        console_bytes: how much of its console is kept.
        disks: its disks.
        network: how ``config.ml`` calls its use of this machine's sockets; none if it uses none.
        forwards: ports of this machine that lead to it: its own port, by the machine's.
        tender: the program that runs it and its options, for a Solo5 image; its memory is then in these.
    """

    path: Path
    name: str
    memory_mib: int
    arguments: tuple[str, ...] = ()
    timeout: float | None = None
    output_limit: int | None = None
    console_bytes: int = 1 << 20
    disks: tuple[PlannedDisk, ...] = ()
    network: str | None = None
    forwards: Mapping[int, int] = field(default_factory=dict)
    tender: tuple[str, ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        """What is run."""
        return (*self.tender, str(self.path), *self.arguments)

    @property
    def data_bytes(self) -> int:
        """The most memory that the process may have, in bytes: a tender needs some of its own."""
        return (self.memory_mib + (_TENDER_MIB if self.tender else 0)) << 20


class ProcessGuest(ServedGuest):
    """A child of this process, which Linux kills when this one ends, however that comes (``PR_SET_PDEATHSIG``).

    Attributes:
        created: when it was made.

    One thread, its pump, starts and serves it: Linux takes the end of the thread that forked for the parent's.
    """

    def __init__(self, plan: ProcessPlan, folder: Path) -> None:
        super().__init__(f"{domain_name(plan.name)}-{secrets.token_hex(3)}", plan.path, plan.console_bytes)
        self._plan = plan
        self._records = ControlReader()
        self._end_reader = EndReader() if plan.tender else None
        self._last_record: ExitRecord | PanicRecord | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._status: int | None = None
        self.created = dt.datetime.now(dt.UTC)
        self._disk_locks = ExitStack()
        self._ports = HostPorts(self.name, self._tell, lambda: self._state is State.ENDED)
        self._ports_words = ""
        if plan.network is not None:
            ending = lambda: self._exit.detail if self._exit else None  # noqa: E731
            self.networks[plan.network] = ProcessNetwork(plan.network, self.name, self._ports, ending)
        owner = this_process()
        # Told from a domain's folder by the p; the sweep of dead owners' folders takes both.
        self._folder = folder / f"{owner.pid}-{owner.start}-p{next(_numbers)}"

    def start(self) -> None:
        """Start it. On an error nothing is left.

        Raises:
            HostError: this machine cannot start it.
            UsageError: another guest has one of its disks, or a port is in use.
        """
        with events.step("boot", self.name) as step, ExitStack() as undo:
            undo.callback(self._disk_locks.close)
            for disk in self._plan.disks:
                self._disk_locks.enter_context(DiskLock(disk.disk.path, shared=disk.place.read_only))
            undo.callback(self._ports.over)
            self._ports_words = self._ports.begin(self._plan.forwards)
            self._make_folder()
            undo.callback(shutil.rmtree, self._folder, ignore_errors=True)
            console, program_console = socket.socketpair()
            control, program_control = socket.socketpair()
            with program_console, program_control:
                self._console_link = Link(self._pump, console, self._console_came, self._look_for_end)
                self._control_link = Link(self._pump, control, self._control_came, self._look_for_end)
                if failure := self._started(program_console, program_control):
                    self._pump.stop()
                    self._pump.join()
                    raise failure
            undo.pop_all()
            step.progress("running", 1.0)

    # Its start

    def _make_folder(self) -> None:
        """Its working folder: to the program, each disk is the file that ``config.ml`` names."""
        try:
            self._folder.mkdir(mode=0o700)
            for disk in self._plan.disks:
                (self._folder / disk.place.name).symlink_to(disk.disk.path)
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise HostError(
                f"The run folder {self._folder} cannot be made: {error.strerror}.",
                next_step="Free some space there, or set LABKIT_RUN to another folder.",
            ) from error

    def _started(self, console: socket.socket, control: socket.socket) -> LabError | None:
        """Start the program in the pump's thread; the error if it cannot be."""
        outcome: list[LabError | None] = []
        done = threading.Event()

        def spawn() -> None:
            try:
                self._spawn(console, control)
                outcome.append(None)
            except OSError as error:
                outcome.append(
                    HostError(
                        f"{self._plan.path} cannot be started: {error.strerror}.",
                        next_step="Build the image again; `labkit doctor` checks this machine.",
                    )
                )
            finally:
                done.set()

        self._pump.post(spawn)
        self._pump.start()
        done.wait()
        return outcome[0]

    def _spawn(self, console: socket.socket, control: socket.socket) -> None:
        limit = f"--data={self._plan.data_bytes}"
        command = ["setpriv", "--pdeathsig", "KILL", "--", "prlimit", limit, "--core=0", "--"]
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            [*command, *self._plan.command],
            stdin=console.fileno(),
            stdout=console.fileno(),
            stderr=console.fileno(),
            cwd=self._folder,
            env={
                CONTROL_VARIABLE: str(control.fileno()),
                PORTS_VARIABLE: self._ports_words,
                "PATH": os.defpath,
            },
            pass_fds=(control.fileno(),),
            start_new_session=True,  # Ctrl-C is for the notebook, not for the guest
        )
        self._state = State.RUNNING
        self._note("running", f"process {self._process.pid}")
        self._pump.watch(_Ended(os.pidfd_open(self._process.pid)), self._process_ended, selectors.EVENT_READ)
        if self._plan.timeout is not None:
            self._pump.at(self._began + self._plan.timeout, lambda: self._request(Reason.TIME_LIMIT))

    # Its life, in the pump's thread

    def _console_came(self, data: bytes) -> None:
        self.console.feed(data)
        if self._end_reader:
            self._last_record = next(reversed(self._end_reader.feed(data)), self._last_record)
        if self._plan.output_limit is not None and self.console.size > self._plan.output_limit:
            self._request(Reason.OUTPUT_LIMIT)

    def _control_came(self, data: bytes) -> None:
        for record in self._records.feed(data):
            if isinstance(record, Stamp):
                with self._changed:
                    self._stamps[record.name] = record.nanoseconds
                self._note("stamp", f"{record.name} {record.nanoseconds}")
            elif isinstance(record, ListenRecord | ForwardRecord):
                self._ports.told(record)

    def _tell(self, line: str) -> None:
        self._control_link.send(f"{line}\n".encode())

    def _request(self, reason: Reason) -> None:
        """Bring about the end."""
        if self._wanted or self._status is not None or self._process is None:
            return
        self._wanted = reason
        self._process.kill()

    def _process_ended(self, _mask: int) -> None:
        if self._process is not None and self._status is None:
            self._status = self._process.wait()
            self._look_for_end()

    def _look_for_end(self) -> None:
        """It is over when the process has gone and its last words have been read."""
        if self._status is None or self._console_link.open or self._control_link.open:
            return
        status, reason, detail = self._how_it_ended(self._status)
        seconds = time.monotonic() - self._began
        self._finish(Exit(status, reason, detail, self.console.last_words(), self.stamps, seconds))
        self._ports.over()
        self._pump.stop()
        self._disk_locks.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _how_it_ended(self, status: int) -> tuple[int | None, Reason, str]:
        match self._wanted:
            case Reason.TIME_LIMIT:
                return None, Reason.TIME_LIMIT, f"did not end in {self._plan.timeout:g} s, and was stopped"
            case Reason.OUTPUT_LIMIT:
                most = f"{self._plan.output_limit:,}"
                return None, Reason.OUTPUT_LIMIT, f"printed more than {most} bytes, and was stopped"
            case Reason.STOPPED if status < 0:
                return None, Reason.STOPPED, "was stopped"
        if isinstance(self._last_record, PanicRecord):
            return CRASHED, Reason.PANIC, f"panicked: {self._last_record.reason}"
        last = "".join(self.console.last_words().splitlines()[-1:])
        if (
            self._plan.tender and status > 0 and last.startswith("solo5-")
        ):  # the tender's word, not the guest's
            return CRASHED, Reason.CRASH, f"was given up by its tender: {last}"
        if status >= 0:
            return status, Reason.EXIT, f"exited with status {status}"
        return CRASHED, Reason.CRASH, f"was ended by signal {-status} ({signal.strsignal(-status)})"


class _Ended:
    """A descriptor that is readable once a process has ended (pidfd_open(2))."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        os.close(self._descriptor)
