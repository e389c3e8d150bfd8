"""Fixtures for tests that boot guests: small kernels, assembled when they are first asked for."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from labkit import Disk
from labkit.build.builder import build
from labkit.build.image import Image
from labkit.guest import Guest, boot
from labkit.host import open_host, warm
from labkit.host.connection import Host

SOURCES = Path(__file__).resolve().parents[1] / "kernels"

Kernel = Callable[[str], Image]


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    """Gives the test kernel of a name, as an image."""
    folder = tmp_path_factory.mktemp("kernels")

    def assemble(name: str) -> Image:
        made = folder / name
        if not made.exists():
            subprocess.run(
                [
                    *("gcc", "-nostdlib", "-static", "-no-pie", f"-Wa,-I{SOURCES}"),
                    f"-Wl,--build-id=none,-T,{SOURCES}/kernel.ld,-n,--no-warn-rwx-segments",
                    *(str(SOURCES / f"{name}.S"), "-o", str(made)),
                ],
                check=True,
            )
        return Image.load(made)

    return assemble


@pytest.fixture(scope="session", autouse=True)
def warmed(run_folder: Path) -> None:
    """libvirt knows QEMU before the first clock is started."""
    warm()


@dataclass(frozen=True)
class Shell:
    """Boots tests/images/diskshell, which does with its disk what is typed."""

    image: Image

    def boot(self, disk: Disk) -> Guest:
        """A guest that waits for the first line."""
        guest = boot(self.image, disks={"storage": disk})
        guest.console.expect("> ready\n", timeout=20)
        return guest

    def ask(self, guest: Guest, line: str) -> str:
        """Type a line, and give the answer."""
        guest.console.send(f"{line}\n")
        return guest.console.expect(re.compile(r"> (.*)\n"), timeout=20).groups[0] or ""


@pytest.fixture(scope="session")
def shell(root: Path) -> Shell:
    """Guests that do with their disks what is typed."""
    return Shell(build(root / "tests" / "images" / "diskshell"))


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """An empty disk of 1 MiB."""
    return Disk.create(tmp_path / "disk.img", "1 MiB")


@pytest.fixture
def host() -> Iterator[Host]:
    """A place for guests."""
    with open_host() as opened:
        yield opened


def processes(text: str) -> list[int]:
    """The processes whose command line or environment holds a text, and that are no zombies."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
                state = (entry / "stat").read_bytes().rpartition(b")")[2].split()[0]
            except OSError:
                continue
            if text.encode() in words and state not in (b"Z", b"X"):
                found.append(int(entry.name))
    return found


@pytest.fixture
def processes_with() -> Callable[[str], list[int]]:
    """Finds the processes whose command line holds a text."""
    return processes


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool], float], float]:
    """Waits until something is so; gives how long that took, in seconds."""
    import time

    def wait(so: Callable[[], bool], limit: float) -> float:
        began = time.monotonic()
        while not so():
            assert time.monotonic() < began + limit, f"not so in {limit} s"
            time.sleep(0.01)  # what is waited for is another process's state: there is no event to wait for
        return time.monotonic() - began

    return wait
