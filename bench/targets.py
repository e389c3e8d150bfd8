"""The same hello as each target on each host, by labkit, from its call to the first byte of the console."""

from __future__ import annotations

import re
from contextlib import ExitStack
from functools import partial

from bench.rounds import Stopwatch, in_turns
from bench.table import Row
from labkit.build.builder import build
from labkit.build.image import Image
from labkit.host import labhost
from labkit.verbs import boot

__all__ = ["rows"]

_HERE = "virtio on this machine"
_PLACES = {
    _HERE: ("virtio", None, ""),
    "unix on this machine": ("unix", None, ""),
    "virtio on the KVM host": ("virtio", "kvm", ""),
    "xen on the Xen host": ("xen", "xen", "at most 3 s"),
}


def rows(rounds: int) -> list[Row]:
    """The lines of the table. The lab's hosts run meanwhile; connecting to them is part of each start."""
    with ExitStack() as stack:
        for kind in labhost.KINDS:
            if labhost.status(kind).login is None:  # one that ran before is left as it was
                labhost.up(kind)
                stack.callback(labhost.down, kind)
        starts = {
            name: partial(_start, build("hello", target), host) for name, (target, host, _) in _PLACES.items()
        }
        taken = in_turns(starts, rounds)
    return [
        Row(f"hello as {name}", taken[name], _HERE, taken[_HERE], goal)
        for name, (_, _, goal) in _PLACES.items()
        if name != _HERE
    ]


def _start(image: Image, host: str | None, watch: Stopwatch) -> None:
    watch.start()
    with boot(image, host=host) as guest:
        guest.console.expect(re.compile("."), timeout=60)
        watch.stop()
