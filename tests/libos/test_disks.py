"""The driver of virtio disks, in real guests: what they are like, requests of all shapes, errors."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit import Disk
from labkit.build.builder import build
from labkit.guest import boot
from labkit.host import diskfile

pytestmark = pytest.mark.live

MIB = 1 << 20


@pytest.fixture
def run(root: Path, tmp_path: Path) -> Callable[..., tuple[str, Path, Path]]:
    """Have tests/images/blocks do something; gives its output and its two disks."""

    def run(what: str, *, second_writable: bool = True) -> tuple[str, Path, Path]:
        first = diskfile.create(tmp_path / "first.img", 13 * MIB).path
        second = diskfile.create(tmp_path / "second.img", 2 * MIB).path
        # given in another order than that of config.ml
        disks = {"second": second if second_writable else Disk(second).as_read_only(), "first": first}
        image = build(root / "tests" / "images" / "blocks")
        with boot(image, disks=disks, arguments=[f"--what={what}"], memory=128, timeout=60) as guest:
            assert guest.wait(60).status == 0, guest.console.text()
        return guest.console.text(), first, second

    return run


def test_sizes_and_rights(run) -> None:
    text, *_ = run("info", second_writable=False)
    assert text.splitlines() == [
        "first: 26624 sectors of 512 bytes, read-write",
        "scratch: 65536 sectors of 512 bytes, read-write",
        "second: 4096 sectors of 512 bytes, read-only",
    ]


def test_names_are_the_hosts(run) -> None:
    _, first, second = run("mark")
    assert first.read_bytes()[512:1024].rstrip(b"\0") == b"on the first"
    assert second.read_bytes()[512:1024].rstrip(b"\0") == b"on the second"


def test_scattered_and_large_buffers(run) -> None:
    text, first, _ = run("scatter")
    assert "scattered" in text
    last = 12 * MIB // 512 - 1
    found = first.read_bytes()[last * 512 :][:8]
    assert int.from_bytes(found, "little") == (2 << 40) ^ (last << 8)


def test_thousands_of_requests_in_flight(run) -> None:
    text, *_ = run("flight")
    assert text.splitlines() == ["the device is disconnected", "all came back"]


def test_a_request_begins_though_the_program_stands_still(root: Path, tmp_path: Path) -> None:
    first = diskfile.create(tmp_path / "first.img", MIB).path
    disks = {"first": first, "second": diskfile.create(tmp_path / "second.img", MIB).path}
    image = build(root / "tests" / "images" / "blocks")
    with boot(image, disks=disks, arguments=["--what=block"], timeout=60) as guest:
        guest.console.expect("asked", timeout=30)
        deadline = time.monotonic() + 30
        while first.read_bytes()[512:1024] == bytes(512):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        guest.console.send("go on\n")
        assert guest.wait(30).status == 0


def test_errors_are_values(run) -> None:
    text, first, second = run("wrong", second_writable=False)
    assert text.splitlines() == [
        "a run of 1 from sector 26624 leaves the device",
        "a run of 2 from sector 26623 leaves the device",
        "a run of 1 from sector -1 leaves the device",
        "a buffer of 511 bytes is not a whole number of sectors",
        "ok",
        "ok",
        "the device is read-only",
        "ok",
    ]
    assert first.stat().st_size == 13 * MIB
    assert second.read_bytes() == bytes(2 * MIB)


def test_a_machine_without_the_disk(root: Path, tmp_path: Path) -> None:
    """Started by hand with too little: said on the console."""
    image = build(root / "images" / "block")
    console = tmp_path / "console"
    command = [
        *("/usr/bin/qemu-system-x86_64", "-nodefaults", "-machine", "pc", "-cpu", "max", "-m", "32"),
        *("-bios", "/usr/share/qemu/qboot.rom", "-display", "none", "-no-reboot"),
        *("-serial", f"file:{console}", "-kernel", str(image.path)),
    ]
    subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
    said = console.read_text()
    assert 'The block device \\"storage\\" cannot be used: the machine has no such device.' in said
