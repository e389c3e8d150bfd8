"""What a test run left behind: processes, guests' domains, sockets and folders of the lab."""

from __future__ import annotations

import os
import time
from pathlib import Path

PATIENCE = 5.0  # seconds that something which is just ending may take


def leftovers(run_folder: Path, temp: Path) -> list[str]:
    """One line for each thing that still belongs to the run with these two folders, after some patience."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = [*processes(run_folder), *files(run_folder), *temporary(temp)]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def processes(run_folder: Path) -> list[str]:
    """Processes that were started by the run: its folder is in their environment, or in their command."""
    mark = str(run_folder).encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            environment = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue  # ended meanwhile, or another user's
        if state != "Z" and (mark in command or mark in environment):
            words = command.replace(b"\0", b" ").decode(errors="replace").strip()
            found.append(f"process {entry.name}: {words[:160]}")
    return found


def files(run_folder: Path) -> list[str]:
    """Sockets and folders of guests."""
    return [f"run folder: {path.relative_to(run_folder)}" for path in sorted(run_folder.rglob("*"))]


def temporary(temp: Path) -> list[str]:
    """Temporary files and folders; pytest's own, which it keeps for a look at failed tests, do not count."""
    return [f"temporary: {path.name}" for path in sorted(temp.iterdir()) if not path.name.startswith("pytest-of-")]
