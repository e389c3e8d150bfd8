"""Disks of guests: which file is which device, what is refused before boot, and who may use a disk."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit import Disk
from labkit.build.builder import build
from labkit.build.domainxml import DomainDisk
from labkit.build.image import Image
from labkit.errors import HostError, LabError, UsageError
from labkit.guest import Guest, boot, stop_guest
from labkit.guest.disks import check_reach, plan_disks
from labkit.host import diskfile
from labkit.host.identity import Identity, Manner

MIB = 1 << 20
MANIFEST = {
    "name": "store",
    "devices": [
        {"name": "storage", "kind": "block"},
        {"name": "service", "kind": "network"},
        {"name": "log", "kind": "block"},
    ],
}
ONE = {"name": "store", "devices": [{"name": "storage", "kind": "block"}]}


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """An empty disk of 1 MiB."""
    return diskfile.create(tmp_path / "disk.img", MIB).path


# Files


def test_a_new_disk_is_sparse_and_zero(tmp_path: Path) -> None:
    made = diskfile.create(tmp_path / "disk.img", 1 << 30)
    assert (made.size, made.sectors, made.writable) == (1 << 30, 2 << 20, True)
    assert made.path.stat().st_blocks == 0
    with made.path.open("rb") as file:
        assert file.read(4096) == bytes(4096)


def test_nothing_is_overwritten(disk: Path) -> None:
    disk.write_bytes(b"x" * 512)
    with pytest.raises(UsageError, match="there already"):
        diskfile.create(disk, MIB)
    assert disk.read_bytes() == b"x" * 512


@pytest.mark.parametrize("size", [-512, 0, 1, 511, 513, MIB + 1])
def test_sizes_that_no_disk_has(size: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sector"):
        diskfile.create(tmp_path / "disk.img", size)
    assert not (tmp_path / "disk.img").exists()


def test_a_disk_where_none_can_be(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="No such file"):
        diskfile.create(tmp_path / "nowhere" / "disk.img", MIB)


def test_files_that_cannot_be_disks(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "odd").write_bytes(bytes(1000))
    (tmp_path / "tiny").write_bytes(b"x")
    (tmp_path / "packed").write_bytes(b"QFI\xfb" + bytes(508))
    (tmp_path / "zipped").write_bytes(b"PK\x03\x04" + bytes(9))
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    words = {
        "missing": "no file .*missing",
        "dangling": "no file .*dangling",
        "loop": "cannot be a disk",
        "empty": "is empty",
        "odd": "1,000 bytes are not a whole number of sectors",
        "tiny": "at least one sector",
        "packed": "qcow2",
        "zipped": "of the format zip",
        "pipe": "no ordinary file",
        ".": "a folder",
        "nul\0": "cannot be a disk",
    }
    for name, said in words.items():
        with pytest.raises(UsageError, match=said) as raised:
            diskfile.inspect(f"{tmp_path}/{name}")
        assert raised.value.next_step


def test_a_file_without_write_permission_is_told_from_others(disk: Path) -> None:
    disk.chmod(0o444)
    assert not diskfile.inspect(disk).writable


def test_real_images_of_other_formats(tmp_path: Path) -> None:
    """QEMU makes them, as a bare program: each is told from a raw disk."""
    formats = ("qcow2", "vmdk", "vdi", "vhdx", "vpc", "qed")
    commands: list[dict[str, object]] = [{"execute": "qmp_capabilities"}]
    for name in formats:
        path = str(tmp_path / name)
        file = {"driver": "file", "filename": path}
        options = {"driver": name, "file": name, "size": MIB} | (
            {"force-size": True} if name == "vpc" else {}
        )
        commands += [
            {
                "execute": "blockdev-create",
                "arguments": {"job-id": f"{name}0", "options": {**file, "size": 0}},
            },
            {"execute": "blockdev-add", "arguments": {**file, "node-name": name}},
            {"execute": "blockdev-create", "arguments": {"job-id": name, "options": options}},
        ]
    qemu = [
        "/usr/bin/qemu-system-x86_64",
        "-nodefaults",
        "-display",
        "none",
        "-machine",
        "none",
        "-qmp",
        "stdio",
    ]
    with subprocess.Popen(qemu, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        for command in commands:
            print(json.dumps(command), file=process.stdin, flush=True)
            for line in process.stdout:
                told = json.loads(line)
                assert "error" not in told
                done = told.get("data", {}).get("status") == "concluded"
                if done or ("return" in told and command["execute"] != "blockdev-create"):
                    break
        process.kill()
    for name in formats:
        with pytest.raises(UsageError, match="guests here have raw disks only"):
            diskfile.inspect(tmp_path / name)


def test_locks(disk: Path) -> None:
    readers = [diskfile.DiskLock(disk, shared=True) for _ in range(2)]
    with pytest.raises(UsageError, match="in use"):
        diskfile.DiskLock(disk, shared=False)
    for reader in readers:
        reader.release()
    with diskfile.DiskLock(disk, shared=False), pytest.raises(UsageError, match="in use"):
        diskfile.DiskLock(disk, shared=True)
    diskfile.DiskLock(disk, shared=False).release()


# Names


def test_places_are_the_manifests(tmp_path: Path) -> None:
    one, other = (diskfile.create(tmp_path / name, MIB).path for name in ("one", "other"))
    planned = plan_disks("store", MANIFEST, {"log": Disk(other).as_read_only(), "storage": one})
    assert [disk.place for disk in planned] == [
        DomainDisk(0, "storage", one),
        DomainDisk(2, "log", other, read_only=True),
    ]


def test_an_image_of_another_origin_gets_them_in_order(tmp_path: Path) -> None:
    files = {name: diskfile.create(tmp_path / name, MIB).path for name in ("b", "a")}
    assert [disk.place.name for disk in plan_disks("x", {}, files)] == ["b", "a"]


def test_devices_and_files_must_fit(disk: Path) -> None:
    with pytest.raises(UsageError, match="needs a file for its block device storage") as raised:
        plan_disks("store", ONE, {})
    assert "--disk storage=FILE" in raised.value.next_step
    with pytest.raises(UsageError, match="has no block device strage; it has: storage"):
        plan_disks("store", ONE, {"strage": disk})
    with pytest.raises(UsageError, match="it has none at all"):
        plan_disks("hello", {"name": "hello", "devices": []}, {"storage": disk})
    with pytest.raises(UsageError, match="as two disks, storage and log"):
        plan_disks("store", MANIFEST, {"storage": disk, "log": disk})
    with pytest.raises(UsageError, match="has no block device service"):
        plan_disks("store", MANIFEST, {"storage": disk, "service": disk})


def test_nobody_must_be_let_in(tmp_path: Path) -> None:
    nobody = Identity(Manner.NOBODY)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    path = diskfile.create(closed / "disk.img", MIB).path
    with pytest.raises(HostError, match="may not open"):
        check_reach([DomainDisk(0, "storage", path)], nobody)
    check_reach([DomainDisk(0, "storage", path)], Identity(Manner.SELF))


# Guests


@pytest.fixture(scope="module")
def block(root: Path) -> Image:
    """The lesson's image."""
    return build(root / "images" / "block")


