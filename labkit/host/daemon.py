"""The lab's own libvirt daemon: started when it is first needed, ended by itself when nobody needs it.

It has folders of its own for configuration, state and cache, so the libvirt set-up of the user and of the machine
is neither read nor changed, and it behaves alike for root and for everybody else. Its configuration leaves out one
question that libvirt asks each QEMU, property by property, about every feature of the guest's processor: it takes
four fifths of the time of a start, and matters only to migration.
"""

from __future__ import annotations

import fcntl
import os
import select
import selectors
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from labkit.errors import Evidence, HostError, MissingTool, UsageError
from labkit.host import launcher
from labkit.host.identity import Identity
from labkit.settings import Settings

__all__ = ["SOCKET_PATH_BYTES", "Daemon", "last_lines"]

SOCKET_PATH_BYTES: Final = 107
"""The longest path of a Unix socket, in bytes (unix(7), less the closing zero)."""

IDLE_SECONDS: Final = 30
PROGRAMS: Final = ("libvirtd",)
START_SECONDS: Final = 30.0
MONITOR_PATH_BYTES: Final = 68  # below the home: /c/libvirt/qemu/lib/domain-NUMBER-NAME/monitor.sock
LOG_BYTES: Final = 1 << 20

QEMU_CONF: Final = """\
# Written by labkit for its own libvirt daemon.
security_driver = "none"
stdio_handler = "file"
capability_filters = [ "cpu-unavailable-features" ]
"""
LIBVIRTD_CONF: Final = """\
# Written by labkit for its own libvirt daemon.
max_clients = 1000
max_anonymous_clients = 200
log_level = 4
"""


