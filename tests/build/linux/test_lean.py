"""images/lean-linux is built from Debian packages, by an ordinary user's means, once."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from labkit.build.builder import build
from labkit.build.linux.image import LinuxImage
from labkit.build.linux.initrd import busybox
from labkit.errors import SourceError, UsageError


@pytest.fixture
def lean(root: Path, tmp_path: Path) -> Path:
    """A copy of images/lean-linux that a test may change."""
    shutil.copytree(root / "images" / "lean-linux", tmp_path / "images" / "lean-linux")
    shutil.copytree(root / "images" / "web", tmp_path / "images" / "web")
    return tmp_path / "images" / "lean-linux"


def built(source: Path | str, target: str = "virtio") -> LinuxImage:
    image = build(source, target)
    assert isinstance(image, LinuxImage)
    return image


def test_it_is_small_and_tells_what_is_in_it(root: Path) -> None:
    image = built("lean-linux")
    assert image.kernel
    assert image.initrd
    assert image.bytes == image.kernel.stat().st_size + image.initrd.stat().st_size <= 25_000_000
    assert image.contents
    assert {
        "bin/busybox",
        "bin/dropbear",
        "www/index.html",
        "lib/modules/virtio_net.ko",
    } <= image.contents.files.keys()
    assert {"sh", "ls", "httpd", "dropbear"} <= set(image.contents.programs)
    assert any("libc.so" in library for library in image.contents.libraries)
    assert next(iter(image.libraries)) == "vmlinuz", "the largest comes first"
    page = (root / "images" / "web" / "htdocs" / "index.html").stat().st_size
    assert image.contents.files["www/index.html"] == page
    assert built("lean-linux").cached


def test_modules_stand_behind_what_they_need() -> None:
    image = built("lean-linux")
    assert image.contents
    order = image.contents.modules
    for earlier, later in [
        ("virtio_ring", "virtio_pci"),
        ("virtio_pci_modern_dev", "virtio_pci"),
        ("failover", "net_failover"),
        ("net_failover", "virtio_net"),
        ("cdrom", "isofs"),
    ]:
        assert order.index(earlier) < order.index(later)


def test_all_files_are_roots_and_equal_sources_make_equal_archives(lean: Path) -> None:
    image = built("lean-linux")
    assert image.initrd
    archive = gzip.decompress(image.initrd.read_bytes())
    listed = subprocess.run(
        [busybox(), "cpio", "-tv"], input=archive, capture_output=True, check=True
    ).stdout.decode()
    owners = {line.split()[1] for line in listed.splitlines()}
    assert len(listed.splitlines()) > 300
    assert owners == {"0/0"}
    copied = built(lean)
    assert copied.initrd
    assert copied.initrd.read_bytes() == image.initrd.read_bytes()


def test_a_change_is_another_image(lean: Path) -> None:
    before = built(lean)
    (lean / "root" / "etc" / "motd").write_text("hello\n")
    after = built(lean)
    assert after.path != before.path
    assert after.contents
    assert after.contents.files["etc/motd"] == 6


def test_a_disk_boots_by_itself_and_is_small(root: Path) -> None:
    image = built("lean-linux", "qcow2")
    assert image.disk
    assert image.kernel is None
    assert image.bytes <= 25_000_000
    with image.disk.open("rb") as file:
        assert file.read(4) == b"QFI\xfb"


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("name = [", "cannot be read"),
        ("color = 'red'", "color"),
        ("name = 'Not A Name'", "the name"),
        ("memory = 'much'", "memory"),
        ("modules = 'virtio'", "list of texts"),
        ("[copies]\nwww = 'nowhere'", "nowhere"),
        ("modules = ['no_such']", "no module no_such"),
        ("packages = ['libc6']\nprograms = ['bin/nothing']", "bin/nothing"),
        ("packages = ['dropbear-bin']\nprograms = ['usr/sbin/dropbear']", "no package that was given has it"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_said(tmp_path: Path, recipe: str, said: str) -> None:
    (tmp_path / "image.toml").write_text(recipe)
    with pytest.raises(SourceError, match=said) as raised:
        build(tmp_path)
    assert raised.value.next_step


def test_other_targets_are_refused() -> None:
    with pytest.raises(UsageError, match="is not built for the target unix"):
        build("lean-linux", "unix")
    with pytest.raises(UsageError, match="does not build for the target qcow2"):
        build("hello", "qcow2")
