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
        taken = in_turns(
            {
                "nothing": lambda watch: bare_qemu(one_byte, watch, serial=True),
                "hello": lambda watch: bare_qemu(hello.path, watch, serial=True, until=b"Hello"),
                "hello, virtio": lambda watch: bare_qemu(hello.path, watch, until=b"Hello"),
                "libvirt": lambda watch: plain_libvirt(host, hello.path, watch),
                "labkit": through_labkit,
            },
            rounds,
        )
    return [
        Row(
            "hello under QEMU, to 'Hello'", taken["hello"], "a kernel that prints one byte", taken["nothing"],
            "at most 100 ms, and +20 ms",
        ),
        Row(
            "hello through labkit, to the first byte", taken["labkit"], "libvirt's createXML", taken["libvirt"],
            "ratio at most 1.2",
        ),
        Row("the same", taken["labkit"], "QEMU without libvirt", taken["hello, virtio"]),
        Row("hello on a virtio console, to 'Hello'", taken["hello, virtio"], "on a serial port", taken["hello"]),
    ]  # fmt: skip
