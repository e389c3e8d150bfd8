"""Solo5 images of our own making: assembled, with its notes, and behaving as its do."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit.host import warm

SOURCES = Path(__file__).resolve().parents[1] / "kernels"
TARGETS = {"hvt": 1, "spt": 2, "virtio": 3, "muen": 4, "genode": 5, "xen": 6}

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes an image file.

    Its arguments: target, by name or number; flags, names to be defined; version of its ABI; devices, as the
    assembler takes them; last, what it says last; status.
    """

    def assemble(
        target: str | int = "virtio",
        *flags: str,
        version: int = 2,
        devices: str = "",
        last: str | None = None,
        status: int = 0,
        name: str = "image",
    ) -> Path:
        made = tmp_path / name
        said = f"Solo5: solo5_exit({status}) called\\n" if last is None else last
        subprocess.run(
            [
                *("gcc", "-nostdlib", "-static", "-no-pie"),
                f"-Wl,--build-id=none,-T,{SOURCES}/solo5.ld,-z,max-page-size=4096",
                *(
                    f"-DTARGET={TARGETS.get(str(target), target)}",
                    f"-DVERSION={version}",
                    f"-DDEVICES={devices}",
                ),
                *(f'-DLAST="{said}"', f"-DSTATUS={status}", *(f"-D{flag}" for flag in flags)),
                *(str(SOURCES / "solo5.S"), "-o", str(made)),
            ],
            check=True,
        )
        return made

    return assemble


@pytest.fixture(scope="session")
def warmed(run_folder: Path) -> None:
    """libvirt knows QEMU before the first clock is started."""
    warm()