@dataclass(frozen=True)
class Daemon:
    """The daemon whose state is in ``home``.

    Attributes:
        home: its folder, with a short path; made on first use.
        cache: where libvirt keeps what it has learned about QEMU.
        identity: as whom it runs.
    """

    home: Path
    cache: Path
    identity: Identity

    @classmethod
    def of(cls, settings: Settings, identity: Identity) -> Daemon:
        """The daemon that belongs to these settings.

        Raises:
            HostError: the run folder is not ours.
            UsageError: the run folder's path is too long.
        """
        run = settings.run_folder()
        if identity.sees_all_files:
            home, cache = run, settings.cache / "libvirt"
        else:  # nobody may not look into a private folder, so all that it needs is in one of its own
            home = run.with_name(run.name + "-nobody")
            cache = home / "cache"
        if len(os.fsencode(home)) + MONITOR_PATH_BYTES > SOCKET_PATH_BYTES:
            raise UsageError(
                f"The path of the run folder, {home}, is too long for the sockets in it"
                f" ({len(os.fsencode(home))} bytes, at most {SOCKET_PATH_BYTES - MONITOR_PATH_BYTES}).",
                next_step="Set LABKIT_RUN to a shorter path, such as /tmp/lab.",
            )
        return cls(home, cache, identity)

    @property
    def socket(self) -> Path:
        """The Unix socket on which it listens."""
        return self.home / "r" / "libvirt" / "libvirt-sock"

    @property
    def uri(self) -> str:
        """Its libvirt URI, good for ``virsh -c`` too."""
        return f"qemu+unix:///session?socket={quote(str(self.socket))}"

    @property
    def log(self) -> Path:
        """What it complained of."""
        return self.home / "libvirtd.log"

    @property
    def cold(self) -> bool:
        """Whether libvirt has yet to find out about QEMU, which takes seconds."""
        known = self.cache / "libvirt" / "qemu" / "cache" / "capabilities"
        return not any(known.glob("*.xml"))

    def answers(self) -> bool:
        """Whether it takes connections now."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket))
            except OSError:
                return False
        return True

    def process(self) -> int | None:
        """The number of its process, from the file that it keeps locked while it lives; None if there is none."""
        try:
            number = int((self.home / "r" / "libvirt" / "libvirtd.pid").read_text())
            alive = Path(f"/proc/{number}/comm").read_text().strip() in PROGRAMS
        except (OSError, ValueError):
            return None
        return number if alive else None

    def qemu(self, name: str) -> int | None:
        """The number of the process of a guest's QEMU; None if it has none."""
        try:
            return int((self.home / "r" / "libvirt" / "qemu" / "run" / f"{name}.pid").read_text())
        except (OSError, ValueError):
            return None

    def await_end(self, limit: float) -> bool:
        """Wait until its process has ended, at most ``limit`` seconds; True if it has."""
        number = self.process()
        if number is None:
            return True
        try:
            handle = os.pidfd_open(number)
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([handle], [], [], limit)[0])
        finally:
            os.close(handle)

    def start(self) -> bool:
        """Start it unless it runs; two callers at once start one. True if this call did.

        Raises:
            MissingTool: there is no libvirt daemon.
            HostError: it does not start; its last words are in the evidence.
        """
        if self.answers():
            return False
        self._make_folders()
        with self._lock():
            started = not self.answers()
            if started:
                self.await_end(START_SECONDS)  # one that is just ending holds its lock until it has
                self._start()
        return started

    def _make_folders(self) -> None:
        folders = [self.home, self.home / "c" / "libvirt", self.home / "r", self.cache]
        try:
            for folder in folders:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, text in {"qemu.conf": QEMU_CONF, "libvirtd.conf": LIBVIRTD_CONF}.items():
                _write(self.home / "c" / "libvirt" / name, text)
            if self.identity.owner is not None:
                for folder in [*folders, self.home / "c"]:
                    os.chown(folder, self.identity.owner, self.identity.owner)
        except OSError as error:
            raise HostError(
                f"The folders of the lab's libvirt daemon cannot be made: {error}.",
                next_step="Make room or give yourself the right to write there; or set LABKIT_RUN, LABKIT_CACHE.",
            ) from error

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _start(self) -> None:
        program = shutil.which("libvirtd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if program is None:
            raise MissingTool(
                "libvirt's daemon, libvirtd, is not installed.",
                next_step="Run `make lab`, or install the package libvirt-daemon.",
            )
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "XDG_CONFIG_HOME": str(self.home / "c"),
            "XDG_RUNTIME_DIR": str(self.home / "r"),
            "XDG_CACHE_HOME": str(self.cache),
        }
        keep = "ab" if self.log.exists() and self.log.stat().st_size < LOG_BYTES else "wb"
        alive, theirs = os.pipe()  # the daemon's side closes when it ends
        try:
            with self.log.open(keep) as log:
                launched = subprocess.run(
                    [
                        *(sys.executable, "-I", "-S", launcher.__file__),
                        *self.identity.prefix,
                        *(program, "--timeout", str(IDLE_SECONDS)),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env=environment,
                    pass_fds=[theirs],
                    timeout=START_SECONDS,
                )
        finally:
            os.close(theirs)
        try:
            if launched.returncode or not self._came_up(alive):
                raise HostError(
                    "libvirt's daemon does not start.",
                    next_step="Its last words tell why; `labkit doctor` checks the rest.",
                    evidence=[Evidence("libvirtd's last words", last_lines(self.log))],
                )
        finally:
            os.close(alive)

    def _came_up(self, alive: int) -> bool:
        """Wait until it answers (True), or has ended or taken too long (False)."""
        deadline = time.monotonic() + START_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(alive, selectors.EVENT_READ)
            while time.monotonic() < deadline:
                if self.answers():
                    return True
                # libvirt does not tell when its socket is there: look every 5 ms, and at once when it ends
                if selector.select(0.005):
                    return self.answers()
        return False


def last_lines(log: Path, count: int = 12) -> str:
    """The last lines of a log, less those that come in every bare container; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16384))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    usual = ("DBus", "dnsmasq", "udevGetDMI", "End of file while reading data")
    told = [line for line in lines if not any(word in line for word in usual)]
    return "\n".join(told[-count:])


def _write(path: Path, text: str) -> None:
    """Write a small file whole, unless it holds the text already."""
    try:
        if path.read_text() == text:
            return
    except OSError:
        pass
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(text)
    new.replace(path)
