"""A lab folder of each test's own: a student's is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def lab_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lab folder."""
    folder = tmp_path / "lab"
    monkeypatch.setenv("LABKIT_LAB", str(folder))
    return folder
