"""A lab host that is kept as it is just after its start: its memory and its disk, as files.

The machine is booted, proven, stopped, and migrated into a file (QEMU's word for it); its disk stands still from
then on. Each later start takes both as they are, and writes into a disk of its own above: nothing that happens to
a running machine can spoil the snapshot.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from labkit import events
from labkit.build.cache import Cache
from labkit.errors import Evidence, HostError
from labkit.host.labhost.build import DISK_MIB
from labkit.host.labhost.emulator import Kind, Machine
from labkit.host.labhost.keys import known_host
from labkit.host.labhost.monitor import Monitor
from labkit.host.labhost.proof import Proof, prove
from labkit.host.labhost.reach import LOOPBACK, empty_disk, forwarded_port, listening, login_of
from labkit.host.labhost.words import ask
from labkit.host.probe import probe_kernel
from labkit.host.ssh import Session
from labkit.settings import Settings

__all__ = [
    "SNAPSHOTS",
    "Snapshot",
    "any_snapshot",
    "find_snapshot",
    "forget_snapshots",
    "load",
    "take_snapshot",
]

SNAPSHOTS: Final = "labhost-snapshots"
"""The cache's kind for them."""

BOOT_SECONDS: Final = 180.0
SAVE_SECONDS: Final = 60.0
_ABOUT: Final = "about.json"
_WARM: Final = {
    "xen": "virsh -q -c xen:///system list >&2",
    "kvm": "virsh -q -c qemu:///system domcapabilities --virttype kvm >/dev/null",
}
_FREE: Final = {
    "xen": "xl info free_memory",
    "kvm": "sed -n 's/^MemAvailable: *\\([0-9]*\\)[0-9][0-9][0-9] kB/\\1/p' /proc/meminfo",
}


@dataclass(frozen=True)
class Snapshot:
    """A lab host that was booted; nothing in its folder ever changes.

    Attributes:
        folder: where it is.
        about: what is known of it: ``kind``, ``proof``, ``versions``, ``created``, ``seconds``, ``sizes``.
    """

    folder: Path
    about: dict[str, Any]

    @property
    def memory(self) -> Path:
        """The machine's memory and devices, as QEMU's migration writes them."""
        return self.folder / "memory"

    @property
    def disk(self) -> Path:
        """What it had written to its disk."""
        return self.folder / "disk.qcow2"

    @property
    def proof(self) -> Proof:
        """What it was seen to do before it was stopped."""
        return Proof(**self.about["proof"])


def find_snapshot(cache: Cache, machine: Machine) -> Snapshot | None:
    """The snapshot of just this machine, if there is one that is whole."""
    folder = cache.find(SNAPSHOTS, machine.key)
    if folder is None:
        return None
    try:
        about = json.loads((folder / _ABOUT).read_text())
        found = Snapshot(folder, about)
        whole = all((folder / name).stat().st_size == size for name, size in about["sizes"].items())
    except (OSError, ValueError, KeyError):
        return None
    return found if whole else None


def any_snapshot(cache: Cache, kind: Kind) -> bool:
    """Whether there is a snapshot of this kind, be it of another machine."""
    return any(_kind_of(folder) in (kind, None) for folder in (cache.folder / SNAPSHOTS).glob("*"))


def forget_snapshots(cache: Cache, kind: Kind) -> None:
    """Remove the snapshots of a kind, and those that do not tell theirs."""
    for folder in (cache.folder / SNAPSHOTS).glob("*"):
        if _kind_of(folder) in (kind, None):
            shutil.rmtree(folder, ignore_errors=True)


def _kind_of(folder: Path) -> str | None:
    """The kind of a snapshot; None if it does not tell."""
    try:
        kind: str = json.loads((folder / _ABOUT).read_text())["kind"]
    except (OSError, ValueError, KeyError):
        return None
    return kind


def take_snapshot(cache: Cache, machine: Machine, settings: Settings) -> Snapshot:
    """Boot a machine, prove what it can do, and keep it. Two callers do it once.

    Emits the step ``boot``.

    Raises:
        HostError: QEMU ends, the machine does not come up or runs no guest, or the disk is full; last words are in
            the evidence.
    """
    with (
        events.step("boot", f"{machine.kind} host") as step,
        cache.lock(f"{SNAPSHOTS}-{machine.key}", waiting=lambda: step.progress("another process boots it")),
    ):
        if found := find_snapshot(cache, machine):
            return found
        forget_snapshots(cache, machine.kind)
        with cache.staging() as folder:
            about = _boot_and_save(folder, machine, settings, step)
            (folder / _ABOUT).write_text(json.dumps(about, indent=1))
            return Snapshot(cache.publish(folder, SNAPSHOTS, machine.key), about)


