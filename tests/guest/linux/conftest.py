"""Linux guests for tests: the lab's own, and equivalents of other images, which nobody can download here."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit import boot, build
from labkit.build.linux.image import LinuxImage
from labkit.guest.linux import LinuxGuest

Variant = Callable[..., LinuxImage]


@pytest.fixture(scope="session")
def lean() -> LinuxImage:
    """images/lean-linux."""
    image = build("lean-linux")
    assert isinstance(image, LinuxImage)
    return image


@pytest.fixture(scope="module")
def guest(lean: LinuxImage) -> Iterator[LinuxGuest]:
    """One guest for a module's tests that leave it as it was."""
    with boot(lean, host_name="web-1", timeout=300) as running:
        assert isinstance(running, LinuxGuest)
        yield running


@pytest.fixture(scope="session")
def variant(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Variant:
    """Builds a variant of lean-linux: files that differ, by their paths in it, and the target."""

    def make(target: str = "qcow2", *, modules: str = "", **files: str) -> LinuxImage:
        folder = tmp_path_factory.mktemp("images")
        for name in ("lean-linux", "web"):
            shutil.copytree(root / "images" / name, folder / name)
        source = folder / "lean-linux"
        for name, text in files.items():
            path = source / "root" / name.replace("__", "/")
            path.write_text(text)
        recipe = source / "image.toml"
        recipe.write_text(recipe.read_text().replace('"isofs"', f'"isofs"{modules}'))
        image = build(source, target)
        assert isinstance(image, LinuxImage)
        return image

    return make
