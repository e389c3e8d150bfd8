"""The look at what a run left behind sees processes, guests' folders and temporary files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def module(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(root / "tests"))
    import leftovers

    monkeypatch.setattr(leftovers, "PATIENCE", 0.3)
    yield leftovers
    sys.modules.pop("leftovers", None)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for folder in ("base", "temp"):
        (tmp_path / folder).mkdir()
    return tmp_path / "base"


def test_nothing_left(module: ModuleType, base: Path, tmp_path: Path) -> None:
    (base / "r" / "g").mkdir(parents=True)
    (tmp_path / "temp" / "pytest-of-somebody").mkdir()
    assert module.leftovers(base, tmp_path / "temp") == []


def test_a_process_is_seen_by_its_environment(module: ModuleType, base: Path, tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "30"], env=os.environ | {"LABKIT_RUN": str(base / "r")}) as process:
        found = module.leftovers(base, tmp_path / "temp")
        process.kill()
    assert found == [f"process {process.pid}: sleep 30"]
    assert module.leftovers(base, tmp_path / "temp") == []


def test_a_daemon_is_ended_and_does_not_count(module: ModuleType, base: Path, tmp_path: Path) -> None:
    daemon = tmp_path / "libvirtd"
    daemon.symlink_to("/bin/sleep")
    with subprocess.Popen([daemon, "30"], env={"XDG_RUNTIME_DIR": str(base / "r")}) as process:
        assert module.leftovers(base, tmp_path / "temp") == []
        assert process.wait(5) == -15


def test_a_guests_folder_and_a_temporary_file_are_seen(
    module: ModuleType, base: Path, tmp_path: Path
) -> None:
    (base / "r" / "g" / "1-2-3").mkdir(parents=True)
    (tmp_path / "temp" / "image").touch()
    assert module.leftovers(base, tmp_path / "temp") == ["guest's folder: r/g/1-2-3", "temporary: image"]
