"""Faults of disks that real guests meet: made by QEMU's block layer, before boot or while the guest runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from labkit import Disk, Faults
from labkit.build.builder import build
from labkit.errors import GuestError, UsageError
from labkit.guest import Guest, boot
from labkit.guest.guestdisk import Counts

pytestmark = pytest.mark.live

FAILED = "no: the disk failed at sector {} or behind it"


def test_a_read_error_comes_and_goes(shell: Any, disk: Disk) -> None:
    disk.write(7, (5).to_bytes(8, "little") * 64)
    with shell.boot(disk) as guest:
        assert shell.ask(guest, "read 7") == "5"
        storage = guest.disks["storage"]
        storage.fail_reads(7)
        assert [shell.ask(guest, f"read {sector}") for sector in (6, 7, 7, 8)] == [
            "0",
            *[FAILED.format(7)] * 2,
            "0",
        ]
        assert shell.ask(guest, "write 7 1 6") == "done", "only reads fail"
        assert "every read of sector 7 fails" in repr(storage)
        storage.heal()
        assert shell.ask(guest, "read 7") == "6"
        assert not storage.faults
        storage.fail_reads(8)
        assert [shell.ask(guest, f"read {sector}") for sector in (7, 8)] == ["6", FAILED.format(8)], (
            "it is gone for good"
        )


def test_a_write_that_fails_changes_nothing(shell: Any, disk: Disk) -> None:
    with shell.boot(disk) as guest:
        storage = guest.disks["storage"].fail_writes(range(8, 10))
        assert shell.ask(guest, "write 7 4 1") == FAILED.format(7)
        assert shell.ask(guest, "write 8 1 1") == FAILED.format(8)
        assert shell.ask(guest, "write 10 1 1") == "done"
        assert shell.ask(guest, "read 8") == "0"
        assert storage.counts() == Counts(
            reads=1,
            read_bytes=512,
            failed_reads=0,
            writes=1,
            written_bytes=512,
            failed_writes=2,
            flushes=0,
            failed_flushes=0,
        )
    assert not any(disk.read(0, 10))
    assert any(disk.read(10))


def test_once_is_once_and_other_faults_do_not_bring_it_back(shell: Any, disk: Disk) -> None:
    with shell.boot(disk) as guest:
        storage = guest.disks["storage"].fail_reads(1, 2, once=True)
        assert [shell.ask(guest, f"read {sector}") for sector in (1, 1, 2, 2)] == [
            FAILED.format(1),
            "0",
            FAILED.format(2),
            "0",
        ]
        storage.fail_reads(3).fail_writes(once=True)
        assert [shell.ask(guest, f"read {sector}") for sector in (1, 2, 3)] == ["0", "0", FAILED.format(3)]
        assert [shell.ask(guest, f"write {sector} 1 1") for sector in (100, 101)] == [
            FAILED.format(100),
            "done",
        ]


def test_a_flush_that_fails(shell: Any, disk: Disk) -> None:
    with shell.boot(disk) as guest:
        guest.disks["storage"].fail_flushes(once=True)
        assert shell.ask(guest, "write 0 1 1") == "done"
        assert shell.ask(guest, "flush").startswith("no: the disk failed")
        assert shell.ask(guest, "flush") == "done"
        assert guest.disks["storage"].counts().failed_flushes == 1


@pytest.mark.parametrize("size", ["1 MiB", "1 GiB"])
def test_a_disk_that_fills_up(shell: Any, tmp_path: Path, size: str) -> None:
    """The guest is told, and goes on: QEMU would stop it, were it left to itself."""
    disk = Disk.create(tmp_path / "disk.img", size)
    last = disk.sectors - 1
    with shell.boot(disk) as guest:
        assert shell.ask(guest, f"write {last} 1 1") == "done"
        guest.disks["storage"].fill("64 KiB")
        assert shell.ask(guest, "write 0 128 2") == "done"
        assert shell.ask(guest, "write 127 2 3") == FAILED.format(127)
        for sector in (128, 129, 1000, last):
            assert shell.ask(guest, f"write {sector} 1 3") == FAILED.format(sector)
        assert [shell.ask(guest, f"read {sector}") for sector in (0, 127, 128, last)] == ["2", "2", "0", "1"]
        assert shell.ask(guest, "write 127 1 4") == "done", "what is there can be written over"
        guest.disks["storage"].heal()
        assert shell.ask(guest, "write 128 1 5") == "done"
    assert disk.sectors == last + 1


def test_slowness_comes_and_goes(shell: Any, disk: Disk) -> None:
    def seconds(guest: Guest, requests: int) -> float:
        began = time.monotonic()
        for _ in range(requests):
            assert shell.ask(guest, "read 0") == "0"
        return time.monotonic() - began

    with shell.boot(disk) as guest:
        quick = seconds(guest, 20)
        guest.disks["storage"].slow(requests=10)
        assert seconds(guest, 20) > 1.5, "at ten a second"
        guest.disks["storage"].heal()
        assert seconds(guest, 20) < max(1.0, 5 * quick)
        guest.disks["storage"].slow(bytes="64 KiB")
        began = time.monotonic()
        assert shell.ask(guest, "write 0 256 1") == "done"
        assert shell.ask(guest, "write 0 256 1") == "done"
        assert time.monotonic() - began > 1, "the second waits for the first to have been paid for"


def test_faults_from_the_first_moment_on(shell: Any, disk: Disk) -> None:
    broken = disk.with_faults(Faults().fail_reads(7).fail_writes(8, once=True).slow(requests=1000))
    with shell.boot(broken) as guest:
        assert shell.ask(guest, "read 7") == FAILED.format(7)
        assert [shell.ask(guest, "write 8 1 1") for _ in range(2)] == [FAILED.format(8), "done"]
        assert guest.disks["storage"].faults == broken.faults
    with shell.boot(disk) as guest:
        assert shell.ask(guest, "read 7") == "0", "the disk itself is as it was"


def test_each_disk_has_its_own(root: Path, tmp_path: Path) -> None:
    image = build(root / "tests" / "images" / "blocks")
    first, second = (Disk.create(tmp_path / name, "1 MiB") for name in ("first.img", "second.img"))
    faults = Faults().fail_writes(1)
    with boot(
        image, disks={"second": second.with_faults(faults), "first": first}, arguments=["--what=mark"]
    ) as guest:
        assert guest.wait(20).status == 2
    assert b"on the first" in first.read(1)
    assert not any(second.read(1))


def test_a_read_only_disk_can_fail_too(shell: Any, disk: Disk) -> None:
    with shell.boot(disk.as_read_only()) as guest:
        guest.disks["storage"].fail_reads(0, once=True)
        assert [shell.ask(guest, "read 0") for _ in range(2)] == [FAILED.format(0), "0"]
        guest.disks["storage"].heal()
        assert shell.ask(guest, "write 0 1 1") == "no: the device is read-only"


def test_what_cannot_be_is_refused_and_changes_nothing(shell: Any, disk: Disk) -> None:
    with shell.boot(disk) as guest:
        with pytest.raises(UsageError, match="the disk has 2048"):
            guest.disks["storage"].fail_reads(2048)
        with pytest.raises(UsageError, match="no disk 'strage'; it has: storage"):
            guest.disks["strage"]
        assert list(guest.disks) == ["storage"]
        assert shell.ask(guest, "read 0") == "0"
        storage = guest.disks["storage"]
        guest.console.send("bye\n")
        assert guest.wait(20).status == 0
        for late in (lambda: storage.fail_reads(1), storage.counts, lambda: storage.slow(requests=1)):
            with pytest.raises(GuestError, match="has ended"):
                late()


def test_a_guest_that_stays_has_no_faults(shell: Any, disk: Disk) -> None:
    for special in (disk.with_cache(), disk.with_faults(Faults().fail_reads(1))):
        with pytest.raises(UsageError, match="cannot be a disk of a guest that stays"):
            boot(shell.image, disks={"storage": special}, stay=True)


def test_a_guest_of_another_process_is_left_alone(shell: Any, disk: Disk) -> None:
    guest = boot(shell.image, disks={"storage": disk}, stay=True)
    try:
        for ask_for in (lambda: guest.disks, guest.power_cut):
            with pytest.raises(UsageError, match="This process cannot"):
                ask_for()
    finally:
        guest.stop()
        guest.close()


def test_no_connection_is_kept_by_a_disk(shell: Any, disk: Disk) -> None:
    """A domain that somebody holds keeps libvirt's connection open, and its guest alive."""
    guest = shell.boot(disk)
    storage = guest.disks["storage"].fail_reads(1)
    guest.close()
    with pytest.raises(GuestError, match="has ended"):
        storage.counts()
    disk.write(0, bytes(512))
