"""Edit to running: change a line of the source, build, boot, and see the first line."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from pathlib import Path

from bench.peers import bare_qemu
from bench.rounds import Stopwatch, in_turns
from bench.table import Row
from labkit.build.builder import build
from labkit.guest import boot
from labkit.settings import settings

__all__ = ["rows"]


def rows(rounds: int) -> list[Row]:
    """The lines of the table."""
    numbers = itertools.count()

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "hello"
        shutil.copytree(settings().root / "images" / "hello", copy)
        unikernel = copy / "unikernel.ml"
        original = unikernel.read_text()

        def change() -> str:
            greeting = f"Greeting number {next(numbers)}"
            changed = original.replace("Hello, world!", greeting)
            assert changed != original
            unikernel.write_text(changed)
            return greeting

        def to_running(watch: Stopwatch) -> None:
            greeting = change()
            watch.start()
            with boot(build(copy)) as guest:
                guest.console.expect(greeting, timeout=30)
                watch.stop()

        def to_image(watch: Stopwatch) -> None:
            change()
            with watch.running():
                build(copy)

        def unchanged(watch: Stopwatch) -> None:
            with watch.running():
                build(copy)

        build(copy)
        hello = build(settings().root / "images" / "hello").path
        taken = in_turns(
            {
                "running": to_running,
                "image": to_image,
                "unchanged": unchanged,
                "qemu": lambda watch: bare_qemu(hello, watch, until=b"Hello"),
            },
            rounds,
        )
    return [
        Row(
            "edit to running", taken["running"], "only booting, under QEMU", taken["qemu"], "at most 1000 ms"
        ),
        Row("edit to image", taken["image"], "edit to running", taken["running"]),
        Row("build of an unchanged image", taken["unchanged"], "edit to image", taken["image"]),
    ]
