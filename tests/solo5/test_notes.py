"""What a Solo5 image says of itself, and what is said of one that cannot be run."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import labkit
from labkit.build.image import Image
from labkit.build.manifest import Device
from labkit.build.solo5 import abi_version
from labkit.cli.app import app
from labkit.errors import ImageError, UsageError
from labkit.guest.checks import check_image, read_manifest

Make = Callable[..., Path]

BOTH = 'device "storage", BLOCK; device "service", NETWORK'


@pytest.mark.parametrize("target", ["virtio", "spt", "hvt", "xen"])
def test_an_image_says_what_it_is(make: Make, target: str) -> None:
    path = make(target, version=5, devices=BOTH, name="hello.solo5")
    image = Image.load(path)
    assert (image.name, image.target.name, image.manifest.abi) == ("hello", target, "solo5")
    assert image.manifest.devices == (Device("storage", "block"), Device("service", "network"))
    assert abi_version(path) == 5
    assert labkit.build(path).manifest == image.manifest
    assert [device["name"] for device in read_manifest(path)["devices"]] == ["storage", "service"]


def test_without_symbols_and_section_names_it_still_does(make: Make) -> None:
    path = make(devices=BOTH)
    subprocess.run(["strip", "-g", path], check=True)
    assert len(Image.load(path).manifest.devices) == 2
    content = bytearray(path.read_bytes())
    content[0x28:0x30] = bytes(8)  # e_shoff
    content[0x3C:0x40] = bytes(4)  # e_shnum, e_shstrndx
    path.write_bytes(content)
    assert len(Image.load(path).manifest.devices) == 2


@pytest.mark.parametrize(
    ("target", "flags", "options", "words"),
    [
        ("virtio", ["NO_DEVICES"], {}, "list of devices has been stripped"),
        ("virtio", ["NO_ABI"], {}, "does not say for which of Solo5's targets"),
        ("muen", [], {}, "a Solo5 image for muen, which labkit cannot run"),
        (77, [], {}, "target number 77"),
        ("spt", [], {"devices": 'device "gpu", 3'}, "a device gpu of a kind that labkit does not know"),
        ("spt", [], {"devices": 'device "a/b", 1'}, "has an entry b'a/b'"),
    ],
)
def test_what_is_wrong_is_said(
    make: Make, target: str | int, flags: list[str], options: dict[str, str], words: str
) -> None:
    with pytest.raises(ImageError, match=words):
        Image.load(make(target, *flags, **options))


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [
        (4, 2, "in format 2"),
        (8, 9, "bytes for 9 entries"),
        (8, 0, "bytes for 0 entries"),
        (12 + 68, 1, "does not begin with the reserved entry"),
        (12 + 104 + 96, 1, "has an entry b'storage'"),  # attached, to nothing
    ],
)
def test_a_damaged_list_of_devices(make: Make, at: int, value: int, words: str) -> None:
    path = make("spt", devices='device "storage", BLOCK')
    content = path.read_bytes()
    start = content.index(b"Solo5\0\0\0" + struct.pack("<II", 0, 1)) + 8
    path.write_bytes(content[: start + at] + struct.pack("<I", value) + content[start + at + 4 :])
    with pytest.raises(ImageError, match=words):
        Image.load(path)


def test_another_architecture(make: Make) -> None:
    path = make("spt")
    content = bytearray(path.read_bytes())
    content[18:20] = struct.pack("<H", 183)  # e_machine: AArch64
    path.write_bytes(content)
    with pytest.raises(ImageError, match="for AArch64"):
        Image.load(path)


def test_another_target_is_refused(make: Make, root: Path) -> None:
    with pytest.raises(ImageError, match="for the target spt, and cannot be started as one for virtio"):
        check_image(make("spt"))
    with pytest.raises(ImageError, match="for the target virtio, and cannot be started as one for spt"):
        check_image(make("virtio"), "spt")
    with pytest.raises(ImageError, match="no Solo5 image"):
        check_image(labkit.build(root / "images" / "hello").path, "spt")
    with pytest.raises(UsageError, match="built for the target xen"):
        labkit.boot(make("xen"))


def test_more_devices_than_slots(make: Make) -> None:
    devices = "; ".join(f'device "storage{number}", BLOCK' for number in range(17))
    with pytest.raises(ImageError, match="asks for 17 devices; a domain has room for 16"):
        check_image(make(devices=devices))


def test_stripped_too_far(make: Make) -> None:
    path = make("virtio", devices=BOTH)
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<I", 0x1BADB002), bytes(4)))
    with pytest.raises(ImageError, match="no multiboot header"):
        check_image(path)
    at = content.index(struct.pack("<I", 0x1BADB002)) + 20  # where what is loaded ends
    path.write_bytes(content[:at] + struct.pack("<I", 0x100000 + len(content) + 1) + content[at + 4 :])
    with pytest.raises(ImageError, match="stripped too far"):
        check_image(path)


@pytest.mark.parametrize("target", ["virtio", "spt"])
def test_a_disk_that_is_missing_or_too_many(make: Make, target: str, tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(1 << 16))
    path = make(target, devices='device "storage", BLOCK')
    with pytest.raises(UsageError, match="needs a file for its block device storage"):
        labkit.boot(path)
    with pytest.raises(UsageError, match="has no block device store; it has: storage"):
        labkit.boot(path, disks={"store": disk})
    found = CliRunner().invoke(app, ["run", str(make(target)), "--disk", str(disk)])
    assert isinstance(found.exception, UsageError)
    assert "is for a block device, and image has none" in str(found.exception)
