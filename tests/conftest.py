"""Fixtures for all tests: where things are, and a run folder that is nobody else's."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = "/usr/bin/chromium"


def _load(path: Path) -> ModuleType:
    """A module of tests/ that is no test."""
    spec = importlib.util.spec_from_file_location(f"labkit_tests_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session", autouse=True)
def signals() -> None:
    """Programs that tests start can be interrupted, though these be run by nohup or in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def run_folder() -> Iterator[Path]:
    """A run folder of this session's own, short enough for socket paths; gone afterwards, and its daemon too.

    The cache stays the user's: the library OS in it is found by its content, and takes long to build.
    """
    before = os.environ.get("LABKIT_RUN")
    base = Path(tempfile.mkdtemp(prefix="s-", dir=Path(before).parent if before else "/tmp"))
    base.chmod(0o711)  # the daemon may have to run as nobody, beside the run folder
    os.environ["LABKIT_RUN"] = str(base / "r")
    try:
        yield base / "r"
    finally:
        if before is None:
            del os.environ["LABKIT_RUN"]
        else:
            os.environ["LABKIT_RUN"] = before
        if not any(base.glob("**/g/*")):  # what is left stays for tests/run.py to see
            _load(ROOT / "tests" / "leftovers.py").end_daemons(base)
            shutil.rmtree(base, ignore_errors=True)


PLACES = _load(ROOT / "tests" / "places.py").PLACES


@pytest.fixture(scope="session", params=PLACES, ids=str)
def place(request: pytest.FixtureRequest) -> Any:
    """Each target on each host, one after another: see tests/places.py."""
    if request.param.host:
        request.getfixturevalue(f"{request.param.host}_host")
    return request.param


@pytest.fixture(scope="session")
def xen_host(run_folder: Path) -> Iterator[Any]:
    """The lab's Xen host, resumed; built first if the user's cache lacks it."""
    yield from _lab_host("xen")


@pytest.fixture(scope="session")
def kvm_host(run_folder: Path) -> Iterator[Any]:
    """The lab's KVM host, resumed; built first if the user's cache lacks it."""
    yield from _lab_host("kvm")


def _lab_host(kind: str) -> Iterator[Any]:
    from labkit.host import labhost

    try:
        yield labhost.up(kind)
    finally:
        labhost.down(kind)


@pytest.fixture(scope="module")  # while it is open, the main thread counts as inside an event loop
def browser() -> Iterator[Any]:
    """Debian's Chromium, headless."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"] if os.getuid() == 0 else []
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def sshd_module() -> ModuleType:
    """``tests/sshd.py``: a real SSH server for tests."""
    return _load(ROOT / "tests" / "sshd.py")


@pytest.fixture
def hello(root: Path, tmp_path: Path) -> Path:
    """A copy of images/hello that a test may change."""
    copy = tmp_path / "hello"
    shutil.copytree(root / "images" / "hello", copy, ignore=shutil.ignore_patterns("_build"))
    return copy