def _boot_and_save(folder: Path, machine: Machine, settings: Settings, step: events.Step) -> dict[str, Any]:
    began = time.monotonic()
    disk = folder / "disk.qcow2"
    empty_disk(disk, DISK_MIB)
    with _booting(machine, disk, settings) as (qemu, monitor_path):
        console = _Console(qemu)
        console.await_line(f"labhost: ready {machine.kind}", BOOT_SECONDS, step)
        with Monitor(monitor_path, SAVE_SECONDS) as monitor:
            step.progress("proving it")
            port = forwarded_port(monitor)
            known = folder / "known_hosts"
            known.write_text(known_host(machine.image.keys, LOOPBACK, port))
            with Session(login_of(machine.image, port, known)) as session:
                ask(session, _WARM[machine.kind], limit=BOOT_SECONDS)
                proof = prove(machine.kind, session, probe_kernel(settings))
                if not proof.proven:
                    raise HostError(
                        f"The {machine.kind} host came up, but runs no guest.",
                        next_step="Close other programs and start again; else please report this.",
                        evidence=[Evidence("what was seen", proof.reason)],
                    )
                ask(session, "sync; echo 3 >/proc/sys/vm/drop_caches", limit=BOOT_SECONDS)
                memory = int(ask(session, _FREE[machine.kind], limit=BOOT_SECONDS))
            known.unlink()
            step.progress("keeping it")
            _save(monitor, folder / "memory")
            monitor.ask("quit")
        qemu.wait(SAVE_SECONDS)
    versions = machine.image.versions()
    return {
        "kind": machine.kind,
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 1),
        "proof": asdict(proof),
        "memory_mib": memory,
        "versions": {"qemu": machine.qemu.version(), "debian": versions["suite"], **versions},
        "sizes": {name: (folder / name).stat().st_size for name in ("memory", "disk.qcow2")},
    }


@contextmanager
def _booting(
    machine: Machine, disk: Path, settings: Settings
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A QEMU that ends with us, however that comes; with the path of its monitor."""
    with tempfile.TemporaryDirectory(dir=settings.run_folder()) as name, disk.open("r+b") as opened:
        path = Path(name) / "monitor"
        with listening(path) as listener, tempfile.TemporaryFile() as complaints:
            command = machine.command(
                Path(name) / "pid",
                disk=opened.fileno(),
                frozen=None,
                console="stdio",
                monitor=listener.fileno(),
            )
            with subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                cwd=machine.image.folder,
                pass_fds=[opened.fileno(), listener.fileno()],
            ) as qemu:
                listener.close()
                try:
                    yield qemu, path
                except HostError as error:
                    complaints.seek(0)
                    words = complaints.read().decode(errors="replace").strip()
                    if words:
                        error.evidence = (*error.evidence, Evidence("QEMU's last words", words))
                    raise
                finally:
                    qemu.kill()


class _Console:
    """The machine's console while it boots."""

    def __init__(self, qemu: subprocess.Popen[bytes]) -> None:
        assert qemu.stdout is not None  # noqa: S101  for mypy
        self._stream: IO[bytes] = qemu.stdout
        self._text = ""

    def await_line(self, wanted: str, limit: float, step: events.Step) -> None:
        """Read until a line has come.

        Raises:
            HostError: it does not come in ``limit`` seconds, or QEMU ends.
        """
        deadline = time.monotonic() + limit
        while wanted not in self._text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._stream], [], [], left)[0]:
                raise self._trouble(f"The lab host does not come up within {limit:.0f} s.")
            part = os.read(self._stream.fileno(), 4096).decode(errors="replace")
            if not part:
                raise self._trouble("The lab host's QEMU ended while the machine booted.")
            self._text = (self._text + part)[-16384:]
            if "\n" in part:
                step.progress(self._text.rpartition("\n")[0].rstrip().rpartition("\n")[2].strip())

    def _trouble(self, what: str) -> HostError:
        last = "\n".join(self._text.splitlines()[-15:])
        return HostError(
            what,
            next_step="Close other programs and start again; `labkit host down --forget` has it built anew.",
            evidence=[Evidence("its console", last)],
        )


def load(monitor: Monitor, descriptor: int) -> None:
    """Have a QEMU that waits for it take a machine's memory from a file, and let the machine go on.

    Args:
        monitor: that QEMU's.
        descriptor: the open file's.

    Raises:
        HostError: QEMU cannot take it.
    """
    _follow_migration(monitor)
    monitor.ask("getfd", descriptor=descriptor, fdname="memory")
    monitor.ask("migrate-incoming", uri="fd:memory")
    if _migrated(monitor) == "failed":
        raise HostError("QEMU cannot take what was kept of the lab host's memory.")
    monitor.ask("cont")


def _save(monitor: Monitor, path: Path) -> None:
    monitor.ask("stop")
    _follow_migration(monitor)
    monitor.ask("migrate-set-parameters", max_bandwidth=1 << 34)
    with path.open("wb") as file:
        monitor.ask("getfd", descriptor=file.fileno(), fdname="memory")
        monitor.ask("migrate", uri="fd:memory")
        status = _migrated(monitor)
    if status == "failed":
        told = monitor.ask("query-migrate").get("error-desc", "")
        raise HostError(
            "The lab host's memory cannot be kept.",
            next_step="See whether the disk of the cache is full.",
            evidence=[Evidence("QEMU's words", told)],
        )


def _follow_migration(monitor: Monitor) -> None:
    monitor.ask("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])


def _migrated(monitor: Monitor) -> str:
    """How it ended: ``completed`` or ``failed``."""
    while True:
        status: str = monitor.expect("MIGRATION")["status"]
        if status in ("completed", "failed"):
            return status
