"""labkit.host.writelog: of a log of writes and flushes, what may be left after a power cut, and no more."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.host import sparse
from labkit.host.plannedcut import Lose
from labkit.host.writelog import Loss, read_log, settle

SECTORS = 8


def full_of(number: int) -> bytes:
    return struct.pack("<Q", number) * 64


@dataclass
class Machine:
    """A disk's file, a copy from before, and a log as QEMU writes it."""

    disk: int
    before: int
    log: int
    end: int = 512
    durable: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(SECTORS), 0))
    allowed: dict[int, set[int]] = field(default_factory=lambda: {sector: {0} for sector in range(SECTORS)})

    def write(self, sector: int, count: int, number: int, *, logged: bool = True) -> None:
        os.pwrite(self.disk, full_of(number) * count, sector * 512)
        entry = struct.pack("<4Q", sector, count, 0, 0).ljust(512, b"\0") + full_of(number) * count
        if logged:
            os.pwrite(self.log, entry, self.end)
        self.end += len(entry)  # its place is given out before it is written
        for place in range(sector, sector + count):
            self.allowed[place].add(number)
            self.newest[place] = number

    newest: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(SECTORS), 0))

    def flush(self) -> None:
        os.pwrite(self.log, struct.pack("<4Q", 0, 0, 1, 0).ljust(512, b"\0"), self.end)
        self.end += 512
        self.durable = dict(self.newest)
        self.allowed = {sector: {number} for sector, number in self.newest.items()}

    def contents(self) -> list[int]:
        found = []
        for sector in range(SECTORS):
            words = struct.unpack("<64Q", os.pread(self.disk, 512, sector * 512))
            assert len(set(words)) == 1, "a sector is whole"
            found.append(words[0])
        return found


Step = tuple[int, int] | None  # a write, or a flush
STEPS = st.lists(st.one_of(st.none(), st.tuples(st.integers(0, SECTORS - 1), st.integers(1, 4))), max_size=20)


def played(
    steps: Sequence[Step], cut: Sequence[tuple[int, int]], lose: Lose, seed: int
) -> tuple[Machine, Loss]:
    """Play steps, then writes that were cut before they were logged, then the power cut."""
    with (
        sparse.anonymous(Path("/tmp")) as disk,
        sparse.anonymous(Path("/tmp")) as before,
        sparse.anonymous(Path("/tmp")) as log,
    ):
        for file in (disk, before):
            os.ftruncate(file.fileno(), SECTORS * 512)
        machine = Machine(os.dup(disk.fileno()), os.dup(before.fileno()), os.dup(log.fileno()))
    for number, step in enumerate(steps, 1):
        if step is None:
            machine.flush()
        else:
            machine.write(step[0], min(step[1], SECTORS - step[0]), number)
    for number, (sector, count) in enumerate(cut, 1000):
        machine.write(sector, min(count, SECTORS - sector), number, logged=False)
    loss = settle(machine.disk, machine.before, machine.log, lose, seed)
    return machine, loss


def closed(machine: Machine) -> None:
    for file in (machine.disk, machine.before, machine.log):
        os.close(file)


@settings(deadline=None)
@given(STEPS, STEPS.map(lambda steps: [step for step in steps if step][:2]), st.integers(0, 99))
def test_each_sector_is_as_flushed_or_as_written_since(
    steps: list[Step], cut: list[tuple[int, int]], seed: int
) -> None:
    machine, loss = played(steps, cut, "some", seed)
    found = machine.contents()
    for sector, number in enumerate(found):
        assert number in machine.allowed[sector]
    lost = [sector for sector in range(SECTORS) if found[sector] != machine.newest[sector]]
    assert list(loss.lost) == lost
    assert set(loss.lost) | set(loss.kept) == set(loss.unflushed)
    assert all(
        sector in loss.unflushed
        for sector in range(SECTORS)
        if machine.newest[sector] != machine.durable[sector]
    )
    closed(machine)


@settings(deadline=None)
@given(STEPS, st.integers(0, 99))
def test_all_that_was_not_flushed_or_nothing(steps: list[Step], seed: int) -> None:
    machine, _ = played(steps, [(0, 2)], "unflushed", seed)
    assert machine.contents() == list(machine.durable.values())
    closed(machine)
    machine, loss = played(steps, [(0, 2)], "nothing", seed)
    assert machine.contents() == list(machine.newest.values())
    assert loss.lost == ()
    closed(machine)


def test_a_seed_is_a_choice_and_seeds_differ() -> None:
    steps: list[Step] = [(0, 8), None, (0, 8), (0, 8)]
    outcomes = []
    for seed in (*range(20), 0):
        machine, _ = played(steps, [], "some", seed)
        outcomes.append(tuple(machine.contents()))
        closed(machine)
    assert outcomes[0] == outcomes[-1]
    assert len(set(outcomes)) > 15
    assert {number for outcome in outcomes for number in outcome} == {1, 3, 4}, "also what came between"


def test_a_hole_is_an_entry_that_was_not_done() -> None:
    """A write that was cut may lie before ones that were acknowledged, and flushed."""
    machine, _ = played([], [], "some", 0)
    machine.write(0, 1, 1)
    machine.write(1, 3, 2, logged=False)
    machine.write(5, 1, 3)
    machine.flush()
    told = read_log(machine.log)
    assert told.flushes == 1
    assert sorted(told.flushed) == [0, 5]
    closed(machine)


def test_an_entry_that_was_begun_only() -> None:
    machine, _ = played([(0, 1), None], [], "some", 0)
    machine.write(4, 4, 9)
    os.ftruncate(machine.log, machine.end - 1000)  # its last sectors were not written
    loss = settle(machine.disk, machine.before, machine.log, "some", 1)
    assert loss.unflushed == (4, 5, 6, 7)
    assert all(number in (0, 9) for number in machine.contents()[4:])
    closed(machine)


@pytest.mark.parametrize(
    "garbage", [b"\xff" * 512, b"no log at all".ljust(512, b"."), struct.pack("<Q", 99) * 64]
)
def test_what_is_no_log_changes_nothing(garbage: bytes) -> None:
    machine, _ = played([], [], "some", 0)
    machine.write(0, 8, 1)
    os.pwrite(machine.log, garbage, machine.end)
    with pytest.raises(ValueError, match="no entry of a log"):
        settle(machine.disk, machine.before, machine.log, "unflushed", 0)
    assert machine.contents() == [1] * 8
    closed(machine)
