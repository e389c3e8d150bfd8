"""Fixtures for all tests: where things are, and a run folder that is nobody else's."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def run_folder() -> Iterator[Path]:
    """A run folder of this session's own, short enough for socket paths; gone afterwards.

    The cache stays the user's: the library OS in it is found by its content, and takes long to build.
    """
    before = os.environ.get("LABKIT_RUN")
    folder = Path(tempfile.mkdtemp(prefix="s-", dir=before or "/tmp"))
    os.environ["LABKIT_RUN"] = str(folder)
    try:
        yield folder
    finally:
        if before is None:
            del os.environ["LABKIT_RUN"]
        else:
            os.environ["LABKIT_RUN"] = before
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def hello(root: Path, tmp_path: Path) -> Path:
    """A copy of images/hello that a test may change."""
    copy = tmp_path / "hello"
    shutil.copytree(root / "images" / "hello", copy, ignore=shutil.ignore_patterns("_build"))
    return copy
