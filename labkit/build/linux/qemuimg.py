"""Disks in QEMU's formats, by its program ``qemu-img``."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from labkit.errors import Evidence, ImageError, MissingTool

__all__ = ["convert", "first_sector", "info", "overlay"]


def convert(raw: Path, image: Path) -> None:
    """Make a packed qcow2 of a raw disk.

    Raises:
        MissingTool: qemu-img is not installed.
        ImageError: it fails; the evidence says why.
    """
    _run("convert", "-f", "raw", "-O", "qcow2", "-c", raw, image)


def info(image: Path) -> dict[str, Any]:
    """What a disk says of itself: ``format``, ``virtual-size``, ``backing-filename`` where it has one.

    Raises:
        MissingTool: qemu-img is not installed.
        ImageError: it is no disk, or damaged.
    """
    told: dict[str, Any] = json.loads(_run("info", "--output=json", "-U", image))
    return told


def overlay(base: Path, base_format: str, image: Path) -> None:
    """Make a disk that begins as ``base`` and takes what is written, so that ``base`` is not.

    Raises:
        MissingTool: qemu-img is not installed.
        ImageError: ``base`` is no disk.
    """
    _run("create", "-q", "-f", "qcow2", "-b", base, "-F", base_format, image)


def first_sector(image: Path, image_format: str) -> bytes:
    """The first 512 bytes of a disk.

    Raises:
        MissingTool: qemu-img is not installed.
        ImageError: it is no disk.
    """
    with tempfile.TemporaryDirectory() as folder:
        sector = Path(folder) / "sector"
        _run("dd", "-U", "-f", image_format, "-O", "raw", "bs=512", "count=1", f"if={image}", f"of={sector}")
        return sector.read_bytes()


def _run(*words: str | Path) -> str:
    program = shutil.which("qemu-img")
    if program is None:
        raise MissingTool(
            "The program qemu-img is not installed.",
            next_step="Run `make lab`, or install the package qemu-utils.",
        )
    command = [program, *map(str, words)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise ImageError(
            f"qemu-img cannot do it: {(done.stderr.strip() or 'no reason told').splitlines()[-1]}",
            next_step="Look whether the file is a whole disk: qemu-img check FILE.",
            evidence=[Evidence(" ".join(["qemu-img", *command[1:]]), done.stderr)],
        )
    return done.stdout
