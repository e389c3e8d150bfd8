"""What a test run left behind: guests' processes, sockets and folders of the lab."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 5.0  # seconds that something which is just ending may take


@dataclass(frozen=True)
class Process:
    number: int
    command: str

    @property
    def is_daemon(self) -> bool:
        """libvirt's daemon of the lab, or the shell above it: they end by themselves when idle for a while."""
        words = self.command.split()
        return bool(words) and (words[0].endswith("/libvirtd") or "labkit-host" in words)


def leftovers(base: Path, temp: Path) -> list[str]:
    """One line for each thing that is left of a run, after some patience.

    Args:
        base: the folder in which the run's run folders were.
        temp: the run's folder for temporary files.
    """
    deadline = time.monotonic() + PATIENCE
    while left_of(base, temp) and time.monotonic() < deadline:
        time.sleep(0.1)
    found = left_of(base, temp)
    end_daemons(base)
    found += [
        f"process {p.number}, which ignores SIGTERM: {p.command[:160]}"
        for p in processes(base)
        if p.is_daemon
    ]
    return found


def left_of(base: Path, temp: Path) -> list[str]:
    found = [f"process {p.number}: {p.command[:160]}" for p in processes(base) if not p.is_daemon]
    # Each run folder has the guests' folders in `g`; the rest of it is the daemon's.
    found += [f"guest's folder: {path.relative_to(base)}" for path in sorted(base.glob("**/g/*"))]
    # pytest keeps folders of its own for a look at failed tests.
    return found + [
        f"temporary: {path.name}" for path in sorted(temp.iterdir()) if path.name[:10] != "pytest-of-"
    ]


def processes(base: Path) -> Iterator[Process]:
    """Processes that the run started: its folder is in their environment or their command."""
    mark = os.fsencode(base)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            environment = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue  # ended meanwhile, or another user's
        if state not in "ZX" and (mark in command or mark in environment):
            yield Process(int(entry.name), command.replace(b"\0", b" ").decode(errors="replace").strip())


def end_daemons(base: Path) -> None:
    """End the libvirt daemons of the run folders in ``base``, and wait for it."""
    deadline = time.monotonic() + PATIENCE
    told = set()
    while daemons := [p for p in processes(base) if p.is_daemon]:
        if time.monotonic() > deadline:
            return
        for process in daemons:
            if process.number not in told and "labkit-host" not in process.command:
                told.add(process.number)
                os.kill(process.number, signal.SIGTERM)
        time.sleep(0.02)