@pytest.mark.live
def test_what_is_written_survives_and_is_seen_from_here(block: Image, disk: Path) -> None:
    with boot(block, disks={"storage": disk}, arguments=["--write", "still here", "--sector=7"]) as guest:
        assert guest.wait(20).status == 0, guest.console.text()
    assert disk.read_bytes()[7 * 512 :][:512] == b"still here".ljust(512, b"\0")
    with boot(block, disks={"storage": disk}, arguments=["--sector=7"]) as guest:
        assert guest.wait(20).status == 0
    assert 'found in sector 7: "still here"' in guest.console.text()


@pytest.mark.live
@pytest.mark.parametrize("name", ["a b", 'quo"te', "it's", "com,ma", "x=y", "<&>", "ünï", "-dash", "%41"])
def test_any_path_will_do(block: Image, tmp_path: Path, name: str) -> None:
    path = diskfile.create(tmp_path / name, MIB).path
    with boot(block, disks={"storage": path}, arguments=["--write=x"]) as guest:
        assert guest.wait(20).status == 0, guest.console.text()
    assert path.read_bytes()[0] == ord("x")


def test_a_link_out_of_its_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever boots a lab's folder must not write elsewhere without knowing."""
    lab, elsewhere = tmp_path / "lab", tmp_path / "elsewhere"
    (lab / "disks").mkdir(parents=True)
    elsewhere.mkdir()
    real = diskfile.create(elsewhere / "real.img", MIB).path
    diskfile.create(lab / "disks" / "own.img", MIB)
    (lab / "out.img").symlink_to(real)
    (lab / "folder").symlink_to(elsewhere)
    (lab / "in.img").symlink_to("disks/own.img")
    monkeypatch.chdir(lab)
    for given, link in (
        ("out.img", "out.img"),
        ("folder/real.img", "folder"),
        (lab / "out.img", lab / "out.img"),
    ):
        with pytest.raises(UsageError) as raised:
            diskfile.inspect(given)
        assert f"{link} is a link that leads out of its folder, to " in raised.value.what
        assert raised.value.next_step.endswith(str(real))
    for given in ("in.img", "disks/own.img", "disks/../in.img", lab / "in.img"):
        assert diskfile.inspect(given).path == lab / "disks" / "own.img"
    for given in (real, lab / "folder" / "real.img", "../elsewhere/real.img"):
        assert diskfile.inspect(given).path == real, "named in full, or by a folder that the machine may link"


@pytest.mark.live
def test_a_link_is_followed(block: Image, disk: Path) -> None:
    link = disk.with_name("link")
    link.symlink_to(disk.name)
    with boot(block, disks={"storage": link}, arguments=["--write=x"]) as guest:
        assert guest.wait(20).status == 0, guest.console.text()
    assert disk.read_bytes()[0] == ord("x")


