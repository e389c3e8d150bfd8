"""labkit.Disk: made, read, written, kept and restored from the host."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import Disk, Faults
from labkit.errors import HostError, UsageError
from labkit.host import diskfile, sparse
from labkit.host.sizes import bytes_of, words_of

MIB = 1 << 20
TEXT = b"still here".ljust(512, b"\0")


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """An empty disk of 1 MiB."""
    return Disk.create(tmp_path / "disk.img", "1 MiB")


# Making one


@pytest.mark.parametrize(
    ("size", "number"),
    [(512, 512), ("512", 512), ("1 MiB", MIB), ("64KiB", 64 << 10), ("2 gib", 2 << 30), (" 1 TiB ", 1 << 40)],
)
def test_sizes_as_people_write_them(size: int | str, number: int) -> None:
    assert bytes_of(size) == number
    assert bytes_of(words_of(number)) == number


@pytest.mark.parametrize("size", ["", "big", "1 MB", "1M", "-1 MiB", "1.5 MiB", "MiB", "0x10"])
def test_what_is_no_size(size: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        Disk.create(tmp_path / "disk.img", size)
    assert not list(tmp_path.iterdir())


def test_a_new_disk(disk: Disk) -> None:
    assert (disk.size, disk.sectors, disk.writable, disk.in_use) == (MIB, 2048, True, False)
    assert disk.path.stat().st_blocks == 0
    assert repr(disk) == "<disk disk.img: 2048 sectors, 1 MiB>"
    assert Path(disk) == disk.path


def test_from_bytes(tmp_path: Path) -> None:
    assert Disk.create(tmp_path / "a", content=b"x" * 600).read(0, 2) == (b"x" * 600).ljust(1024, b"\0")
    assert Disk.create(tmp_path / "b", "1 MiB", content=b"x").sectors == 2048
    with pytest.raises(UsageError, match="600 bytes, and the disk 512"):
        Disk.create(tmp_path / "c", 512, content=b"x" * 600)
    with pytest.raises(UsageError, match="is empty"):
        Disk.create(tmp_path / "c", content=b"")
    with pytest.raises(UsageError, match="How large"):
        Disk.create(tmp_path / "c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_from_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    (folder / "deep").mkdir(parents=True)
    (folder / "one").write_text("1")
    (folder / "deep" / "two").write_bytes(b"2" * 1000)
    first = Disk.create(tmp_path / "first.img", folder=folder)
    os.utime(folder / "one", (1, 1))
    second = Disk.create(tmp_path / "second.img", folder=folder)
    assert not first.diff(second), "the same files make the same disk"
    with tarfile.open(fileobj=io.BytesIO(first.path.read_bytes())) as archive:
        assert archive.getnames() == ["deep", "deep/two", "one"]
        found = archive.extractfile("deep/two")
        assert found
        assert found.read() == b"2" * 1000
    with pytest.raises(UsageError, match="no folder"):
        Disk.create(tmp_path / "c", folder=tmp_path / "nowhere")
    with pytest.raises(UsageError, match="not both"):
        Disk.create(tmp_path / "c", folder=folder, content=b"x")


def test_replacing_must_be_asked_for(disk: Disk) -> None:
    disk.write(7, TEXT)
    with pytest.raises(UsageError, match="there already"):
        Disk.create(disk.path, "2 MiB")
    assert disk.read(7) == TEXT
    made = Disk.create(disk.path, "2 MiB", replace=True)
    assert made.sectors == 4096
    assert not any(made.read(0, 4096))
    with diskfile.DiskLock(disk.path, shared=False), pytest.raises(UsageError, match="a guest has it"):
        Disk.create(disk.path, "1 MiB", replace=True)
    assert made.sectors == 4096


def test_only_a_disk_is_replaced(tmp_path: Path) -> None:
    precious = tmp_path / "thesis"
    precious.write_text("not whole sectors")
    with pytest.raises(UsageError, match="at least one sector"):
        Disk.create(precious, "1 MiB", replace=True)
    assert precious.read_text() == "not whole sectors"


def test_no_room_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "from labkit import Disk, LabError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "try: Disk.create(sys.argv[1], '2 MiB')\n"
        "except LabError as error: print(type(error).__name__, error.what)\n"
    )
    path = tmp_path / "disk.img"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("HostError The disk")
    assert "File too large" in done.stdout
    assert not path.exists()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


# Reading and writing


def test_sectors(disk: Disk) -> None:
    disk.write(7, TEXT)
    disk.write(2046, TEXT * 2)
    assert disk.read(7) == TEXT
    assert disk.read(2046, 2) == TEXT * 2
    assert disk.path.read_bytes() == bytes(7 * 512) + TEXT + bytes(2038 * 512) + TEXT * 2


@pytest.mark.parametrize(
    ("sector", "count", "said"),
    [
        (2048, 1, "no sector 2048: it has the sectors 0 to 2047"),
        (2047, 2, "no sectors 2047 to 2048"),
        (-1, 1, "no sector -1"),
        (0, 0, "no 0 sectors"),
        (0, -1, "no -1 sectors"),
    ],
)
def test_sectors_that_are_not_there(disk: Disk, sector: int, count: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        disk.read(sector, count)
    with pytest.raises(UsageError, match=said):
        disk.hex(sector, count)
    if count > 0:
        with pytest.raises(UsageError, match=said):
            disk.write(sector, bytes(512 * count))


@pytest.mark.parametrize("data", [b"", b"x", bytes(511), bytes(513)])
def test_only_whole_sectors_are_written(disk: Disk, data: bytes) -> None:
    with pytest.raises(UsageError, match="no whole number of sectors") as raised:
        disk.write(0, data)
    assert "ljust(512" in raised.value.next_step


def test_a_text_is_no_bytes(disk: Disk) -> None:
    with pytest.raises(UsageError, match=r"A str is no bytes"):
        disk.write(0, "x" * 512)  # type: ignore[arg-type]


def test_a_read_only_disk(disk: Disk) -> None:
    disk.path.chmod(0o444)
    assert not disk.writable
    assert "read-only" in repr(disk)
    with pytest.raises(UsageError, match="its file is read-only"):
        disk.write(0, TEXT)
    with pytest.raises(UsageError, match="its file is read-only"):
        disk.restore(disk.snapshot())


def test_a_disk_that_has_gone(disk: Disk) -> None:
    disk.path.unlink()
    for use in (lambda: disk.read(0), disk.hex, disk.snapshot, lambda: disk.write(0, TEXT)):
        with pytest.raises(UsageError, match=r"cannot be read|no file"):
            use()


# Moments


def test_a_snapshot_is_not_the_disk(disk: Disk) -> None:
    disk.write(7, TEXT)
    before = disk.snapshot("before lunch")
    disk.write(7, b"x" * 512)
    disk.write(9, b"y" * 512)
    assert before.read(7) == TEXT
    assert repr(before) == "<disk.img, before lunch: 2048 sectors>"
    difference = disk.diff(before)
    assert difference.sectors == (7, 9)
    assert difference.changes[0].before == TEXT
    assert difference.changes[1].after == b"y" * 512
    assert before.diff(before).sectors == ()
    disk.restore(before)
    assert not disk.diff(before)
    assert disk.path.read_bytes() == bytes(7 * 512) + TEXT + bytes(2040 * 512)


def test_a_snapshot_leaves_no_file_and_no_descriptor(disk: Disk) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    snapshots = [disk.snapshot() for _ in range(20)]
    assert [path.name for path in disk.path.parent.iterdir()] == ["disk.img"]
    assert len(os.listdir("/proc/self/fd")) == before + 20  # noqa: PTH208
    snapshots.clear()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_snapshot_of_a_sparse_disk_is_sparse(tmp_path: Path) -> None:
    disk = Disk.create(tmp_path / "disk.img", "4 GiB")
    disk.write(1 << 22, TEXT)
    before = disk.snapshot()
    with before.opened() as file:
        assert os.fstat(file).st_blocks * 512 <= 2 * MIB
    disk.write(8388607, TEXT)
    assert disk.diff(before).sectors == (8388607,)


def test_moments_of_other_disks(disk: Disk, tmp_path: Path) -> None:
    other = Disk.create(tmp_path / "other.img", "2 MiB").snapshot()
    with pytest.raises(UsageError, match="only moments of one disk"):
        disk.diff(other)
    with pytest.raises(UsageError, match="had 4096 sectors, and disk"):
        disk.restore(other)


def test_a_disk_in_use_is_read_and_not_changed(disk: Disk) -> None:
    before = disk.snapshot()
    with diskfile.DiskLock(disk.path, shared=False):
        assert disk.read(0) == bytes(512)
        assert not disk.snapshot().diff(before)
        for change in (lambda: disk.write(0, TEXT), lambda: disk.restore(before)):
            with pytest.raises(UsageError, match="a guest has it") as raised:
                change()
            assert "Stop the guest" in raised.value.next_step


CHUNK = sparse.CHUNK


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 4 * CHUNK // 512), st.binary(min_size=1, max_size=3), st.booleans()),
        max_size=12,
    )
)
def test_comparing_and_copying_miss_nothing(writes: list[tuple[int, bytes, bool]]) -> None:
    size = 4 * CHUNK + 1024
    with sparse.anonymous(Path("/tmp")) as one, sparse.anonymous(Path("/tmp")) as other:
        for file in (one, other):
            os.ftruncate(file.fileno(), size)
        for sector, data, both in writes:
            os.pwrite(one.fileno(), data, sector * 512)
            if both:
                os.pwrite(other.fileno(), data, sector * 512)
        contents = [os.pread(file.fileno(), size, 0) for file in (one, other)]
        expected = [
            at // 512
            for at in range(0, size, 512)
            if contents[0][at : at + 512] != contents[1][at : at + 512]
        ]
        found = list(sparse.differing(one.fileno(), other.fileno(), 512))
        assert [number for number, _, _ in found] == expected
        with sparse.anonymous(Path("/tmp")) as copy:
            sparse.copy(one.fileno(), copy.fileno())
            assert os.pread(copy.fileno(), size + 1, 0) == contents[0]


# What is planned with it


def test_plans_leave_the_disk_as_it_is(disk: Disk) -> None:
    broken = disk.with_faults(Faults().fail_reads(7).fail_writes(range(8, 10), once=True))
    cached = broken.with_cache()
    assert (disk.faults, disk.cache, disk.cut) == (Faults(), False, None)
    assert (broken.cache, cached.cache, cached.faults) == (False, True, broken.faults)
    assert str(broken.faults) == (
        "every read of sector 7 fails; the first write of sector 8 fails; the first write of sector 9 fails"
    )
    assert disk.with_power_cut(5).cache


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        (lambda f: f.fail_reads(2048), "No read can fail at sector 2048"),
        (lambda f: f.fail_writes(-1), "No write can fail at sector -1"),
        (lambda f: f.fail_reads(range(100_000)), "more than can fail at once"),
        (lambda f: f.fill(100), "no whole number of sectors"),
        (lambda f: f.fill("lots"), "is not a size"),
        (lambda f: f.fill(-512), "no whole number"),
        (lambda f: f.slow(), "How slow"),
        (lambda f: f.slow(requests=-1), "How slow"),
    ],
)
def test_faults_that_no_disk_has(disk: Disk, faults: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        disk.with_faults(faults(Faults()))  # type: ignore[operator]


def test_a_disk_too_large_to_be_full_anywhere(tmp_path: Path) -> None:
    disk = Disk.create(tmp_path / "disk.img", (4 << 30) + 512)
    with pytest.raises(UsageError, match="too fine"):
        disk.with_faults(Faults().fill("1 MiB"))


def test_power_cuts_that_cannot_be_planned(disk: Disk) -> None:
    for writes in (-1, 1 << 20):
        with pytest.raises(UsageError, match="cannot be planned"):
            disk.with_power_cut(writes)
    with pytest.raises(UsageError, match="cannot lose 'everything'"):
        disk.with_power_cut(1, lose="everything")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no other write can fail"):
        disk.with_faults(Faults().fail_writes(1)).with_power_cut(1)
    with pytest.raises(UsageError, match="no other write can fail"):
        disk.with_power_cut(1).with_faults(Faults().fail_flushes())
    assert disk.with_power_cut(1).with_faults(Faults().fail_reads(1)).cut


def test_errors_of_the_machine_are_its_turn(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="No such file"):
        Disk.create(tmp_path / "nowhere" / "disk.img", "1 MiB")
