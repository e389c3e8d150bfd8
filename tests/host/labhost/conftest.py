"""Fixtures for tests of the lab's own hosts: labs with a cache of their own that need not build anything."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.build.cache import Cache
from labkit.host import labhost
from labkit.host.labhost.build import IMAGES, build_image
from labkit.host.labhost.snapshot import SNAPSHOTS
from labkit.settings import Settings, settings

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def lab(xen_host: labhost.LabHost, run_folder: Path, tmp_path: Path) -> Iterator[Settings]:
    """Another lab: its own run folder, and a cache with links to the built image and the snapshots."""
    usual = settings()
    with tempfile.TemporaryDirectory(dir=run_folder.parent, prefix="l-") as run:
        mine = Settings(root=usual.root, cache=tmp_path / "cache", run=Path(run))
        for kind in (IMAGES, SNAPSHOTS):
            for folder in (usual.cache / kind).iterdir():
                (mine.cache / kind / folder.name).mkdir(parents=True)
                for file in folder.iterdir():
                    (mine.cache / kind / folder.name / file.name).symlink_to(file)
        yield mine
        labhost.down("xen", found=mine)


@pytest.fixture(scope="session")
def image(run_folder: Path) -> Any:
    """The built image."""
    usual = settings()
    return build_image(Cache(usual.cache, usual.cache_mib << 20))


@pytest.fixture
def command(lab: Settings) -> Callable[..., subprocess.Popen[str]]:
    """Starts ``labkit host`` in that other lab."""

    def start(*words: str) -> subprocess.Popen[str]:
        environment = os.environ | {"LABKIT_RUN": str(lab.run), "LABKIT_CACHE": str(lab.cache)}
        return subprocess.Popen(
            [sys.executable, "-m", "labkit", "host", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment | {"PYTHONPATH": str(ROOT)},
        )

    return start


@pytest.fixture
def machines() -> Callable[[Settings], list[int]]:
    """Finds the QEMUs of a lab: those whose command names its run folder."""

    def find(lab: Settings) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdecimal() else [b""]
            except OSError:
                continue
            if words[0].endswith(b"qemu-system-x86_64") and any(
                os.fsencode(lab.run) in word for word in words
            ):
                found.append(int(entry.name))
        return found

    return find
