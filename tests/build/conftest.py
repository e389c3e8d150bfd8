"""Fixtures of the build's tests: a cache of the tests' own, with the library OS in it."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def lab_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which the library OS is installed, for all tests of this session together."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_CACHE", str(folder))
        from labkit.build.builder import prepare

        prepare()
    return folder


@pytest.fixture
def cache_folder(lab_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same cache, set for this test."""
    monkeypatch.setenv("LABKIT_CACHE", str(lab_cache))
    return lab_cache
