"""Files of other origins are recognised, or refused with the reason."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from labkit.build.builder import build
from labkit.build.linux.foreign import load_foreign
from labkit.build.linux.image import LinuxImage
from labkit.build.linux.profiles import PROFILES, profile_named, recognised
from labkit.errors import ImageError, LabError, UsageError


def disk(path: Path, first: bytes, kind: str = "qcow2") -> Path:
    """A disk with such a first sector."""
    raw = path.with_suffix(".raw-part")
    raw.write_bytes(first.ljust(1 << 20, b"\0"))
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", kind, raw, path], check=True)
    raw.unlink()
    return path


BOOTS = b"\xeb\x63" + bytes(508) + b"\x55\xaa"


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("cirros-0.6.2-x86_64-disk.img", "cirros"),
        ("nocloud_alpine-3.20.3-x86_64-bios-cloudinit-r0.qcow2", "alpine"),
        ("debian-12-genericcloud-amd64.qcow2", "debian-cloud"),
        ("debian-12-generic-amd64-20240211.qcow2", "debian-cloud"),
        ("flatcar_production_qemu_image.img", "flatcar"),
        ("coreos_production_qemu_image.img", "flatcar"),
        ("osv-v0.57.qemu", "osv"),
        ("lean-linux.qcow2", "lean-linux"),
    ],
)
def test_names_tell(tmp_path: Path, name: str, profile: str) -> None:
    image = load_foreign(disk(tmp_path / name, BOOTS))
    assert image.profile is profile_named(profile)
    assert image.disk_format == "qcow2"
    assert isinstance(build(tmp_path / name), LinuxImage) or not name.endswith((".img", ".qcow2"))


def test_every_profile_says_what_it_needs_and_how_it_was_tested() -> None:
    for profile in PROFILES:
        assert "console on the first serial port" in profile.needs
        assert profile.file
        assert profile.tested
        assert (profile.host_key == "none") == (not profile.user)
    assert recognised(Path("holiday.img")) is None


def test_an_unknown_name_asks_for_a_profile(tmp_path: Path) -> None:
    path = disk(tmp_path / "holiday.qcow2", BOOTS)
    with pytest.raises(UsageError, match="its name does not tell") as raised:
        build(path)
    assert "flatcar" in str(raised.value)
    with pytest.raises(UsageError, match="no profile 'nope'"):
        build(path, profile="nope")


@pytest.mark.parametrize(
    ("name", "first", "said"),
    [
        ("cirros-0.6.2-aarch64-disk.img", BOOTS, "another architecture: aarch64"),
        ("debian-12-genericcloud-arm64.qcow2", BOOTS, "another architecture: arm64"),
        ("cirros-x.img", bytes(510) + b"\x55\xaa", "no boot code for a PC's BIOS"),
        ("cirros-x.img", bytes(512), "does not boot"),
        ("cirros-x.img", bytes(56) + b"ARM\x64" + bytes(450) + b"\x55\xaa", "another architecture: arm64"),
    ],
)
def test_what_does_not_boot_here(tmp_path: Path, name: str, first: bytes, said: str) -> None:
    with pytest.raises(ImageError, match=said) as raised:
        build(disk(tmp_path / name, first), profile="cirros")
    assert "x86-64" in raised.value.next_step


def test_other_formats_and_damage(tmp_path: Path) -> None:
    path = disk(tmp_path / "cirros.vmdk", BOOTS, "vmdk")
    with pytest.raises(ImageError, match="format vmdk"):
        build(path, profile="cirros")
    whole = disk(tmp_path / "cirros-1.img", BOOTS)
    whole.write_bytes(whole.read_bytes()[:100])
    with pytest.raises(LabError):
        build(whole)
    with pytest.raises(ImageError, match="There is no image file"):
        load_foreign(tmp_path / "cirros-none.img")
