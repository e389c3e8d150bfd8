"""A disk's speed, beside a Linux guest that has the same disk, and beside the file on this machine.

Three programs measure: an image (``image/``), and ``load.c`` in a Linux guest and on this machine. Each has a
file of its own on one file system, and is asked in turns, by a line ``KIND ORDER SIZE DEPTH COUNT``: how many
nanoseconds, by its own clock, do so many requests of so many bytes take, that many of them at a time? What is
``flushed`` is on the medium before the next begins: by a flush after each write here, by ``O_DSYNC`` on Linux,
which does the same.
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from bench.linux import BLOCK, linux_guest
from bench.machine import qemu
from bench.rounds import Stopwatch, in_turns
from bench.table import Row, Sample
from labkit.build.builder import build
from labkit.build.cache import Cache
from labkit.settings import settings

__all__ = ["rows"]

_HERE = Path(__file__).parent
_MIB = 1 << 20
_DISK_MIB = 64
_MEMORY_MIB = 256
_BUFFERS = 64
_LINUX_SCRIPT = """
echo none >/sys/block/vda/queue/scheduler
load /dev/vda direct
"""


@dataclass(frozen=True)
class Cell:
    """What is measured at once: ``count`` requests of ``size`` bytes, ``depth`` at a time."""

    kind: str
    order: str
    size: int
    count: int
    depth: int = 1

    def __str__(self) -> str:
        size = f"{self.size >> 20} MiB" if self.size >= _MIB else f"{self.size >> 10} KiB"
        at_a_time = f", {self.depth} at a time" if self.depth > 1 else ""
        return f"{self.kind}, {self.order}, {size}{at_a_time}"


_COUNTS = {
    "read": {4096: 1000, 65536: 500, _MIB: 100},
    "write": {4096: 500, 65536: 300, _MIB: 100},
    "flushed": {4096: 100, 65536: 80, _MIB: 40},
}
_CELLS = [
    Cell(kind, order, size, count)
    for kind, counts in _COUNTS.items()
    for order in ("sequential", "random")
    for size, count in counts.items()
] + [Cell(kind, "random", 4096, 2000, depth) for kind in ("read", "write") for depth in (8, 32)]


class Worker:
    """A program that measures."""

    def __init__(self, command: list[str]) -> None:
        # It ends with us, however we end.
        self._program = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.claimed = self.passed = 0.0
        """Seconds: what it says that it took, and how long that was by this machine's clock."""

    def ready(self) -> None:
        """Wait until it can be asked."""
        self._expect("ready")

    def measure(self, cell: Cell, watch: Stopwatch) -> None:
        """Have it measure, once. The watch gets the time of one request, by its clock."""
        assert self._program.stdin is not None
        began = time.perf_counter()
        question = f"{cell.kind} {cell.order} {cell.size} {cell.depth} {cell.count}\n"
        self._program.stdin.write(question.encode())
        self._program.stdin.flush()
        nanoseconds = int(self._expect("took").split()[1])
        self.passed += time.perf_counter() - began
        self.claimed += nanoseconds / 1e9
        watch.milliseconds = nanoseconds / cell.count / 1e6

    def _expect(self, word: str) -> str:
        assert self._program.stdout is not None
        seen = ""
        for line in self._program.stdout:
            text = line.decode(errors="replace")
            if text.startswith(word):
                return text
            seen += text
        raise AssertionError(f"{self._program.args!r} ended: {seen}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._program.kill()
        self._program.communicate()


def _disk(path: Path) -> Path:
    """A file of which every sector has been written: the first write to a sparse one costs more."""
    part = os.urandom(_MIB)
    with path.open("wb") as file:
        for _ in range(_DISK_MIB):
            file.write(part)
        os.fsync(file.fileno())
    return path


def _is_written(path: Path) -> bool:
    """Whether the start of a disk holds what the programs write: the number of a buffer, from 1, in every byte."""
    with path.open("rb") as file:
        return set(file.read(_MIB)) <= set(range(1, _BUFFERS + 1))


def rows(rounds: int) -> list[Row]:
    """The lines of the table."""
    image = build(_HERE / "image")
    found = settings()
    with ExitStack() as stack:
        # Not in /tmp: that may be memory, where a flush is nothing.
        folder = stack.enter_context(Cache(found.cache, found.cache_mib << 20).staging())
        load = folder / "load"
        subprocess.run(["gcc", "-std=gnu11", "-O2", "-static", "-o", load, str(_HERE / "load.c")], check=True)
        linux = linux_guest(folder, modules=BLOCK, script=_LINUX_SCRIPT, files={"bin/load": load})
        disks = {name: _disk(folder / f"{name}.img") for name in ("ours", "theirs", "floor")}
        commands = {
            "ours": qemu(image.path, memory_mib=_MEMORY_MIB, disks=[disks["ours"]]),
            "theirs": qemu(linux, memory_mib=_MEMORY_MIB, disks=[disks["theirs"]]),
            "floor": [str(load), str(disks["floor"])],
        }
        workers = {name: stack.enter_context(Worker(command)) for name, command in commands.items()}
        for worker in workers.values():
            worker.ready()
        # All in each round, so that a bad moment does not hit one cell only. With several requests at a time, a
        # file that is in memory is no floor.
        contenders = {
            (cell, name): partial(worker.measure, cell)
            for cell in _CELLS
            for name, worker in workers.items()
            if name != "floor" or cell.depth == 1
        }
        taken = in_turns(contenders, rounds)
        assert all(_is_written(disk) for disk in disks.values())
    share = {name: Sample([worker.claimed / worker.passed * 100], "%") for name, worker in workers.items()}
    clocks = Row("time passed that its own clock saw", share["ours"], "Linux", share["theirs"], "alike")
    return [*(_row(cell, taken) for cell in _CELLS), clocks]


def _row(cell: Cell, taken: dict[tuple[Cell, str], Sample]) -> Row:
    of = {name: sample.microseconds() for (found, name), sample in taken.items() if found == cell}
    return Row(str(cell), of["ours"], "Linux", of["theirs"], "ratio at most 1", of.get("floor"))
