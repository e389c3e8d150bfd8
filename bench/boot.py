"""Boot to the first line: the image against a do-nothing kernel, and labkit against libvirt and QEMU."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from bench.peers import assemble, bare_qemu, plain_libvirt
from bench.rounds import Stopwatch, in_turns
from bench.table import Row
from labkit.build.builder import build
from labkit.guest import boot
from labkit.host import open_host

__all__ = ["rows"]


def rows(rounds: int) -> list[Row]:
    """The lines of the table."""
    hello = build("hello")

    def through_labkit(watch: Stopwatch) -> None:
        watch.start()
        with boot(hello) as guest:
            guest.console.expect(re.compile("."), timeout=30)
            watch.stop()

    with tempfile.TemporaryDirectory() as folder, open_host() as host:
        one_byte = assemble("one_byte", Path(folder))
        bare = in_turns(
            {
                "nothing": lambda watch: bare_qemu(one_byte, watch, serial=True),
                "hello": lambda watch: bare_qemu(hello.path, watch, serial=True, until=b"Hello"),
                "virtio": lambda watch: bare_qemu(hello.path, watch, until=b"Hello"),
            },
            rounds,
        )
        managed = in_turns(
            {
                "qemu": lambda watch: bare_qemu(hello.path, watch),
                "libvirt": lambda watch: plain_libvirt(host, hello.path, watch),
                "labkit": through_labkit,
            },
            rounds,
        )
    return [
        Row(
            "hello under QEMU, to 'Hello'", bare["hello"], "a kernel that prints one byte", bare["nothing"],
            "at most 100 ms, and +20 ms",
        ),
        Row(
            "hello by labkit, to the first byte", managed["labkit"], "libvirt's createXML", managed["libvirt"],
            "ratio at most 1.2",
        ),
        Row("the same", managed["labkit"], "QEMU without libvirt", managed["qemu"]),
        Row("hello on a virtio console, to 'Hello'", bare["virtio"], "on a serial port", bare["hello"]),
    ]  # fmt: skip
