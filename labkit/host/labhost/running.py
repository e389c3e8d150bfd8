"""A lab host that runs: a QEMU that belongs to no process, known by its folder in the run folder.

``<run>/h/KIND/`` holds QEMU's process number (written by QEMU itself, before anything else), its monitor's socket,
the console, what QEMU complained of, the file of known hosts, and, once the machine answers, ``about.json``.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from labkit.build.cache import Cache
from labkit.errors import Evidence, HostError
from labkit.host import launcher
from labkit.host.daemon import last_lines
from labkit.host.labhost.build import DISK_MIB
from labkit.host.labhost.emulator import Kind, Machine
from labkit.host.labhost.keys import known_host
from labkit.host.labhost.monitor import Monitor
from labkit.host.labhost.reach import LOOPBACK, empty_disk, forwarded_port, listening, login_of
from labkit.host.labhost.snapshot import Snapshot, load
from labkit.host.labhost.words import ask
from labkit.host.ssh import Login, Session
from labkit.settings import Settings

__all__ = ["Running"]

RESUME_SECONDS: Final = 30.0
END_SECONDS: Final = 5.0

# Its clock stood still, and whoever resumes the same snapshot gets the same random numbers.
_WAKE: Final = "date -u -s @{now:.3f} >/dev/null && cat >/dev/urandom"


@dataclass(frozen=True)
class Running:
    """The place of one lab host while it runs.

    Attributes:
        kind: which.
        folder: its folder.
    """

    kind: Kind
    folder: Path

    @classmethod
    def of(cls, kind: Kind, settings: Settings) -> Running:
        """The place for a kind, whether it runs or not."""
        return cls(kind, settings.run_folder() / "h" / kind)

    @contextmanager
    def locked(self, waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Alone start or end it inside the block; ``waiting`` is called if another does."""
        try:
            lock = self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting is not None:
                waiting()
            lock = self._lock(fcntl.LOCK_EX)
        try:
            yield
        finally:
            os.close(lock)

    @contextmanager
    def locked_if_free(self) -> Iterator[bool]:
        """The same, unless another does; tells whether it is ours."""
        try:
            lock = self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            os.close(lock)

    def _lock(self, how: int) -> int:
        self.folder.parent.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(self.folder.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, how)
        except BaseException:
            os.close(lock)
            raise
        return lock

    def process(self) -> int | None:
        """The number of its QEMU; None if it does not run."""
        pid = self.folder / "pid"
        try:
            number = int(pid.read_text())
            command = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return number if os.fsencode(pid) in command else None

    def about(self) -> dict[str, Any] | None:
        """What was noted when it was up: ``port``, ``machine``, ``since``; None if it never was."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "about.json").read_text())
        except (OSError, ValueError):
            return None
        return found

    def login(self, machine: Machine) -> Login | None:
        """The way into the machine that runs; None if none does, or another than this."""
        about = self.about()
        if self.process() is None or about is None or about["machine"] != machine.key:
            return None
        return login_of(machine.image, about["port"], self.folder / "known_hosts")

    def start(self, machine: Machine, snapshot: Snapshot, cache: Cache) -> Login:
        """Start it from a snapshot. Call it with the lock held, and nothing running.

        Raises:
            HostError: it does not come up; nothing is left then.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        try:
            self._launch(machine, snapshot, cache)
            with (
                Monitor(self.folder / "monitor", RESUME_SECONDS) as monitor,
                snapshot.memory.open("rb") as memory,
            ):
                load(monitor, memory.fileno())
                port = forwarded_port(monitor)
            (self.folder / "known_hosts").write_text(known_host(machine.image.keys, LOOPBACK, port))
            login = login_of(machine.image, port, self.folder / "known_hosts")
            with Session(login) as session:
                ask(session, _WAKE.format(now=time.time()), limit=RESUME_SECONDS, input=os.urandom(512))
            about = {"port": port, "machine": machine.key, "since": time.time()}
            (self.folder / "about.new").write_text(json.dumps(about))
            (self.folder / "about.new").rename(self.folder / "about.json")
        except BaseException as error:
            if isinstance(error, HostError):
                told = [("QEMU's last words", "complaints"), ("its console", "console")]
                texts = [(title, last_lines(self.folder / name)) for title, name in told]
                error.evidence = (*error.evidence, *(Evidence(title, text) for title, text in texts if text))
            self.end()
            raise
        return login

    def _launch(self, machine: Machine, snapshot: Snapshot, cache: Cache) -> None:
        with (
            cache.staging() as scratch,
            listening(self.folder / "monitor") as listener,
            (self.folder / "complaints").open("wb") as complaints,
        ):
            empty_disk(scratch / "disk", DISK_MIB)
            with (scratch / "disk").open("r+b") as disk:  # its name goes with the scratch folder
                descriptors = [disk.fileno(), listener.fileno()]
                command = machine.command(
                    self.folder / "pid",
                    disk=descriptors[0],
                    frozen=snapshot.disk,
                    console=f"file,path={self.folder / 'console'}",
                    monitor=descriptors[1],
                    more=("-incoming", "defer"),
                )
                subprocess.run(
                    [sys.executable, "-I", "-S", launcher.__file__, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=complaints,
                    stderr=complaints,
                    cwd=machine.image.folder,
                    pass_fds=descriptors,
                    check=True,
                )

    def end(self) -> bool:
        """End it, as by pulling the plug, and remove its files; True if it ran."""
        number = self.process()
        if number is not None:
            with suppress(ProcessLookupError):
                handle = os.pidfd_open(number)
                try:
                    if self.process() == number:
                        signal.pidfd_send_signal(handle, signal.SIGKILL)
                        select.select([handle], [], [], END_SECONDS)
                finally:
                    os.close(handle)
        shutil.rmtree(self.folder, ignore_errors=True)
        return number is not None
