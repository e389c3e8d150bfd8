"""Solo5 images for virtio as domains: how they are started, what they find, how their end is known."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import labkit
from labkit.guest import Reason
from labkit.guest.control import ExitRecord, PanicRecord
from labkit.guest.solo5 import EndReader

Make = Callable[..., Path]

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("warmed")]


@pytest.mark.parametrize(
    ("options", "status", "reason", "detail"),
    [
        ({"status": 0}, 0, Reason.EXIT, "exited with status 0"),
        ({"status": 7}, 7, Reason.EXIT, "exited with status 7"),
        (
            {"last": r"no end of line. Solo5: solo5_exit(3) called\r\n"},
            3,
            Reason.EXIT,
            "exited with status 3",
        ),
        ({"last": r"Solo5: ABORT: a.c:1: a reason\n"}, 255, Reason.PANIC, "panicked: a.c:1: a reason"),
        ({"last": r"Solo5: solo5_abort() called\n"}, 255, Reason.PANIC, "panicked: solo5_abort"),
        ({"last": r"SUCCESS\n"}, 255, Reason.CRASH, "ended without telling its status, which Solo5 keeps"),
    ],
)
def test_its_end(make: Make, options: dict[str, object], status: int, reason: Reason, detail: str) -> None:
    began = time.monotonic()
    told = labkit.run(make(**options)).exit
    assert (told.status, told.reason) == (status, reason)
    assert told.detail.startswith(detail)
    assert time.monotonic() < began + 20


def test_a_hard_crash_is_none_of_its_ends(make: Make) -> None:
    told = labkit.run(make("virtio", "TRIPLE", last=r"here\n")).exit
    assert (told.status, told.reason) == (255, Reason.CRASH)
    assert told.last_words.endswith("here")


def test_its_arguments_and_devices_in_order(make: Make, tmp_path: Path) -> None:
    devices = 'device "storage", BLOCK; device "service", NETWORK; device "log", BLOCK'
    disks = {"log": tmp_path / "log.img", "storage": tmp_path / "storage.img"}
    for number, disk in enumerate(disks.values(), 1):
        disk.write_bytes(bytes(number << 20))
    said = labkit.run(make(devices=devices), "a", "b c", disks=disks).output.splitlines()
    assert said[0].endswith('/image a "b c"')
    assert said[1:4] == ["disk of 00001000", "network", "disk of 00000800"]


def test_a_blank_in_its_path(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    image = shutil.move(make(), folder / "image")
    assert labkit.run(image, "word").output.splitlines()[0].endswith("/image-image word")


def test_it_is_stopped(make: Make) -> None:
    with labkit.boot(make("virtio", "WAIT", last=r"waiting\n"), timeout=30) as guest:
        guest.console.expect("waiting", timeout=20)
        assert guest.stop().reason is Reason.STOPPED


def test_it_stays(make: Make) -> None:
    guest = labkit.boot(make("virtio", last=r"Solo5: ABORT: kept\n"), stay=True)
    told = guest.wait(20)
    guest.close()
    assert (told.status, told.reason) == (255, Reason.PANIC)


def test_its_words_in_pieces() -> None:
    reader = EndReader()
    text = (
        b"x" * 5000
        + b"\nfoo Solo5: solo5_exit(12) called\nSolo5: solo5_exit(999) called\nSolo5: ABORT: a: b\r\n"
    )
    found = [record for at in range(len(text)) for record in reader.feed(text[at : at + 1])]
    assert found == [ExitRecord(12), PanicRecord("a: b")]
    assert EndReader().feed(text) == found
