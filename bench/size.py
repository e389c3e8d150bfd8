"""How large hello is, by part, and how little memory it runs in."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.table import Row, Sample
from labkit.build.builder import build
from labkit.guest import boot

__all__ = ["rows"]

_LEAST_MIB, _MOST_MIB = 4, 32


def _kilobytes(size: int) -> Sample:
    return Sample([size / 1000], "KB")


def _runs_in(memory_mib: int) -> bool:
    hello = build("hello")
    with boot(hello, memory=memory_mib, arguments=["--count=1"]) as guest:
        return guest.wait(timeout=30).status == 0


def rows(_rounds: int) -> list[Row]:
    """The lines of the table."""
    hello = build("hello")
    whole = _kilobytes(hello.path.stat().st_size)
    with tempfile.TemporaryDirectory() as folder:
        stripped = Path(folder) / "stripped"
        shutil.copy(hello.path, stripped)
        subprocess.run(["strip", "-g", stripped], check=True)
        without_debug = _kilobytes(stripped.stat().st_size)
    least = next(mib for mib in range(_LEAST_MIB, _MOST_MIB + 1) if _runs_in(mib))
    lines = [
        Row("hello, strip -g", without_debug, "the image file", whole, "at most 1200 KB"),
        Row(
            "hello's least memory",
            Sample([least], "MiB"),
            "labkit's default",
            Sample([_MOST_MIB], "MiB"),
            "16 MiB",
        ),
    ]
    lines += [
        Row(f"  of it: {library}", _kilobytes(size), "the image file", whole)
        for library, size in hello.libraries.items()
        if size > 10_000
    ]
    return lines
