"""Fixtures for tests of the place where guests run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from labkit.settings import Settings, settings

SOURCES = Path(__file__).resolve().parents[1] / "kernels"


@pytest.fixture
def own_settings(tmp_path: Path) -> Settings:
    """Settings with a cache that is empty."""
    found = settings()
    return Settings(root=found.root, cache=tmp_path / "cache", run=found.run)


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the test kernel ``hello``."""
    folder = tmp_path_factory.mktemp("kernels")
    subprocess.run(
        [
            *("gcc", "-nostdlib", "-static", "-no-pie", f"-Wa,-I{SOURCES}"),
            f"-Wl,--build-id=none,-T,{SOURCES}/kernel.ld,-n,--no-warn-rwx-segments",
            *(str(SOURCES / "hello.S"), "-o", str(folder / "hello")),
        ],
        check=True,
    )
    return folder