@pytest.mark.live
def test_a_read_only_disk_is_not_written(block: Image, disk: Path) -> None:
    disk.chmod(0o444)
    with pytest.raises(UsageError, match="cannot be written, and a guest may write"):
        boot(block, disks={"storage": disk})
    with boot(block, disks={"storage": Disk(disk).as_read_only()}, arguments=["--write=x"]) as guest:
        assert guest.wait(20).status == 1
    assert "2048 sectors of 512 bytes, read-only" in guest.console.text()
    assert "the device is read-only" in guest.console.text()
    assert disk.read_bytes() == bytes(MIB)


@pytest.fixture
def writer(root: Path, disk: Path, tmp_path: Path) -> Callable[..., Guest]:
    """Starts a guest that writes its disk until its plug is pulled."""
    image = build(root / "tests" / "images" / "blocks")
    other = diskfile.create(tmp_path / "other.img", MIB).path

    def start(*, stay: bool = False) -> Guest:
        guest = boot(image, disks={"first": disk, "second": other}, arguments=["--what=load"], stay=stay)
        guest.console.expect("writing", timeout=20)
        return guest

    return start


@pytest.mark.live
@pytest.mark.parametrize("stay", [False, True])
def test_a_disk_in_use_is_refused(
    writer: Callable[..., Guest], block: Image, disk: Path, *, stay: bool
) -> None:
    guest = writer(stay=stay)
    try:
        with pytest.raises(UsageError, match="in use by another guest"):
            boot(block, disks={"storage": disk})
    finally:
        if stay:
            stop_guest(guest.name)
        else:
            guest.stop()
        guest.close()
    with boot(block, disks={"storage": disk}) as after:
        assert after.wait(20).status == 0, "free again"


@pytest.mark.live
def test_a_power_cut_leaves_whole_sectors(writer: Callable[..., Guest], disk: Path) -> None:
    """Each sector of the write that was cut is as before or as after; what was acknowledged is there."""
    guest = writer()  # it has said that the first write is done
    guest.stop()
    content = disk.read_bytes()
    for number in range(64):
        words = struct.unpack_from("<64Q", content, 512 * number)
        generation = words[0] >> 40
        assert generation >= 1
        assert words == tuple(generation << 40 ^ number << 8 ^ i for i in range(64))


@pytest.mark.live
def test_a_disk_that_another_qemu_has_is_refused(block: Image, disk: Path) -> None:
    """One that is none of ours, and takes no part in our locks."""
    command = [
        *("/usr/bin/qemu-system-x86_64", "-nodefaults", "-display", "none", "-S", "-monitor", "stdio"),
        *("-blockdev", f"driver=raw,node-name=d,file.driver=file,file.filename={disk}"),
        *("-device", "virtio-blk-pci,drive=d"),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as qemu:
        assert qemu.stdout
        assert "QEMU" in qemu.stdout.readline()  # it has opened the disk by then
        try:
            with pytest.raises(UsageError, match="in use by another guest"):
                boot(block, disks={"storage": disk})
            held = Disk(disk)
            assert held.in_use
            assert "while a guest runs" in str(held.hex(0))
            with pytest.raises(UsageError, match="a guest has it"):
                held.write(0, bytes(512))
        finally:
            qemu.kill()
    assert not held.in_use
    assert "while a guest runs" not in str(held.hex(0))
    held.write(0, bytes(512))


@pytest.mark.live
def test_several_may_read_one_disk(block: Image, disk: Path) -> None:
    guests = [boot(block, disks={"storage": Disk(disk).as_read_only()}) for _ in range(2)]
    for guest in guests:
        with guest:
            assert guest.wait(20).status == 0, guest.console.text()


@pytest.mark.live
def test_nothing_starts_without_its_disk(block: Image) -> None:
    with pytest.raises(LabError, match="needs a file for its block device storage"):
        boot(block)


@pytest.mark.live
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--disk", "{}"], None),
        (["--disk", "storage={}"], None),
        (["--disk", "strage={}"], "does not begin with the name of a device of block: storage"),
        (["--read-only", "{}"], None),
        (["--disk", "{}", "--read-only", "storage={}"], "storage is given two disks"),
        ([], "needs a file for its block device storage"),
        (["--disk", "nowhere.img"], "There is no file nowhere.img"),
    ],
)
def test_labkit_run(root: Path, disk: Path, words: list[str], said: str | None) -> None:
    command = [sys.executable, "-m", "labkit", "run", str(root / "images/block")]
    done = subprocess.run(
        [*command, *(word.format(disk) for word in words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if said is None:
        assert done.returncode == 0, done.stderr
        assert "2048 sectors" in done.stdout
    else:
        assert done.returncode == 125
        assert said in done.stderr
        assert "What to do:" in done.stderr
