"""Power cuts: what was flushed is there, what was not may be lost or torn; and it is seen which."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit import Disk, run
from labkit.build.builder import build
from labkit.errors import ConsoleTimeout, GuestError, UsageError
from labkit.guest import Reason, boot

pytestmark = pytest.mark.live


def numbers(disk: Disk, count: int = 8) -> list[int]:
    """What each sector is full of."""
    found = []
    for sector in range(count):
        words = set(struct.unpack("<64Q", disk.read(sector)))
        assert len(words) == 1, "a sector is whole"
        found.append(words.pop())
    return found


def test_without_a_cache_nothing_is_lost_and_that_is_said(shell: Any, disk: Disk) -> None:
    with shell.boot(disk) as guest:
        assert shell.ask(guest, "write 0 8 1") == "done"
        cut = guest.power_cut()
    assert numbers(disk) == [1] * 8
    assert cut.disks == {}
    assert str(cut) == (
        "The power was cut.\n"
        "storage: has no cache, so all that was written is there (Disk.with_cache() gives it one)."
    )
    assert guest.exit
    assert (guest.exit.reason, guest.exit.status) == (Reason.POWER_CUT, None)
    assert guest.power_cut() is cut is guest.cut, "once is enough"


def test_what_was_not_flushed_is_lost(shell: Any, disk: Disk) -> None:
    with shell.boot(disk.with_cache()) as guest:
        for line in ("write 0 4 1", "flush", "write 2 4 2", "write 3 1 3"):
            assert shell.ask(guest, line) == "done"
        assert numbers(disk) == [1, 1, 2, 3, 2, 2, 0, 0], "the file has it all, while the guest runs"
        cut = guest.power_cut(lose="unflushed")
    assert numbers(disk) == [1, 1, 1, 1, 0, 0, 0, 0]
    assert cut.disks["storage"].unflushed == (2, 3, 4, 5)
    assert cut.lost == {"storage": (2, 3, 4, 5)}


def test_some_of_it_is_lost_and_a_seed_says_which(shell: Any, disk: Disk) -> None:
    seen = []
    empty = disk.snapshot()
    for seed in (1, 2, 1):
        disk.restore(empty)
        with shell.boot(disk.with_cache()) as guest:
            for line in ("write 0 8 1", "flush", "write 0 8 2", "write 0 8 3"):
                assert shell.ask(guest, line) == "done"
            cut = guest.power_cut(seed=seed)
        found = numbers(disk)
        assert set(found) <= {1, 2, 3}
        assert cut.lost["storage"] == tuple(sector for sector in range(8) if found[sector] != 3)
        assert f"(seed {seed})" in str(cut)
        seen.append(found)
    assert seen[0] == seen[2] != seen[1]


def test_nothing_need_be_lost(shell: Any, disk: Disk) -> None:
    with shell.boot(disk.with_cache()) as guest:
        assert shell.ask(guest, "write 0 8 1") == "done"
        cut = guest.power_cut(lose="nothing")
    assert numbers(disk) == [1] * 8
    assert cut.disks["storage"].kept == tuple(range(8))


@pytest.mark.parametrize("seed", range(6))
def test_what_was_told_to_be_flushed_is_there(shell: Any, disk: Disk, seed: int) -> None:
    """At a moment that nobody chose: some milliseconds after a text."""
    with shell.boot(disk.with_cache()) as guest:
        guest.console.send("journal\n")
        guest.power_cut(when=f"flushed {5 + 7 * seed}\n", seed=seed)
        told = [int(number) for number in re.findall(r"flushed (\d+)\n", guest.console.text())]
    found = numbers(disk)
    assert min(found) >= told[-1], "an acknowledged flush"
    assert max(found) <= told[-1] + 1
    assert told == list(range(1, told[-1] + 1))


@pytest.mark.parametrize("writes", [0, 1, 2, 9])
def test_a_planned_cut_is_exact_and_repeatable(shell: Any, disk: Disk, writes: int) -> None:
    """The guest stops at the very write: what it said and what is left is the same each time."""
    seen = set()
    empty = disk.snapshot()
    for _ in range(2):
        disk.restore(empty)
        with shell.boot(disk.with_power_cut(writes, seed=3)) as guest:
            guest.console.send("journal\n")
            assert guest.wait(20).reason is Reason.POWER_CUT
        assert guest.cut
        seen.add((tuple(numbers(disk)), guest.console.text(), str(guest.cut)))
        assert set(numbers(disk)) == {writes}, "each write was flushed before the next"
        assert guest.console.text().endswith(f"flushed {writes}\n" if writes else "ready\n")
    assert len(seen) == 1


def test_a_planned_cut_between_a_write_and_its_flush(shell: Any, disk: Disk) -> None:
    with shell.boot(disk.with_power_cut(2, lose="unflushed")) as guest:
        for line in ("write 0 8 1", "flush", "write 0 4 2"):
            assert shell.ask(guest, line) == "done"
        guest.console.send("write 0 8 3\n")
        assert guest.wait(20).reason is Reason.POWER_CUT
    assert numbers(disk) == [1] * 8, "the flush that QEMU does when it stops a guest is not the guest's"
    assert guest.cut
    assert guest.cut.lost == {"storage": (0, 1, 2, 3)}


def test_run_tells_of_a_planned_cut(shell: Any, root: Path, disk: Disk) -> None:
    outcome = run(
        root / "images" / "block", "--write=x", disks={"storage": disk.with_power_cut(0)}, timeout=20
    )
    assert outcome.exit.reason is Reason.POWER_CUT
    assert outcome.cut
    assert not any(disk.read(0))


def test_a_planned_cut_that_does_not_come(shell: Any, disk: Disk) -> None:
    with shell.boot(disk.with_power_cut(5)) as guest:
        assert shell.ask(guest, "write 0 8 1") == "done"
        guest.console.send("bye\n")
        assert guest.wait(20).status == 0
        assert guest.cut is None
        with pytest.raises(GuestError, match="exited with status 0 before its power was cut"):
            guest.power_cut()
    assert numbers(disk) == [1] * 8, "at any other end nothing is lost"


def test_only_a_power_cut_loses(shell: Any, disk: Disk) -> None:
    with shell.boot(disk.with_cache()) as guest:
        assert shell.ask(guest, "write 0 8 1") == "done"
        assert guest.stop().reason is Reason.STOPPED
    assert numbers(disk) == [1] * 8


def test_two_disks_lose_their_power_together(root: Path, tmp_path: Path) -> None:
    image = build(root / "tests" / "images" / "blocks")
    first, second = (Disk.create(tmp_path / name, "13 MiB") for name in ("first.img", "second.img"))
    disks = {"first": first.with_cache(), "second": second.with_cache()}
    with boot(image, disks=disks, arguments=["--what=flight"], memory=128) as guest:
        guest.wait(60)
    with boot(image, disks=disks, arguments=["--what=load"]) as guest:
        cut = guest.power_cut(when="writing", lose="unflushed")
    assert list(cut.disks) == ["first", "second"]
    assert cut.disks["second"].unflushed == ()
    with pytest.raises(UsageError, match="planned for more than one disk"):
        boot(image, disks={"first": first.with_power_cut(1), "second": second.with_power_cut(2)})


def test_a_text_that_does_not_come(shell: Any, disk: Disk) -> None:
    with shell.boot(disk.with_cache()) as guest:
        with pytest.raises(ConsoleTimeout):
            guest.power_cut(when="never", timeout=0.2)
        assert shell.ask(guest, "read 0") == "0", "it runs on"
        with pytest.raises(UsageError, match="cannot lose 'everything'"):
            guest.power_cut(lose="everything")  # type: ignore[arg-type]
        assert shell.ask(guest, "read 0") == "0"


def test_the_disk_is_free_after_it(shell: Any, disk: Disk) -> None:
    with shell.boot(disk.with_cache()) as guest:
        guest.power_cut()
        disk.write(0, bytes(512))
        with shell.boot(disk) as other:
            assert shell.ask(other, "read 0") == "0"


def test_nothing_is_left_of_it(
    shell: Any, disk: Disk, processes_with: Callable[[str], list[int]], eventually: Callable[..., float]
) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with shell.boot(disk.with_cache()) as guest:
        assert [path.name for path in disk.path.parent.iterdir()] == ["disk.img"]
        guest.power_cut()
    assert guest.settled(10)  # type: ignore[attr-defined]
    assert not guest.folder.exists()  # type: ignore[attr-defined]
    assert not processes_with(f"guest={guest.name},")
    eventually(lambda: len(os.listdir("/proc/self/fd")) <= before, 5)  # noqa: PTH208


def test_a_killed_owner_leaves_its_disk_only(
    shell: Any, disk: Disk, processes_with: Callable[[str], list[int]], eventually: Callable[..., float]
) -> None:
    code = (
        "import sys, time, labkit\n"
        "disk = labkit.Disk(sys.argv[2]).with_cache()\n"
        "guest = labkit.boot(labkit.Image.load(sys.argv[1]), disks={'storage': disk})\n"
        "before = disk.snapshot()\n"
        "guest.console.expect('> ready')\n"
        "guest.console.send('write 0 8 1\\n')\n"
        "guest.console.expect('> done')\n"
        "print(guest.name, flush=True)\n"
        "guest.wait()\n"
    )
    command = [sys.executable, "-c", code, str(shell.image.path), str(disk.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        name = owner.stdout.readline().strip()
        assert processes_with(f"guest={name},")
        owner.send_signal(signal.SIGKILL)
    eventually(lambda: not processes_with(f"guest={name},"), 10)
    assert [path.name for path in disk.path.parent.iterdir()] == ["disk.img"]
    assert numbers(disk) == [1] * 8, "this is no power cut"
    disk.write(0, bytes(512))
